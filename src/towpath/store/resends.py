"""Settle resends: a contrary request that must be repeated when a window ends.

A row waits until its time; then it gets a number in the log and is an event like any other.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from towpath.clock import Instant
from towpath.ids import AudienceId, RequestId
from towpath.ledger.windows import Resend
from towpath.people.action import Action
from towpath.people.match_field import MatchField, fields_of, mask
from towpath.people.people_set import PeopleSet, dump, load, union
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("resends")


def write(db: Db, audience: AudienceId, request: RequestId, resends: Iterable[Resend]) -> None:
    """Remember what must be repeated, and when."""
    rows = [
        (audience, int(one.action), mask(one.fields), dump(one.members), one.due_at, request)
        for one in resends
    ]
    if rows:
        db.cursor().executemany(_SQL["write_resend"], rows)


@dataclass(frozen=True, slots=True)
class DueResend:
    """A resend whose window ended."""

    id: int
    action: Action
    fields: tuple[MatchField, ...]
    members: PeopleSet


def read_due(db: Db, audience: AudienceId, now: Instant) -> list[DueResend]:
    """Resends whose time has come, oldest first; their rows are locked."""
    return [
        DueResend(row[0], Action(row[1]), fields_of(row[2]), load(row[3]))
        for row in db.execute(_SQL["read_due"], (audience, now), binary=True).fetchall()
    ]


def read_later(db: Db, audience: AudienceId, now: Instant) -> dict[Action, PeopleSet]:
    """Who has a resend at a later time, by the action to repeat."""
    found: dict[Action, list[PeopleSet]] = {action: [] for action in Action}
    for action, members in db.execute(_SQL["read_later"], (audience, now), binary=True):
        found[Action(action)].append(load(members))
    return {action: union(sets) for action, sets in found.items()}


def write_done(db: Db, resend: int, seq: int, members: PeopleSet) -> None:
    """The resend is in the log as number `seq`, for the people it really concerned."""
    db.execute(_SQL["write_done"], (seq, dump(members), resend))


def due_audiences(db: Db, now: Instant) -> list[AudienceId]:
    """Audiences that have resends due."""
    return [AudienceId(row[0]) for row in db.execute(_SQL["read_due_audiences"], (now,)).fetchall()]


def next_due(db: Db) -> Instant | None:
    """When the next resend is due."""
    row = db.execute(_SQL["next_due"]).fetchone()
    found: Instant | None = row[0] if row else None
    return found


def count_waiting(db: Db) -> int:
    """How many resends still wait for their window's end."""
    row = db.execute(_SQL["count_waiting"]).fetchone()
    assert row is not None
    return int(row[0])
