"""Settle resends: a contrary request that must be repeated when a window ends.

A row waits until its time; then it gets a number in the log and is an event like any other.
"""

from collections.abc import Iterable, Sequence

from towpath.clock import Instant
from towpath.ids import AudienceId, RequestId
from towpath.ledger.events import ResendDue
from towpath.ledger.windows import Resend
from towpath.people.action import Action
from towpath.people.match_field import fields_of, mask
from towpath.people.people_set import dump, load
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


def read_waiting(db: Db, audience: AudienceId) -> list[Resend]:
    """Everything that waits for a window's end, the soonest first; the rows are locked."""
    return [
        Resend(Action(row[0]), fields_of(row[1]), load(row[2]), row[3])
        for row in db.execute(_SQL["read_waiting"], (audience,), binary=True).fetchall()
    ]


def write_came_due(
    db: Db, audience: AudienceId, events: Sequence[tuple[int, ResendDue]], now: Instant
) -> None:
    """The resends due by `now` are in the log as these numbered events; the rows that waited go."""
    db.execute(_SQL["end_due"], (audience, now))
    rows = [
        (audience, int(one.action), mask(one.fields), dump(one.members), now, seq)
        for seq, one in events
    ]
    if rows:
        db.cursor().executemany(_SQL["write_came_due"], rows)


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
