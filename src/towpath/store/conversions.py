"""Conversions: who reached a goal of a Canvas, as sets; and the control group's would-be entries.

Rows are appended by the intake, whose cursor lets one worker at a time write those of a workspace;
a row takes in what follows within a minute.
"""

from dataclasses import dataclass
from datetime import timedelta

from towpath.clock import Instant
from towpath.ids import CanvasId, VersionId
from towpath.people.people_set import PeopleSet, dump, load, union
from towpath.store import entries
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("conversions")

TOGETHER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Count:
    """How many times a goal (its place among the Canvas' conversions) was reached."""

    goal: int
    control: bool
    people: int


def add(
    db: Db,
    place: tuple[CanvasId, VersionId, int],
    members: PeopleSet,
    now: Instant,
    *,
    control: bool,
) -> None:
    """These people reached a goal: of a Canvas, counted for its version."""
    if not members:
        return
    row = db.execute(_SQL["read_newest"], (*place, control), binary=True).fetchone()
    if row is not None and row[1] > now - TOGETHER and not (there := load(row[2])) & members:
        there |= members
        db.execute(_SQL["grow"], (dump(there), len(there), now, row[0]))
    else:
        db.execute(_SQL["write"], (*place, control, dump(members), len(members), now))


def open_for(
    db: Db,
    canvas: CanvasId,
    goal: int,
    members: PeopleSet,
    window: tuple[Instant, Instant],
    *,
    control: bool,
) -> PeopleSet:
    """Who of these people may convert: they entered in the window and not after it (of the control
    group: would have), and have not converted since."""
    since, until = window
    came = withheld_since if control else entries.entered_since
    found = came(db, canvas, since, members) - came(db, canvas, until, members)
    if not found:
        return found
    undecided = found
    given = (canvas, goal, control, since)
    for at, packed in db.execute(_SQL["read_since"], given, binary=True).fetchall():
        if converted := load(packed) & undecided:
            undecided = undecided - converted
            found = found - (converted - came(db, canvas, at, converted))
    return found


def counts(db: Db, version: VersionId) -> list[Count]:
    """How often each goal of a version was reached, the control group apart."""
    return [Count(*row) for row in db.execute(_SQL["count"], (version,)).fetchall()]


def withhold(db: Db, canvas: CanvasId, members: PeopleSet, now: Instant) -> None:
    """These people would have entered now, and are of the control group."""
    if members:
        db.execute(_SQL["withhold"], (canvas, dump(members), now))


def withheld_since(db: Db, canvas: CanvasId, since: Instant, members: PeopleSet) -> PeopleSet:
    """Who of these people would have entered after `since`, were they not of the control group."""
    rows = db.execute(_SQL["read_withheld"], (canvas, since), binary=True)
    return union(load(row[0]) for row in rows) & members
