"""The order of the checks, the envelope, tokens, ad accounts and audiences."""

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import towpath.sandbox
from towpath.sandbox import Call, Rules, Sandbox, SettableClock
from towpath.sandbox.caller import Caller, envelope_of

AUDIENCE = "segment/audience/"
LIST = "dmp/custom_audience/list/"


def test_it_imports_nothing_of_ours() -> None:
    for file in Path(str(towpath.sandbox.__file__)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            for name in names:
                assert not name.startswith("towpath") or name.startswith("towpath.sandbox")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/open_api/v1.3/user/info", 404),
        ("GET", "/open_api/v1.3/nothing/", 404),
        ("GET", "/open_api/v1.2/user/info/", 404),
        ("GET", "user/info/", 404),
        ("POST", "/open_api/v1.3/user/info/", 405),
        ("GET", "/open_api/v1.3/segment/mapping/", 405),
    ],
)
def test_path_and_verb_come_before_the_token(
    caller: Caller, method: str, path: str, status: int
) -> None:
    reply = caller.sandbox.handle(Call(method, path))
    assert reply.status == status
    assert reply.headers["Content-Type"].startswith("text/plain")


def test_the_envelope(caller: Caller) -> None:
    reply = caller.sandbox.handle(caller.call("GET", "user/info/"))
    told = envelope_of(reply)
    assert (reply.status, told["code"], told["message"]) == (200, 0, "OK")
    assert len(told["request_id"]) == 34
    assert told["request_id"].startswith("20260921")
    assert reply.headers["X-TT-LOGID"] == told["request_id"]
    again = caller.get("user/info/")
    assert again["request_id"] != told["request_id"]


@pytest.mark.parametrize(("token", "code"), [("", 40104), ("bogus", 40105), ("Bearer ", 40105)])
def test_tokens(caller: Caller, token: str, code: int) -> None:
    caller.token = token + caller.token if token == "Bearer " else token
    assert caller.get("user/info/")["code"] == code
    assert caller.post("segment/mapping/", b"no json")["code"] == code


def test_permission_comes_before_parameters(caller: Caller) -> None:
    mapping = {"advertiser_ids": [caller.advertisers[0]], "id_schema": ["nonsense"]}
    assert caller.post("segment/mapping/", mapping)["code"] == 40002
    caller.sandbox.world.advertisers[caller.advertisers[0]].role = False
    assert caller.post("segment/mapping/", mapping)["code"] == 40001
    caller.sandbox.world.advertisers[caller.advertisers[0]].enabled = False
    assert caller.post("segment/mapping/", mapping)["code"] == 40300
    caller.sandbox.world.allowlisted = False
    assert caller.post("segment/mapping/", mapping)["code"] == 40118
    assert caller.get("user/info/")["code"] == 0


def test_an_auth_code_works_once_and_for_an_hour(caller: Caller, clock: SettableClock) -> None:
    world = caller.sandbox.world
    one, other = caller.advertisers[0], caller.advertisers[2]

    def exchange(code: str, **other: object) -> dict[str, object]:
        body = {"app_id": world.app_id, "secret": world.secret, "auth_code": code}
        return caller.post("oauth2/access_token/", body | other)

    code = world.new_auth_code([one], (1, 30), clock())
    assert exchange(code, secret="wrong")["code"] == 40101
    assert exchange(code, app_id="1")["code"] == 40113
    assert exchange("unknown")["code"] == 40101
    assert exchange("")["code"] == 40002
    data = exchange(code)["data"]
    assert isinstance(data, dict)
    assert (data["advertiser_ids"], data["scope"]) == ([one], [1, 30])
    assert exchange(code)["code"] == 40110
    late = world.new_auth_code([one], (1,), clock())
    clock.advance(3_601)
    assert exchange(late)["code"] == 40110

    caller.token = str(data["access_token"])
    own = {"app_id": world.app_id, "secret": world.secret}
    listed = caller.get("oauth2/advertiser/get/", **own)["data"]["list"]
    assert [each["advertiser_id"] for each in listed] == [one]
    assert caller.get("oauth2/advertiser/get/", **own | {"secret": "x"})["code"] == 40113
    assert caller.get(LIST, advertiser_id=one)["code"] == 0
    assert caller.get(LIST, advertiser_id=other)["code"] == 40001
    assert caller.post(AUDIENCE, {"advertiser_id": one})["code"] == 40001, "scope 31 not granted"


def test_ad_accounts(caller: Caller) -> None:
    accounts = list(caller.sandbox.world.advertisers.values())
    assert len({each.business_id for each in accounts}) == 2
    ids = [each.advertiser_id for each in accounts]
    rows = caller.get("advertiser/info/", advertiser_ids=json.dumps(ids))["data"]["list"]
    assert [row["advertiser_id"] for row in rows] == ids
    accounts[0].enabled = False
    told = caller.get("advertiser/info/", advertiser_ids=json.dumps(ids[:1]), fields='["status"]')
    assert told["data"]["list"] == [{"status": "STATUS_DISABLE"}]
    assert caller.get("advertiser/info/", advertiser_ids='["1"]')["code"] == 40300
    assert caller.get("advertiser/info/")["code"] == 40002


def test_audiences_are_cut_paced_and_capped(clock: SettableClock) -> None:
    caller = Caller(Sandbox(1, clock, Rules(audiences_per_advertiser=3)))
    one = caller.create("x" * 71)
    body = {"advertiser_id": caller.advertisers[0], "custom_audience_name": "y"}
    told = caller.post(AUDIENCE, body)
    assert (told["code"], "QPS limit 1 for current path" in told["message"]) == (40133, True)
    caller.create("another account", account=1)
    clock.advance(1)
    two = caller.create("x" * 70)
    clock.advance(1)
    three = caller.create("x" * 70)
    clock.advance(1)
    assert caller.post(AUDIENCE, body)["code"] == 40002, "the cap"
    rows = caller.get(LIST, advertiser_id=caller.advertisers[0])["data"]["list"]
    assert [row["audience_id"] for row in rows] == [three, two, one]
    assert [row["name"] for row in rows] == ["x" * 70, "x" * 70, "x" * 67 + "..."]

    gone = {"advertiser_id": caller.advertisers[0], "action": "delete", "delete_audience_id": two}
    assert caller.post(AUDIENCE, gone | {"advertiser_id": caller.advertisers[1]})["code"] == 40002
    assert caller.post(AUDIENCE, gone)["code"] == 0
    clock.advance(1)
    assert caller.post(AUDIENCE, gone)["code"] == 40007


def test_lists_come_in_pages(caller: Caller, clock: SettableClock) -> None:
    for _ in range(5):
        clock.advance(1)
        caller.create()
    seen = []
    for page in "123":
        told = caller.get(LIST, advertiser_id=caller.advertisers[0], page=page, page_size="2")
        seen += [row["audience_id"] for row in told["data"]["list"]]
        assert told["data"]["page_info"]["total_page"] == 3
    assert len(set(seen)) == 5
    for wrong in ({"page": "0"}, {"page_size": "101"}, {"page": "x"}, {"page": "٣"}):
        assert caller.get(LIST, advertiser_id=caller.advertisers[0], **wrong)["code"] == 40002


def test_details_of_a_new_audience(caller: Caller) -> None:
    audience = caller.create("Coffee")
    told = caller.get(
        "dmp/custom_audience/get/",
        advertiser_id=caller.advertisers[0],
        custom_audience_ids=json.dumps([audience]),
    )
    shown = told["data"]["list"][0]
    wanted = {"type": "Partner", "cover_num": 0, "is_valid": False, "is_creator": True}
    assert wanted.items() <= shown["audience_details"].items()
    assert shown["audience_details"]["expired_time"].startswith("2027-09-21")
    assert [each["action"] for each in shown["audience_history"]] == ["create"]


@pytest.mark.parametrize("over", [50, 10])
def test_limits_are_per_sliding_second(caller: Caller, clock: SettableClock, over: int) -> None:
    audience = caller.create()
    row = {"EMAIL_SHA256": "a" * 64}
    call = (
        caller.mapping("add", audience, [row]) if over == 50 else caller.call("GET", "user/info/")
    )

    def codes(count: int) -> list[int]:
        return [envelope_of(caller.sandbox.handle(call))["code"] for _ in range(count)]

    assert codes(over + 1) == [0] * over + [40100]
    clock.advance(0.999)
    assert codes(1) == [40100]
    clock.advance(0.001)
    assert codes(1) == [0]
    path = call.path.removeprefix("/open_api/v1.3/")
    assert caller.sandbox.log.busiest_second(path=path) == over + 2


def test_the_same_seed_and_calls_give_the_same_replies() -> None:
    def story(seed: int) -> list[object]:
        clock = SettableClock(lambda: 1e9)
        caller = Caller(Sandbox(seed, clock, Rules(processing_s=5, acceptance_s=5)))
        caller.sandbox.faults.set(0.5)
        audience = caller.create()
        told: list[object] = []
        for number in range(40):
            clock.advance(0.1)
            call = caller.mapping("add", audience, [{"EMAIL_SHA256": f"{number:064x}"}])
            told.append(caller.sandbox.handle(call))
        clock.advance(10)
        return [*told, caller.sandbox.digest(audience)]

    assert story(3) == story(3)
    assert story(3) != story(4)


def test_a_clock_that_is_set_back_locks_nobody_out(caller: Caller, clock: SettableClock) -> None:
    tell: Callable[[], int] = lambda: caller.get("user/info/")["code"]  # noqa: E731
    assert [tell() for _ in range(11)][-1] == 40100
    clock.advance(-3_600)
    assert tell() == 0
