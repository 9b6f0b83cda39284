"""What a mapping must look like; one bad cell refuses all of it."""

import hashlib
import time
from typing import Any

import pytest

from towpath.sandbox import Rules, Sandbox, SettableClock
from towpath.sandbox.caller import Caller
from towpath.sandbox.core import MAPPING

HASH = "0f" * 32


def body(caller: Caller, audience: str, **changed: object) -> dict[str, Any]:
    cell = {"id": HASH, "audience_ids": [audience]}
    good = {
        "advertiser_ids": [caller.advertisers[0]],
        "id_schema": ["email_sha256", "AAID_SHA256"],
        "batch_data": [[cell, {}], [{}, cell]],
    }
    return good | changed


def test_a_good_one_is_taken(caller: Caller, clock: SettableClock) -> None:
    audience = caller.create()
    told = caller.post(MAPPING, body(caller, audience))
    assert (told["code"], told["data"]) == (0, {})
    clock.advance(5)
    assert caller.sandbox.members(audience) == {"email": {HASH}, "gaid": {HASH}}
    numbers = body(caller, audience, advertiser_ids=[int(caller.advertisers[0])], action="delete")
    assert caller.post(MAPPING, numbers)["code"] == 0
    clock.advance(5)
    assert caller.sandbox.members(audience) == {}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"advertiser_ids": []}, 40002),
        ({"advertiser_ids": None}, 40002),
        ({"advertiser_ids": ["1"]}, 40300),
        ({"action": "replace"}, 40002),
        ({"id_schema": []}, 40002),
        ({"id_schema": ["GAID_SHA256", "EMAIL_SHA256"]}, 40002),
        ({"id_schema": ["EMAIL_SHA256", "email_sha256"]}, 40002),
        ({"id_schema": ["EMAIL_SHA256"]}, 40002),
        ({"id_schema": ["IDFA_MD5", "EMAIL_SHA256"]}, 40002),
        ({"batch_data": []}, 40002),
        ({"batch_data": [[{}, {}]]}, 40002),
        ({"batch_data": [[{"id": HASH}, {}]]}, 40002),
        ({"batch_data": [[{"audience_ids": ["1"]}, {}]]}, 40002),
        ({"batch_data": [[{"id": HASH, "audience_ids": []}, {}]]}, 40002),
        ({"batch_data": [[{"id": HASH.upper(), "audience_ids": ["1"]}, {}]]}, 40002),
        ({"batch_data": [[{"id": HASH[1:], "audience_ids": ["1"]}, {}]]}, 40002),
        ({"batch_data": [[{"id": "é" * 64, "audience_ids": ["1"]}, {}]]}, 40002),
        ({"batch_data": [[{"id": HASH, "audience_ids": ["1"]}, None]]}, 40002),
        ({"batch_data": [[{"id": HASH, "audience_ids": ["1"]}, ""]]}, 40002),
        ({"batch_data": [[{"id": None, "audience_ids": ["1"]}, {}]]}, 40002),
        ({"batch_data": [[{"id": HASH, "audience_ids": ["1"], "x": 1}, {}]]}, 40002),
        ({"batch_data": [[{"id": HASH, "audience_ids": ["1"]}, {}]]}, 40007),
        ({"batch_data": [[{"id": HASH, "audience_ids": list("abcdefghijk")}, {}]]}, 40011),
    ],
)
def test_a_bad_one_is_refused_whole(
    caller: Caller, clock: SettableClock, changed: dict[str, object], code: int
) -> None:
    audience = caller.create()
    sent = body(caller, audience)
    if changed.get("batch_data"):
        changed = {"batch_data": [*sent["batch_data"], *list(changed["batch_data"])]}  # type: ignore[call-overload]
    told = caller.post(MAPPING, sent | changed)
    assert (told["code"], told["data"]) == (code, {})
    assert HASH[:8] not in told["message"].lower()
    clock.advance(5)
    assert caller.sandbox.members(audience) == {}


@pytest.mark.parametrize("text", [b"", b"null", b"[]", b"{", b"\xff", b'{"advertiser_ids":[1.5]}'])
def test_what_is_no_body(caller: Caller, text: bytes) -> None:
    assert caller.post(MAPPING, text)["code"] == 40002


def test_sizes_are_rules(clock: SettableClock) -> None:
    caller = Caller(Sandbox(1, clock))
    audience = caller.create()
    rows = [{"EMAIL_SHA256": f"{number:064x}"} for number in range(1_001)]
    assert caller.post(MAPPING, caller.mapping("add", audience, rows[:1_000]).body)["code"] == 0
    assert caller.post(MAPPING, caller.mapping("add", audience, rows).body)["code"] == 40011
    caller.sandbox.rules = Rules(ids_per_request=40_000, rows_per_request=1_000)
    assert caller.post(MAPPING, caller.mapping("add", audience, rows).body)["code"] == 40011
    caller.sandbox.rules = Rules(ids_per_request=40_000)
    assert caller.post(MAPPING, caller.mapping("add", audience, rows).body)["code"] == 0


def test_audiences_must_fit(caller: Caller, clock: SettableClock) -> None:
    mine, other = caller.create(), caller.create(account=1)
    assert caller.post(MAPPING, body(caller, other))["code"] == 40002
    both = body(caller, other, advertiser_ids=caller.advertisers[:2])
    assert caller.post(MAPPING, both)["code"] == 0
    strangers = body(caller, mine, advertiser_ids=caller.advertisers)
    assert caller.post(MAPPING, strangers)["code"] == 40002, "two businesses"
    caller.sandbox.world.audiences[mine].kind = "Lookalike Audience"
    assert caller.post(MAPPING, body(caller, mine))["code"] == 40002
    clock.advance(366 * 86_400)
    assert caller.post(MAPPING, both)["code"] == 40002, "expired"


def test_cells_may_name_different_audiences(caller: Caller, clock: SettableClock) -> None:
    one, two = caller.create(), caller.create(account=1)
    rows = [
        [{"id": f"{number:064x}", "audience_ids": names}]
        for number, names in enumerate([[one], [two], [one, two]])
    ]
    sent = body(
        caller,
        one,
        advertiser_ids=caller.advertisers[:2],
        id_schema=["PHONE_SHA256"],
        batch_data=rows,
    )
    assert caller.post(MAPPING, sent)["code"] == 0
    clock.advance(5)
    assert caller.sandbox.members(one) == {"phone": {f"{0:064x}", f"{2:064x}"}}
    assert caller.sandbox.members(two) == {"phone": {f"{1:064x}", f"{2:064x}"}}


def test_the_digest_is_easily_recomputed(caller: Caller, clock: SettableClock) -> None:
    audience = caller.create()
    assert caller.sandbox.digest(audience) == hashlib.sha256(b"").hexdigest()
    rows = [
        {"AAID_MD5": "1" * 32, "AAID_SHA256": "2" * 64, "IDFA_SHA256": "3" * 64},
        {"PHONE_SHA256": "4" * 64, "EMAIL_SHA256": "5" * 64},
    ]
    caller.sandbox.handle(caller.mapping("add", audience, rows))
    clock.advance(5)
    members = caller.sandbox.members(audience)
    lines = sorted(f"{field}:{text}" for field, texts in members.items() for text in texts)
    assert len(lines) == 5
    assert caller.sandbox.digest(audience) == hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_ten_thousand_rows_are_quick(clock: SettableClock) -> None:
    caller = Caller(Sandbox(1, clock, Rules(ids_per_request=40_000)))
    audience = caller.create()
    rows = [
        {"EMAIL_SHA256": f"{number:064x}", "PHONE_SHA256": f"{number:064x}"}
        for number in range(10_000)
    ]
    call = caller.mapping("add", audience, rows)
    spent = []
    for _ in range(5):
        start = time.process_time()
        assert caller.sandbox.handle(call).status == 200
        spent.append(time.process_time() - start)
    assert min(spent) < 0.060, f"{min(spent):.3f} s; about 0.015 on an idle machine"
