"""Looks: sets of people that are evaluated once a minute, and how they stood the last time."""

from collections.abc import Iterable
from typing import NamedTuple

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.people_set import PeopleSet, dump, load
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("looks")


class Look(NamedTuple):
    """`members` is None when nobody has looked yet."""

    members: PeopleSet | None


def take(db: Db, workspace: WorkspaceId, name: str, before: Instant, now: Instant) -> Look | None:
    """Lock a look that was last taken at `before` or earlier, or never; None when there is nothing
    to do, or another worker does it. In a transaction that ends with `write`."""
    given = {"workspace": workspace, "name": name, "before": before, "now": now}
    if db.execute(_SQL["begin_look"], given).fetchone() is not None:
        return Look(None)
    row = db.execute(_SQL["lock_look"], given, binary=True).fetchone()
    if row is None:
        return None
    return Look(None if row[0] is None else load(row[0]))


def write(
    db: Db, workspace: WorkspaceId, name: str, members: PeopleSet | None, now: Instant
) -> None:
    """How the set stands now."""
    packed = None if members is None else dump(members)
    db.execute(_SQL["write_look"], (packed, now, workspace, name))


def keep(db: Db, workspace: WorkspaceId, names: Iterable[str]) -> None:
    """Forget all other looks of the workspace: nobody waits for them any more."""
    db.execute(_SQL["forget_looks"], (workspace, sorted(names)))
