"""Limits of a minute and a day with their lockouts, the tiers, and TikTok's own sandbox host."""

from towpath.sandbox import Rules, Sandbox, SettableClock
from towpath.sandbox.caller import Caller


def test_a_minute_locks_out_for_five(clock: SettableClock) -> None:
    caller = Caller(Sandbox(1, clock, Rules(other_per_minute=5)))

    def code(path: str = "user/info/") -> int:
        clock.advance(1)
        return int(caller.get(path)["code"])

    assert [code() for _ in range(6)] == [0] * 5 + [40100]
    start = clock()
    clock.advance(200)
    assert code() == 40100, "the minute is over, the wait is not"
    assert code("advertiser/info/") == 40002, "endpoints are apart"
    clock.set(start + 300)
    assert caller.get("user/info/")["code"] == 0


def test_a_day_locks_out_until_midnight(clock: SettableClock) -> None:
    caller = Caller(Sandbox(1, clock, Rules(other_per_day=3)))
    told = []
    for _ in range(4):
        clock.advance(90)
        told.append(caller.get("user/info/")["code"])
    assert told == [0, 0, 0, 40100]
    midnight = (clock() // 86_400 + 1) * 86_400
    clock.set(midnight - 1)
    assert caller.get("user/info/")["code"] == 40100
    clock.set(midnight)
    assert caller.get("user/info/")["code"] == 0


def test_apps_have_their_own_limits(caller: Caller) -> None:
    world = caller.sandbox.world
    second = list(world.apps.values())[1]
    assert [caller.get("user/info/")["code"] for _ in range(11)][-1] == 40100
    caller.token = world.issue(caller.advertisers, (1, 3), second.app_id).token
    assert caller.get("user/info/")["code"] == 0
    second.allowlisted = False
    assert caller.post("segment/mapping/", {})["code"] == 40118
    assert world.allowlisted


def test_tiktoks_own_sandbox_host_offers_no_audiences(clock: SettableClock) -> None:
    caller = Caller(Sandbox(1, clock, Rules(host="sandbox")))
    account = caller.advertisers[0]
    assert caller.get("user/info/")["code"] == 0
    assert caller.get("user/info/")["code"] == 40100, "one a second"
    assert caller.get("dmp/custom_audience/list/", advertiser_id=account)["code"] == 40008
    assert caller.post("segment/mapping/", {})["code"] == 40008
    assert caller.post("oauth2/access_token/", {})["code"] == 40008
    caller.token = "bogus"
    assert caller.post("segment/mapping/", {})["code"] == 40105
