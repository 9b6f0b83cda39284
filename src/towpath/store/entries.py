"""Entries: who entered a Canvas, and when. Re-entry is answered from these sets."""

from towpath.clock import Instant
from towpath.ids import CanvasId, VersionId
from towpath.people.people_set import PeopleSet, dump, load, union
from towpath.store.database import Db
from towpath.store.queries import queries
from towpath.store.waves import Stand

_SQL = queries("entries")


def write(db: Db, stand: Stand, members: PeopleSet, now: Instant) -> None:
    """These people entered at `now`, in the stand's lane."""
    place = (stand.workspace, stand.canvas, stand.version, stand.lane)
    db.execute(_SQL["write_entry"], (*place, now, dump(members), len(members)))


def entered(db: Db, canvas: CanvasId) -> PeopleSet:
    """Everybody who ever entered the Canvas."""
    rows = db.execute(_SQL["read_entered"], (canvas,), binary=True)
    return union(load(row[0]) for row in rows)


def entered_since(db: Db, canvas: CanvasId, since: Instant) -> PeopleSet:
    """Everybody who entered the Canvas after `since`."""
    rows = db.execute(_SQL["read_entered_since"], (canvas, since), binary=True)
    return union(load(row[0]) for row in rows)


def sets(db: Db, version: VersionId) -> list[tuple[Instant, PeopleSet]]:
    """The entries of a version, oldest first: for `audit`."""
    rows = db.execute(_SQL["read_entries"], (version,), binary=True)
    return [(row[0], load(row[1])) for row in rows]
