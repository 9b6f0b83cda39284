"""Wakes: whoever writes something that the engine should see at once says so, in its own
transaction; workers listen. A wake that is lost costs a second: loops look by themselves."""

from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("wakes")


def wake(db: Db) -> None:
    """Wake the engine's loops when the transaction commits."""
    db.execute(_SQL["wake"])


def listen(db: Db) -> None:
    """Hear wakes on this connection, which does nothing else."""
    db.execute(_SQL["listen"])


def heard(db: Db, wait_s: float) -> bool:
    """Wait for a wake, at most so long; several are one. Raises DatabaseLost."""
    found = list(db.notifies(timeout=wait_s, stop_after=1))
    return bool(found)
