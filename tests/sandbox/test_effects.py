"""Effects, faults and the witness: what was accepted lands, in the order of its landing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.sandbox import Rules, Sandbox, SettableClock
from towpath.sandbox.caller import Caller, envelope_of
from towpath.sandbox.faults import WEIGHTS, fault_named

KEYS = [f"{number:064x}" for number in range(4)]
EMAIL = "EMAIL_SHA256"
ACTS = st.tuples(
    st.sampled_from(["add", "delete"]),
    st.lists(st.sampled_from(KEYS), min_size=1, unique=True),
    st.sampled_from(["ok", *WEIGHTS]),
    st.floats(0, 4),
)


@given(st.integers(0, 1_000), st.lists(ACTS, max_size=12))
def test_what_was_accepted_lands_in_order_of_effect(
    seed: int, acts: list[tuple[str, list[str], str, float]]
) -> None:
    clock = SettableClock(lambda: 1e9)
    caller = Caller(Sandbox(seed, clock, Rules(processing_s=5, acceptance_s=3)))
    sandbox = caller.sandbox
    audience = caller.create()
    for action, keys, fault, wait in acts:
        sandbox.next_faults([fault])
        reply = sandbox.handle(caller.mapping(action, audience, [{EMAIL: key} for key in keys]))
        row = sandbox.log.rows[-1]
        assert row.fault == reply.fault == ("" if fault == "ok" else fault)
        limit = {"applied": 5, "late": 8}.get(row.applied, 0)
        assert (row.effect_at is None) == (row.applied == "dropped")
        assert row.effect_at is None or 0 <= row.effect_at - clock() <= limit
        clock.advance(wait)
    last = max([each.effect_at for each in sandbox.log.rows if each.effect_at], default=clock())
    assert sandbox.settled_at() == max(clock(), last)
    clock.set(sandbox.settled_at())

    wanted: set[str] = set()
    rows = [row for row in sandbox.log.rows if row.people]
    landed = sorted(zip(rows, acts, strict=True), key=lambda each: each[0].effect_at or 0)
    for row, (action, keys, _, _) in landed:
        if row.effect_at is not None:
            wanted = wanted | set(keys) if action == "add" else wanted - set(keys)
    assert sandbox.members(audience).get("email", set()) == wanted
    assert sandbox.settled_at() == clock()


def test_order_is_not_kept(clock: SettableClock) -> None:
    caller = Caller(Sandbox(5, clock, Rules(processing_s=60)))
    audience = caller.create()
    overtaken = 0
    for number in range(40):
        row = {EMAIL: f"{number:064x}"}
        caller.sandbox.handle(caller.mapping("add", audience, [row]))
        caller.sandbox.handle(caller.mapping("delete", audience, [row]))
        clock.advance(1)
    clock.set(caller.sandbox.settled_at())
    overtaken = len(caller.sandbox.members(audience)["email"])
    assert 5 < overtaken < 35


def test_sizes_show_only_once_processed(clock: SettableClock) -> None:
    caller = Caller(Sandbox(1, clock, Rules(processing_s=5, match_rate=0.5, usable_size=2)))
    audience = caller.create()

    def shown() -> tuple[int, bool]:
        told = caller.get("dmp/custom_audience/list/", advertiser_id=caller.advertisers[0])
        return told["data"]["list"][0]["cover_num"], told["data"]["list"][0]["is_valid"]

    caller.sandbox.handle(caller.mapping("add", audience, [{EMAIL: key} for key in KEYS]))
    assert shown() == (0, False)
    clock.set(caller.sandbox.settled_at())
    assert shown() == (2, True)


@pytest.mark.parametrize("name", [*WEIGHTS, "20001_applied", "503_late", "html", "text-code"])
def test_every_fault_by_name(caller: Caller, clock: SettableClock, name: str) -> None:
    audience = caller.create()
    caller.sandbox.next_faults([name])
    call = caller.mapping("add", audience, [{EMAIL: KEYS[0]}])
    reply = caller.sandbox.handle(call)
    clock.advance(10)
    fault = fault_named(name)
    assert bool(caller.sandbox.members(audience)) == (fault.fate != "dropped")
    if fault.what in {"hang", "reset"}:
        assert (reply.ending, reply.body) == (fault.what, b"")
    elif fault.what == "truncated":
        assert len(reply.body) < int(reply.headers["Content-Length"])
    elif fault.code is not None:
        assert envelope_of(reply)["code"] == fault.code
    elif fault.what.isdigit():
        assert (reply.status, reply.body[:6]) == (int(fault.what), b"<html>")
    else:
        assert reply.status == 200
        assert b'"code":0' not in reply.body
    assert caller.sandbox.log.faults == {name: 1}
    assert caller.sandbox.handle(call).fault == ""


@pytest.mark.parametrize("name", ["", "99", "700", "slow_late", "hang_soon", "okay", "5000_late"])
def test_no_fault(caller: Caller, name: str) -> None:
    with pytest.raises(ValueError, match=r"fault|applied"):
        caller.sandbox.next_faults([name])


def test_the_rate_is_kept_and_every_kind_happens(clock: SettableClock) -> None:
    caller = Caller(Sandbox(2, clock, Rules(mapping_per_s=10**6, acceptance_s=3)))
    caller.sandbox.faults.set(0.1)
    audience = caller.create()
    call = caller.mapping("add", audience, [{EMAIL: KEYS[0]}])
    replies = [caller.sandbox.handle(call) for _ in range(5_000)]
    spoiled = [reply.fault for reply in replies if reply.fault]
    assert 400 < len(spoiled) < 600
    assert set(spoiled) == set(WEIGHTS)
    late = [row.effect_at for row in caller.sandbox.log.rows if row.applied == "late"]
    assert max(at or 0 for at in late) == clock() + 3, "a late one may take all of D"
    assert caller.get("user/info/")["code"] == 0
    with pytest.raises(ValueError, match="rate"):
        caller.sandbox.faults.set(1.1)


def test_a_lost_answer_to_a_creation_still_creates(caller: Caller) -> None:
    path = "segment/audience/"
    caller.sandbox.next_faults(["hang_applied"], path)
    body = {"advertiser_id": caller.advertisers[0], "custom_audience_name": "Once"}
    assert caller.sandbox.handle(caller.call("POST", path, body)).ending == "hang"
    told = caller.get("dmp/custom_audience/list/", advertiser_id=caller.advertisers[0])
    assert [row["name"] for row in told["data"]["list"]] == ["Once"]


def test_keys_in_two_open_requests_are_seen(caller: Caller, clock: SettableClock) -> None:
    sandbox, audience, other = caller.sandbox, caller.create(), caller.create(account=1)

    def begin(*keys: str, into: str = audience, account: int = 0) -> int:
        call = caller.mapping("add", into, [{EMAIL: key} for key in keys], account)
        return sandbox.begin(call).number

    first = begin(KEYS[0], KEYS[1])
    begin(KEYS[0], into=other, account=1)
    begin(KEYS[2])
    assert sandbox.overlaps() == []
    second = begin(KEYS[1], KEYS[3])
    assert [(each.hash, each.earlier, each.later) for each in sandbox.overlaps()] == [
        (KEYS[1], first, second)
    ]
    sandbox.finish(first)
    third = begin(KEYS[1])
    sandbox.finish(second)
    sandbox.finish(second)
    assert sandbox.in_flight.found == 2
    fourth = begin(KEYS[1])
    assert sandbox.overlaps()[-1].earlier == third
    sandbox.finish(third)
    sandbox.finish(fourth)
    begin(KEYS[0], KEYS[1], KEYS[3])
    assert sandbox.in_flight.found == 3
    clock.advance(2)
    assert all(row.finished in {None, clock() - 2} for row in sandbox.log.rows)


def test_the_log_counts_but_holds_no_hash(caller: Caller) -> None:
    audience = caller.create()
    rows = [{EMAIL: KEYS[0], "PHONE_SHA256": KEYS[1]}, {EMAIL: KEYS[2]}]
    caller.sandbox.handle(caller.mapping("add", audience, rows))
    row = caller.sandbox.log.rows[-1]
    assert (row.people, row.keys, row.action, row.audiences) == (2, 3, "add", [audience])
    assert (row.code, row.applied, row.app) == (0, "applied", caller.sandbox.world.app_id)
    assert not any(key in repr(caller.sandbox.log.rows) for key in KEYS)


def test_promises_of_a_careful_caller(caller: Caller) -> None:
    audience, broken = caller.create(), caller.sandbox.log.broken
    caller.sandbox.handle(caller.mapping("add", audience, [{EMAIL: KEYS[0]}]))
    assert not +broken
    caller.sandbox.handle(caller.mapping("add", audience, [{EMAIL: KEYS[0]}] * 2))
    caller.sandbox.handle(caller.mapping("add", audience, [{"IDFA_MD5": "a" * 32}]))
    call = caller.mapping("add", audience, [{EMAIL: "someone@example.com"}])
    caller.sandbox.handle(replace(call))
    assert set(broken.values()) == {1}
    assert len(broken) == 3


def test_an_audience_deleted_meanwhile_takes_nothing(caller: Caller, clock: SettableClock) -> None:
    audience = caller.create()
    caller.sandbox.handle(caller.mapping("add", audience, [{EMAIL: KEYS[0]}]))
    caller.sandbox.world.drop_audience(audience)
    clock.advance(10)
    assert caller.sandbox.members(audience) == {}
    told = caller.sandbox.handle(caller.mapping("add", audience, [{EMAIL: KEYS[0]}]))
    assert envelope_of(told)["code"] == 40007
