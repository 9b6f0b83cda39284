"""What changes a ledger's sets. The log of these events, folded in order, is the ledger.

Each event is a row of the store's log (an arrival, a settled request, a resend that came due, a
mark); `apply` is the one meaning they have, whether the engine acts, the store folds, or `audit`
replays everything from the first row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias, assert_never

from towpath.ledger.state import LedgerState
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people

SetByField: TypeAlias = Mapping[MatchField, PeopleSet]


@dataclass(frozen=True, slots=True)
class Arrived:
    """People came to an Audience Sync step. `keyless`: of them, who has no usable key, by field."""

    action: Action
    fields: tuple[MatchField, ...]
    members: PeopleSet
    keyless: SetByField = field(default_factory=dict)
    maybe_in: bool = False
    """The audience may hold anybody (others fill it), so a removal must be sent in any case."""


class Settling(StrEnum):
    """What an answer tells about its people."""

    APPLIED = "applied"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Settled:
    """A request was answered, or its lease ran out.

    `omitted`: by field, whose key was left out of the request. `found_keyless`: by field, who had
    no key when digests were read. `coholders`: others who hold a key that the request sent.
    `changed`: of the members, whose keys changed meanwhile: the answer may be about the old ones.
    """

    settling: Settling
    action: Action
    fields: tuple[MatchField, ...]
    members: PeopleSet
    omitted: SetByField = field(default_factory=dict)
    found_keyless: SetByField = field(default_factory=dict)
    coholders: PeopleSet = field(default_factory=people)
    changed: PeopleSet = field(default_factory=people)


@dataclass(frozen=True, slots=True)
class ResendDue:
    """A window ended inside which `action` was applied: `members` must be sent once more."""

    action: Action
    fields: tuple[MatchField, ...]
    members: PeopleSet


class MarkKind(StrEnum):
    """Other changes: given up, freed by hand, no key any more, held by somebody wanted, gone."""

    PARKED = "parked"
    FREED = "freed"
    KEYLESS = "keyless"
    HELD = "held"
    LEFT = "left"
    UNWANTED = "unwanted"
    CHANGED = "changed"
    STRAY = "stray"


@dataclass(frozen=True, slots=True)
class Marked:
    """`members` are marked, for these fields.

    HELD: another person's removal left their key in, so they may be in.
    LEFT: their removal sent nothing, since every key is another wanted person's; they count as out.
    UNWANTED: they are deleted or merged: whatever of theirs may be in is due out, given up or not.
    CHANGED: they have another key, or gained one: it is not known to be in.
    STRAY: numbers that hold what was a key of somebody: it may be in, and nobody wants it.
    """

    kind: MarkKind
    fields: tuple[MatchField, ...]
    members: PeopleSet


Event: TypeAlias = Arrived | Settled | ResendDue | Marked


def apply(state: LedgerState, event: Event) -> None:
    """Change the sets as the event says (architecture 5, rules 1, 2, 5 and Keys)."""
    match event:
        case Arrived():
            _arrived(state, event)
        case Settled():
            _settled(state, event)
        case ResendDue():
            _resend_due(state, event)
        case Marked():
            _marked(state, event)
        case _:
            assert_never(event)


def _arrived(state: LedgerState, event: Arrived) -> None:
    for match_field in event.fields:
        sets = state.of(match_field)
        keyless = event.keyless.get(match_field, people())
        if event.action is Action.ADD:
            sets.want |= event.members
        else:
            sets.want -= event.members
            if event.maybe_in:
                sets.maybe |= event.members - sets.acked - keyless
        sets.parked -= event.members
        sets.keyless -= event.members
        sets.keyless |= keyless


def _settled(state: LedgerState, event: Settled) -> None:
    applied = event.settling is Settling.APPLIED
    for match_field in event.fields:
        sets = state.of(match_field)
        # Who had no key when digests were read may have gained one since.
        lost = event.found_keyless.get(match_field, people()) - event.changed
        sets.keyless |= lost
        sets.maybe -= lost
        if event.settling is Settling.REFUSED:
            continue
        sent = event.members - sets.keyless - event.changed
        if event.action is Action.ADD:
            sent -= event.omitted.get(match_field, people())
            if applied:
                sets.acked |= sent
                sets.maybe -= sent
            else:
                sets.maybe |= sent - sets.acked
        elif applied:
            sets.acked -= event.members
            sets.maybe -= event.members
        else:
            sets.maybe |= sent
            sets.acked -= event.members
        # Of another key nothing was told; they are sent again, or removed again.
        sets.acked -= event.changed
        sets.maybe |= event.changed - sets.keyless
    if event.action is Action.REMOVE and event.settling is not Settling.REFUSED:
        _taken_from(state, event.coholders)


def _taken_from(state: LedgerState, coholders: PeopleSet) -> None:
    """A removal sent a key of theirs: an acknowledged add of it may be undone."""
    if not coholders:
        return
    for sets in state.fields.values():
        undone = sets.acked & coholders
        sets.acked -= undone
        sets.maybe |= undone


def _resend_due(state: LedgerState, event: ResendDue) -> None:
    for match_field in event.fields:
        sets = state.of(match_field)
        if event.action is Action.REMOVE:
            sets.maybe |= event.members - sets.acked - sets.keyless
        else:
            again = sets.acked & event.members
            sets.acked -= again
            sets.maybe |= again


def _marked(state: LedgerState, event: Marked) -> None:
    for match_field in event.fields:
        sets = state.of(match_field)
        match event.kind:
            case MarkKind.PARKED:
                sets.parked |= event.members
            case MarkKind.FREED:
                sets.parked -= event.members
            case MarkKind.KEYLESS:
                sets.keyless |= event.members
                sets.maybe -= event.members
            case MarkKind.CHANGED:
                again = sets.acked & event.members
                sets.acked -= again
                sets.maybe |= again
                sets.keyless -= event.members
            case MarkKind.HELD | MarkKind.STRAY:
                sets.maybe |= event.members - sets.acked - sets.keyless
            case MarkKind.LEFT:
                sets.acked -= event.members
                sets.maybe -= event.members
            case MarkKind.UNWANTED:
                sets.want -= event.members
                sets.parked -= event.members


def clip(event: Event, within: PeopleSet) -> Event:
    """The event as far as it concerns the people of `within`: a part of a ledger is kept alone."""
    members = event.members & within
    match event:
        case Arrived():
            return replace(event, members=members, keyless=_clipped(event.keyless, within))
        case Settled():
            return replace(
                event,
                members=members,
                omitted=_clipped(event.omitted, within),
                found_keyless=_clipped(event.found_keyless, within),
                coholders=event.coholders & within,
                changed=event.changed & within,
            )
        case _:
            return replace(event, members=members)


def concerned(event: Event) -> PeopleSet:
    """Everybody whose sets the event may change."""
    return event.members | event.coholders if isinstance(event, Settled) else event.members


def _clipped(sets: SetByField, within: PeopleSet) -> SetByField:
    return {match_field: found & within for match_field, found in sets.items()}
