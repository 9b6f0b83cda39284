"""The courier: one claimed request's way to the partner and back.

Digests are read as a few long byte strings, laid into a body, and posted; no transaction is open
meanwhile. What comes back is an answer to settle, whatever happened.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from towpath.engine.claim import Claimed
from towpath.ids import RequestId
from towpath.ledger.events import SetByField
from towpath.ledger.windows import Windows
from towpath.partners.protocol import Answer, AnswerKind, Cause, Order, Partner
from towpath.people.action import Action
from towpath.people.key_group import KeyGroup
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, cut, people, union
from towpath.store import consents, match_keys
from towpath.store.database import Db, int4_array


@dataclass(frozen=True, slots=True)
class Load:
    """What a request carries: its body, or None when nobody in it has a key any more."""

    claimed: Claimed
    body: bytes | None
    found_keyless: SetByField = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to a request, ready to be settled."""

    request: RequestId
    claimed: Claimed
    answer: Answer
    found_keyless: SetByField = field(default_factory=dict)


NOT_SENT = Answer(AnswerKind.REFUSED, Cause.NONE, message="The lease was too short to send.")
NOT_LOADED = Answer(
    AnswerKind.REFUSED, Cause.NONE, message="The request could not be built, or has no token."
)
LEASE_ENDED = Answer(
    AnswerKind.UNKNOWN, Cause.NETWORK, message="The worker's lease ended without an answer."
)


class TooLateError(Exception):
    """The lease could end before the answer: the request must not leave any more."""


def in_time(windows: Windows, spent: timedelta, calls: int = 1) -> bool:
    """May a request claimed `spent` ago still leave, by so many calls? Its answer, or the end of
    its deadline, must come before its lease ends, when others may claim its people (I-23)."""
    return spent <= windows.lease - windows.request_deadline * calls


def order(claimed: Claimed) -> Order:
    """What the request asks for."""
    route = claimed.route
    return Order(
        claimed.action,
        claimed.fields,
        route.ad_account_ref,
        route.audience_ref if route.made else None,
        route.name,
        claimed.whole,
    )


def pieces(claimed: Claimed, people_per_body: int) -> list[Claimed]:
    """The request's people in as many parts as it needs bodies; mostly one."""
    if len(claimed.members) <= people_per_body:
        return [claimed]
    return [
        replace(
            claimed,
            members=members,
            omitted={name: found & members for name, found in claimed.omitted.items()},
            keyless={name: found & members for name, found in claimed.keyless.items()},
        )
        for members in cut(claimed.members, people_per_body)
    ]


def joined(found: Iterable[SetByField]) -> SetByField:
    """What was found of the pieces, as of the whole request."""
    whole: dict[MatchField, PeopleSet] = {}
    for piece in found:
        for name, members in piece.items():
            whole[name] = whole.get(name, people()) | members
    return whole


def load(db: Db, claimed: Claimed, partner: Partner) -> Load:
    """Read the digests of a claimed request, or of a piece of it, and build its body.

    Who lost a key since the claim, or gained one that was not claimed, is found by counting; only
    then are people asked for one by one set. A key that was not claimed stays behind.
    """
    asked = _without_barred(db, claimed)
    groups = list(_groups(db, asked, asked.omitted))
    lost: SetByField = {}
    if not _as_claimed(asked, groups):
        lost, omitted = _changed(db, asked)
        groups = list(_groups(db, asked, omitted))
    if not groups:
        return Load(claimed, None, lost)
    return Load(claimed, partner.body(order(claimed), groups), lost)


def _without_barred(db: Db, claimed: Claimed) -> Claimed:
    """The request without people who may not be added any more (I-58); the answer does not count
    for them (store/consents.py)."""
    if claimed.action is Action.REMOVE:
        return claimed
    left = consents.left_since(db, claimed.id, claimed.started_at)
    omitted = {name: found - left for name, found in claimed.omitted.items()}
    return replace(claimed, members=claimed.members - left, omitted=omitted)


def _groups(db: Db, claimed: Claimed, omitted: SetByField) -> Iterator[KeyGroup]:
    """Digests of everybody, without the keys that this request leaves out."""
    special = union(omitted.values())
    yield from match_keys.read_digests(db, claimed.members - special, claimed.fields)
    for fields, members in _by_omission(claimed, omitted, special):
        if fields:
            yield from match_keys.read_digests(db, members, fields)


def _as_claimed(claimed: Claimed, groups: Sequence[KeyGroup]) -> bool:
    """Are there as many keys of each field as were claimed?"""
    for name in claimed.fields:
        without = claimed.keyless.get(name, people()) | claimed.omitted.get(name, people())
        found = sum(group.people for group in groups if name in group.digests)
        if found != len(claimed.members - without):
            return False
    return True


def _changed(db: Db, claimed: Claimed) -> tuple[SetByField, SetByField]:
    """By field: who lost their key since the claim, and whose key must be left out."""
    present = match_keys.key_presence(db, int4_array(claimed.members))
    lost, omitted = {}, {}
    for name in claimed.fields:
        keyless = claimed.keyless.get(name, people())
        lost[name] = claimed.members - present[name] - keyless
        omitted[name] = claimed.omitted.get(name, people()) | (keyless & present[name])
    return lost, omitted


def _by_omission(
    claimed: Claimed, omitted: SetByField, special: PeopleSet
) -> Iterator[tuple[tuple[MatchField, ...], PeopleSet]]:
    """People with keys left out, by the fields that remain; as few sets as there are cases."""
    cases: list[tuple[tuple[MatchField, ...], PeopleSet]] = [((), special)]
    for match_field in claimed.fields:
        left_out = omitted.get(match_field, people())
        cases = [
            case
            for fields, members in cases
            for case in (
                (fields, members & left_out),
                ((*fields, match_field), members - left_out),
            )
            if case[1]
        ]
    return iter(cases)
