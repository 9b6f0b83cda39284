"""The client and the sandbox, two independent readings of TikTok's documents, agree."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest

from towpath.ids import PartnerRef
from towpath.net.door import HttpReply, NoAnswer
from towpath.partners.protocol import AnswerKind, Cause, Order, ready
from towpath.partners.tiktok.client import TikTok
from towpath.people.action import Action
from towpath.people.key_group import KeyGroup
from towpath.people.match_field import ALL_FIELDS, MatchField
from towpath.sandbox import Rules, Sandbox, SettableClock
from towpath.sandbox.call import Call

BASE = "https://tiktok.example"
ORDER = Order(Action.ADD, (MatchField.EMAIL,), PartnerRef("1"), PartnerRef("2"))
TIKTOK = TikTok()
AUDIENCE_PATH = "segment/audience/"
APPLIED, REFUSED, UNKNOWN = AnswerKind


@dataclass(slots=True)
class SandboxDoor:
    """A door behind which the sandbox stands, in this process."""

    sandbox: Sandbox
    clock: SettableClock
    calls: list[str] = field(default_factory=list)

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> HttpReply:
        return self._carry("POST", url, headers, body, deadline_s)

    async def get(self, url: str, headers: Mapping[str, str], deadline_s: float) -> HttpReply:
        return self._carry("GET", url, headers, b"", deadline_s)

    def _carry(
        self, verb: str, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> HttpReply:
        parts = urlsplit(url)
        self.calls.append(f"{verb} {parts.path}")
        reply = self.sandbox.handle(Call(verb, parts.path, parts.query, headers, body))
        if reply.ending != "whole" or reply.delay_s >= deadline_s:
            raise NoAnswer(before_first_byte=False, why="lost")
        named = {name.lower(): text for name, text in reply.headers.items()}
        return HttpReply(reply.status, named, reply.body, cut=False)


@pytest.fixture
def door() -> SandboxDoor:
    clock = SettableClock(lambda: 1_790_000_000.0)
    return SandboxDoor(Sandbox(7, clock, Rules(other_per_s=1_000)), clock)


@pytest.fixture
def token(door: SandboxDoor) -> str:
    return next(iter(door.sandbox.world.grants))


@pytest.fixture
def account(door: SandboxDoor) -> PartnerRef:
    return PartnerRef(next(iter(door.sandbox.world.advertisers)))


async def create(door: SandboxDoor, token: str, account: PartnerRef) -> PartnerRef:
    found = await TIKTOK.create_audience(
        door, BASE, token, ad_account_ref=account, name="Buyers", deadline_s=5
    )
    assert found.audience is not None
    return found.audience.partner_ref


def digests(people: int, field: MatchField) -> list[bytes]:
    return [hashlib.sha256(f"{field}{number}".encode()).digest() for number in range(people)]


async def test_people_are_added_and_removed(
    door: SandboxDoor, token: str, account: PartnerRef
) -> None:
    audience = await create(door, token, account)
    keys = {each: digests(6, each) for each in ALL_FIELDS}
    groups = [
        KeyGroup(4, {each: b"".join(keys[each][:4]) for each in ALL_FIELDS}),
        KeyGroup(2, {MatchField.PHONE: b"".join(keys[MatchField.PHONE][4:])}),
    ]
    added = TIKTOK.body(Order(Action.ADD, ALL_FIELDS, account, audience), groups)
    assert (await TIKTOK.send(door, BASE, token, ORDER, ready(added), 5)).applied
    held = {"".join(sorted(found)) for found in door.sandbox.members(audience).values() if found}
    assert held == {
        "".join(sorted(key.hex() for key in keys[each][: 6 if each is MatchField.PHONE else 4]))
        for each in ALL_FIELDS
    }
    removed = TIKTOK.body(Order(Action.REMOVE, ALL_FIELDS, account, audience), groups)
    assert (await TIKTOK.send(door, BASE, token, ORDER, ready(removed), 5)).applied
    assert not any(door.sandbox.members(audience).values())


@pytest.mark.parametrize(
    ("fault", "kind", "cause"),
    [
        ("500_applied", UNKNOWN, Cause.SERVER),
        ("502_late", UNKNOWN, Cause.SERVER),
        ("hang_applied", UNKNOWN, Cause.NETWORK),
        ("reset_applied", UNKNOWN, Cause.NETWORK),
        ("truncated_applied", UNKNOWN, Cause.NETWORK),
        *((name, UNKNOWN, Cause.CONTRACT) for name in ("html", "empty", "null", "list", "object")),
        *((name, UNKNOWN, Cause.CONTRACT) for name in ("garbage", "text-code", "no-code", "utf16")),
        *((name, UNKNOWN, Cause.CONTRACT) for name in ("null-code", "list-code", "two-codes")),
        ("other-case", UNKNOWN, Cause.CONTRACT),
        ("20001_applied", UNKNOWN, Cause.PARTIAL),
        ("50000_applied", UNKNOWN, Cause.SERVER),
        ("40202", UNKNOWN, Cause.SERVER),
        ("throttled", REFUSED, Cause.THROTTLED_APP),
        ("60001", REFUSED, Cause.MAINTENANCE),
        ("slow", APPLIED, Cause.NONE),
    ],
)
async def test_what_goes_wrong_on_purpose_is_read_rightly(
    door: SandboxDoor, token: str, account: PartnerRef, fault: str, kind: AnswerKind, cause: Cause
) -> None:
    audience = await create(door, token, account)
    group = KeyGroup(1, {MatchField.EMAIL: digests(1, MatchField.EMAIL)[0]})
    body = TIKTOK.body(Order(Action.ADD, (MatchField.EMAIL,), account, audience), [group])
    door.sandbox.next_faults([fault])
    answer = await TIKTOK.send(door, BASE, token, ORDER, ready(body), 5)
    assert (answer.kind, answer.cause) == (kind, cause)
    if answer.kind is REFUSED:
        assert not any(door.sandbox.members(audience).values())
    assert (await TIKTOK.send(door, BASE, token, ORDER, ready(body), 5)).applied


async def test_refusals(door: SandboxDoor, token: str, account: PartnerRef) -> None:
    audience = await create(door, token, account)
    many = KeyGroup(1_001, {MatchField.EMAIL: b"".join(digests(1_001, MatchField.EMAIL))})

    async def cause(ref: PartnerRef, group: KeyGroup, token: str) -> Cause:
        body = TIKTOK.body(Order(Action.ADD, (MatchField.EMAIL,), account, ref), [group])
        return (await TIKTOK.send(door, BASE, token, ORDER, ready(body), 5)).cause

    one = KeyGroup(1, {MatchField.EMAIL: bytes(32)})
    assert await cause(audience, many, token) is Cause.SIZE
    assert await cause(PartnerRef("1"), one, token) is Cause.AUDIENCE
    assert await cause(audience, one, "bogus") is Cause.CONNECTION
    assert (await TIKTOK.probe(door, BASE, "bogus", 5)).cause is Cause.CONNECTION
    assert (await TIKTOK.probe(door, BASE, token, 5)).applied


async def test_one_audience_however_often_it_is_asked_for(
    door: SandboxDoor, token: str, account: PartnerRef
) -> None:
    door.sandbox.next_faults(["hang_applied"], AUDIENCE_PATH)
    first = await create(door, token, account)
    assert await create(door, token, account) == first
    listed = await TIKTOK.list_audiences(door, BASE, token, ad_account_ref=account, deadline_s=5)
    assert [each.partner_ref for each in listed.audiences if each.name == "Buyers"] == [first]
    assert door.calls.count(f"POST /open_api/v1.3/{AUDIENCE_PATH}") == 1


async def test_consent_becomes_a_token_that_reaches_ad_accounts(door: SandboxDoor) -> None:
    world = door.sandbox.world
    page = TIKTOK.consent_url(BASE + "/", world.app_id, "s&1", "http://localhost/back?a=1")
    assert page.startswith(f"{BASE}/portal/auth?")
    assert parse_qs(urlsplit(page).query) == {
        "app_id": [world.app_id],
        "state": ["s&1"],
        "redirect_uri": ["http://localhost/back?a=1"],
    }
    code = world.new_auth_code(list(world.advertisers), (1, 3), door.clock())
    found = await TIKTOK.exchange(
        door, BASE, world.app_id, world.secret, auth_code=code, deadline_s=5
    )
    assert found.token
    assert found.token not in repr(found)
    listed = await TIKTOK.list_ad_accounts(
        door, BASE, world.app_id, world.secret, token=found.token, deadline_s=5
    )
    assert [ref for ref, _ in listed.ad_accounts] == list(world.advertisers)
    again = await TIKTOK.exchange(
        door, BASE, world.app_id, world.secret, auth_code=code, deadline_s=5
    )
    assert (again.token, again.answer.kind) == ("", REFUSED)
