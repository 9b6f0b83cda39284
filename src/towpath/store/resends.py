"""Settle resends: a contrary request that must be repeated when a window ends.

A row waits until its time; then it gets a number in the log and is an event like any other.
"""

from collections.abc import Iterable

from towpath.clock import Instant, seconds
from towpath.ids import AudienceId, RequestId
from towpath.ledger.windows import Resend, come_due
from towpath.limits import FLUSH_S
from towpath.people.action import Action
from towpath.people.match_field import fields_of, mask
from towpath.people.people_set import dump, load, union
from towpath.store import ledgers
from towpath.store.database import Db
from towpath.store.ledgers import Ledger
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


def end_windows(db: Db, ledger: Ledger, now: Instant) -> None:
    """What must be repeated now that windows ended is an event of the locked ledger: by `now`, not
    by when somebody looks. Whoever asks what may be in, or whose key it is, does this first."""
    audience = ledger.head.audience
    if not db.execute(_SQL["find_due"], (audience, now)).fetchone():
        return
    rows = db.execute(_SQL["read_waiting"], (audience,), binary=True).fetchall()
    waiting = [Resend(Action(row[0]), fields_of(row[1]), load(row[2]), row[3]) for row in rows]
    ended = [one for one in waiting if one.due_at <= now]
    later = [one for one in waiting if one.due_at > now]
    due = come_due(ended, later)
    ledgers.open_people(db, ledger, union(one.members for one in due))
    db.execute(_SQL["end_due"], (audience, now))
    written = [
        (audience, int(one.action), mask(one.fields), dump(one.members), now,
         ledgers.record(ledger, one))
        for one in due
    ]  # fmt: skip
    ledger.due(now, seconds(FLUSH_S), at_once=True)
    if written:
        db.cursor().executemany(_SQL["write_came_due"], written)


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
