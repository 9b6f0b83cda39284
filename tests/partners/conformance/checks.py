"""The checks that every transport must pass; each gets a fresh subject and asserts one promise.

What they demand is what the ledger builds on (`partners/protocol.py`): only a sure success counts
as applied, only what surely had no effect counts as refused, and everything else is unknown.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence

from tests.partners.conformance.subject import DEADLINE_S, Subject

from towpath.ids import PartnerRef
from towpath.net.door import HttpReply, NoAnswer
from towpath.partners.protocol import Answer, AnswerKind, Cause, Order, Scope, ready
from towpath.people.action import Action
from towpath.people.key_group import KeyGroup
from towpath.people.match_field import MatchField

Check = Callable[[Subject], Awaitable[None]]
EMAIL, PHONE = MatchField.EMAIL, MatchField.PHONE
FIELDS = (EMAIL, PHONE)
CANARY = "act-canary-token"
PERSON = "ana@example.com"


def digests(match_field: MatchField, people: Sequence[str]) -> bytes:
    """Their digests, end to end."""
    return b"".join(hashlib.sha256(f"{match_field} {one}".encode()).digest() for one in people)


def group(people: Sequence[str], *fields: MatchField) -> KeyGroup:
    """People who have these fields."""
    return KeyGroup(len(people), {one: digests(one, people) for one in fields or FIELDS})


def held(people: Sequence[str], *fields: MatchField) -> dict[MatchField, set[bytes]]:
    """What the partner must hold of them."""
    return {
        one: {hashlib.sha256(f"{one} {who}".encode()).digest() for who in people}
        for one in fields or FIELDS
    }


async def made(subject: Subject, name: str = "Buyers") -> PartnerRef:
    """An audience."""
    ref = await subject.make(name)
    assert ref
    return ref


async def send(subject: Subject, audience: PartnerRef, action: Action, *groups: KeyGroup) -> Answer:
    """One request."""
    order = Order(action, FIELDS, subject.ad_account, audience)
    bodies = ready(subject.partner.body(order, groups))
    return await subject.partner.send(
        subject.door, subject.base_url, subject.token, order, bodies, DEADLINE_S
    )


async def added_people_are_in_and_nobody_else(subject: Subject) -> None:
    """Also those who have one field of two, in the same request."""
    audience = await made(subject)
    answer = await send(
        subject, audience, Action.ADD, group(["ana", "bruno"]), group(["carla"], EMAIL)
    )
    assert answer.applied
    wanted = held(["ana", "bruno"])
    wanted[EMAIL] |= held(["carla"], EMAIL)[EMAIL]
    assert subject.members(audience) == wanted


async def removed_people_are_out_and_others_stay(subject: Subject) -> None:
    audience, other = await made(subject), await made(subject, "Others")
    for each in (audience, other):
        assert (await send(subject, each, Action.ADD, group(["ana", "bruno"]))).applied
    assert (await send(subject, audience, Action.REMOVE, group(["ana"]))).applied
    assert subject.members(audience) == held(["bruno"])
    assert subject.members(other) == held(["ana", "bruno"])


async def the_same_again_changes_nothing(subject: Subject) -> None:
    audience = await made(subject)
    for _ in range(2):
        assert (await send(subject, audience, Action.ADD, group(["ana"]))).applied
    assert subject.members(audience) == held(["ana"])
    for _ in range(2):
        assert (await send(subject, audience, Action.REMOVE, group(["ana"]))).applied
    assert subject.members(audience) == {}


async def a_body_is_the_same_each_time(subject: Subject) -> None:
    """A retry is built anew: what is the same people must be the same request."""
    groups = [group(["ana", "bruno"]), group(["carla"], PHONE)]
    order = Order(Action.ADD, FIELDS, subject.ad_account, PartnerRef("1"))
    bodies = {subject.partner.body(order, groups) for _ in range(3)}
    assert len(bodies) == 1
    assert b"carla" not in bodies.pop()


async def a_lost_answer_is_unknown(subject: Subject) -> None:
    """The people are in, and nobody told us so."""
    audience = await made(subject)
    subject.door.lose = 1
    answer = await send(subject, audience, Action.ADD, group(["ana"]))
    assert answer.kind is AnswerKind.UNKNOWN
    assert subject.members(audience) == held(["ana"])


async def what_never_left_is_refused(subject: Subject) -> None:
    """No byte left: it can be tried again without a doubt."""
    audience = await made(subject)
    subject.door.instead = [NoAnswer(before_first_byte=True, why="refused")]
    answer = await send(subject, audience, Action.ADD, group(["ana"]))
    assert (answer.kind, answer.cause) == (AnswerKind.REFUSED, Cause.NETWORK)


_NO_SUCCESS = [
    (200, b"<html>OK</html>"),
    (200, b""),
    (200, b"{}"),
    (200, b"[]"),
    (200, b"null"),
    (200, b'{"code": "0", "message": "OK", "request_id": "1", "data": {}}'),
    (200, b'{"code": 0, "message": "OK", "request_id": "1", "data": {}'),
    (200, b'{"code": 0, "code": 40105, "message": "OK", "request_id": "1", "data": {}}'),
    (200, b'{"code": false, "message": "OK", "request_id": "1", "data": {}}'),
    (200, b'{"code": 40050, "message": "OK", "request_id": "1", "data": {}}'),
    (200, b'{"code": 20001, "message": "OK", "request_id": "1", "data": {}}'),
    (200, b'{"code": 99999, "message": "OK", "request_id": "1", "data": {}}'),
    (204, b""),
    (302, b""),
    (500, b'{"code": 0, "message": "OK", "request_id": "1", "data": {}}'),
    (502, b"<html>Bad gateway</html>"),
]


async def what_is_no_sure_success_is_not_applied(subject: Subject) -> None:
    """HTTP 200 says nothing: neither a page, nor half an answer, nor an error in an envelope."""
    audience = await made(subject)
    believed = []
    for status, body in _NO_SUCCESS:
        subject.door.instead = [HttpReply(status, {}, body, cut=False)]
        answer = await send(subject, audience, Action.ADD, group(["ana"]))
        if answer.kind is not AnswerKind.UNKNOWN:
            believed.append((status, body, answer.kind))
    assert believed == []


async def a_cut_answer_is_unknown(subject: Subject) -> None:
    audience = await made(subject)
    whole = b'{"code": 0, "message": "OK", "request_id": "1", "data": {}}'
    subject.door.instead = [HttpReply(200, {}, whole, cut=True)]
    answer = await send(subject, audience, Action.ADD, group(["ana"]))
    assert answer.kind is AnswerKind.UNKNOWN


async def a_throttled_request_rests_the_scope(subject: Subject) -> None:
    """It had no effect, costs no try, and says how long nothing is sent."""
    audience = await made(subject)
    subject.throttle()
    answer = await send(subject, audience, Action.ADD, group(["ana"]))
    assert answer.kind is AnswerKind.REFUSED
    assert answer.cause in {Cause.THROTTLED_APP, Cause.THROTTLED_ACCOUNT}
    assert answer.pause_s
    assert not answer.cause.costs_try
    assert subject.members(audience) == {}


async def a_dead_token_stops_the_connection(subject: Subject) -> None:
    audience = await made(subject)
    subject.kill_token()
    answer = await send(subject, audience, Action.ADD, group(["ana"]))
    assert (answer.kind, answer.cause) == (AnswerKind.REFUSED, Cause.CONNECTION)
    assert answer.cause.scope is Scope.CONNECTION
    assert subject.members(audience) == {}


async def a_probe_tells_a_living_token_from_a_dead_one(subject: Subject) -> None:
    async def probe() -> Answer:
        return await subject.partner.probe(
            subject.door, subject.base_url, subject.token, DEADLINE_S
        )

    before = subject.door.calls
    assert (await probe()).applied
    assert subject.door.calls == before + 1, "a probe is one cheap call"
    subject.kill_token()
    assert (await probe()).cause is Cause.CONNECTION


async def an_audience_that_is_gone_takes_nobody(subject: Subject) -> None:
    audience, other = await made(subject), await made(subject, "Others")
    subject.delete_audience(audience)
    gone = await send(subject, audience, Action.ADD, group(["ana"]))
    assert (gone.kind, gone.cause) == (AnswerKind.REFUSED, Cause.AUDIENCE)
    assert (await send(subject, other, Action.ADD, group(["ana"]))).applied


async def an_audience_is_made_once(subject: Subject) -> None:
    """Two people click, or the answer gets lost (I-33)."""
    first = await made(subject)
    assert await made(subject) == first
    for lost in (1, 2):
        subject.door.lose = lost
        await subject.make("Lost")
        subject.door.lose = 0
    assert await made(subject, "Lost")
    assert [subject.audiences(name) for name in ("Buyers", "Lost")] == [1, 1]


async def an_audience_is_deleted_once(subject: Subject) -> None:
    """One that is gone counts as deleted."""
    audience = await made(subject)
    for _ in range(2):
        answer = await subject.partner.delete_audience(
            subject.door,
            subject.base_url,
            subject.token,
            ad_account_ref=subject.ad_account,
            audience_ref=audience,
            deadline_s=DEADLINE_S,
        )
        assert answer.applied
    assert subject.audiences("Buyers") == 0


async def all_audiences_are_listed_by_their_exact_ids(subject: Subject) -> None:
    wanted = {await made(subject, f"Audience {number}") for number in range(120)}
    found = await subject.partner.list_audiences(
        subject.door,
        subject.base_url,
        subject.token,
        ad_account_ref=subject.ad_account,
        deadline_s=DEADLINE_S,
    )
    assert found.answer.applied
    assert wanted <= {one.partner_ref for one in found.audiences}
    assert found.skipped == 0


async def a_list_that_breaks_off_is_not_whole(subject: Subject) -> None:
    """Else what is missing would look deleted."""
    await made(subject)
    subject.door.lose = 1
    found = await subject.partner.list_audiences(
        subject.door,
        subject.base_url,
        subject.token,
        ad_account_ref=subject.ad_account,
        deadline_s=DEADLINE_S,
    )
    assert not found.answer.applied


async def one_send_is_one_call(subject: Subject) -> None:
    """Permits are taken a call; retries are the ledger's."""
    audience = await made(subject)
    before = subject.door.calls
    await send(subject, audience, Action.ADD, group(["ana"]))
    assert subject.door.calls == before + 1
    subject.door.instead = [NoAnswer(before_first_byte=False, why="deadline")] * 9
    await send(subject, audience, Action.ADD, group(["ana"]))
    assert subject.door.calls == before + 2


async def no_answer_names_a_person_or_the_token(subject: Subject) -> None:
    """What a partner says may quote what it was sent."""
    audience = await made(subject)
    secret = digests(EMAIL, ["ana"]).hex()
    said = {"code": 40002, "message": f"{secret} of {PERSON} is bad", "request_id": "1"}
    subject.door.instead = [HttpReply(200, {}, json.dumps(said).encode(), cut=False)]
    answer = await send(subject, audience, Action.ADD, group(["ana"]))
    assert secret not in repr(answer)
    assert PERSON not in repr(answer)
    assert subject.token not in repr(answer)
    assert all(subject.token not in url for url in subject.door.urls)


CHECKS: list[Check] = [
    added_people_are_in_and_nobody_else,
    removed_people_are_out_and_others_stay,
    the_same_again_changes_nothing,
    a_body_is_the_same_each_time,
    a_lost_answer_is_unknown,
    what_never_left_is_refused,
    what_is_no_sure_success_is_not_applied,
    a_cut_answer_is_unknown,
    a_throttled_request_rests_the_scope,
    a_dead_token_stops_the_connection,
    a_probe_tells_a_living_token_from_a_dead_one,
    an_audience_that_is_gone_takes_nobody,
    an_audience_is_made_once,
    an_audience_is_deleted_once,
    all_audiences_are_listed_by_their_exact_ids,
    a_list_that_breaks_off_is_not_whole,
    one_send_is_one_call,
    no_answer_names_a_person_or_the_token,
]
