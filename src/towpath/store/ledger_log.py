"""The log of a ledger: arrivals, settled requests, resends that came due, and marks, by number.

The rows are written by the nouns they belong to; this reads them back as events, in their order,
for the fold and for `audit`, which replays them from the first.
"""

from collections.abc import Iterator

from towpath.ids import AudienceId
from towpath.ledger.events import (
    Arrived,
    Event,
    Marked,
    MarkKind,
    ResendDue,
    SetByField,
    Settled,
    Settling,
)
from towpath.people.action import Action
from towpath.people.match_field import MatchField, fields_of, mask
from towpath.people.people_set import PeopleSet, dump, load, people
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("ledgers")


def dump_by_field(sets: SetByField, fields: tuple[MatchField, ...]) -> list[bytes]:
    """Sets by field as a `bytea[]` in the order of the mask; empty where all are."""
    if not any(sets.values()):
        return []
    return [dump(sets.get(match_field, people())) for match_field in fields_of(mask(fields))]


def load_by_field(
    packed: list[bytes] | None, fields: tuple[MatchField, ...]
) -> dict[MatchField, PeopleSet]:
    """The sets that `dump_by_field` wrote."""
    if not packed:
        return {}
    return {
        match_field: load(found) for match_field, found in zip(fields, packed, strict=True) if found
    }


def read_log(
    db: Db, audience: AudienceId, after: int, to: int, *, created_here: bool
) -> list[tuple[int, Event]]:
    """The events numbered `after` < seq <= `to`, in order."""
    span = (audience, after, to)
    found = [
        *_arrived(db, span, created_here=created_here),
        *_settled(db, span),
        *_resent(db, span),
        *_marked(db, span),
    ]
    return sorted(found, key=lambda row: row[0])


def _arrived(
    db: Db, span: tuple[AudienceId, int, int], *, created_here: bool
) -> Iterator[tuple[int, Event]]:
    for row in db.execute(_SQL["read_arrived"], span, binary=True):
        seq, action, bits, members, keyless = row
        fields = fields_of(bits)
        act = Action(action)
        yield (
            seq,
            Arrived(
                act,
                fields,
                load(members),
                load_by_field(keyless, fields),
                maybe_in=act is Action.REMOVE and not created_here,
            ),
        )


def _settled(db: Db, span: tuple[AudienceId, int, int]) -> Iterator[tuple[int, Event]]:
    for row in db.execute(_SQL["read_settled"], span, binary=True):
        seq, action, bits, members, state, omitted, found_keyless, coholders, changed = row
        fields = fields_of(bits)
        yield (
            seq,
            Settled(
                Settling(state),
                Action(action),
                fields,
                load(members),
                load_by_field(omitted, fields),
                load_by_field(found_keyless, fields),
                load(coholders),
                load(changed),
            ),
        )


def _resent(db: Db, span: tuple[AudienceId, int, int]) -> Iterator[tuple[int, Event]]:
    for seq, action, bits, members in db.execute(_SQL["read_resent"], span, binary=True):
        yield (
            seq,
            ResendDue(Action(action), fields_of(bits), load(members)),
        )


def _marked(db: Db, span: tuple[AudienceId, int, int]) -> Iterator[tuple[int, Event]]:
    for seq, kind, bits, members in db.execute(_SQL["read_marked"], span, binary=True):
        yield (
            seq,
            Marked(MarkKind(kind), fields_of(bits), load(members)),
        )
