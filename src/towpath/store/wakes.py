"""Wakes: whoever writes something that the engine should see at once says so, in its own
transaction; workers listen. A wake that is lost costs a second: loops look by themselves."""

from towpath.clock import Instant
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("wakes")


def wake(db: Db) -> None:
    """Wake the engine's loops when the transaction commits."""
    db.execute(_SQL["wake"])


def listen(db: Db) -> None:
    """Hear wakes on this connection, which does nothing else."""
    db.execute(_SQL["listen"])


def heard(db: Db) -> bool:
    """Whether wakes have come since the last time; does not wait. Raises DatabaseLost."""
    db.pgconn.consume_input()
    found = False
    while db.pgconn.notifies() is not None:
        found = True
    return found


def next_due(db: Db, now: Instant) -> Instant | None:
    """When time alone next gives the walk something to do: people who wait, or enter."""
    row = db.execute(_SQL["read_next_due"], {"now": now}).fetchone()
    assert row is not None
    found: Instant | None = row[0]
    return found
