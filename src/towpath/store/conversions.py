"""Conversions: who reached a goal of a Canvas, as sets; and the control group's would-be entries.

Conversions are a log, for the counts: a row takes in what follows within a minute. Beside it, cut
along blocks of numbers, stands who has converted and not entered since, so that whether somebody
may convert is answered at once, however long the log is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from towpath.clock import Instant
from towpath.ids import CanvasId, VersionId
from towpath.people.people_set import PeopleSet, blocks, dump, load, part, people, union
from towpath.store import entries
from towpath.store.database import Db, Int4Array, int4_array
from towpath.store.queries import queries

_SQL = queries("conversions")

TOGETHER = timedelta(minutes=1)
WITHHELD_ROWS = 1_000
"""Rows of the control group that are in memory at once."""


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
    """These people reached a goal: of a Canvas, counted for its version. Under `entries.lock`, like
    all that says who may convert."""
    if not members:
        return
    canvas, version, goal = place
    row = db.execute(_SQL["read_newest"], (version, goal, control), binary=True).fetchone()
    if row is not None and abs(row[1] - now) < TOGETHER and not (there := load(row[2])) & members:
        there |= members
        db.execute(_SQL["grow"], (dump(there), len(there), now, row[0]))
    else:
        db.execute(_SQL["write"], (*place, control, dump(members), len(members), now))
    held = _converted(db, canvas, goal, members, control=control)
    changed = {
        (goal, block): held.get(block, people()) | part(members, block) for block in blocks(members)
    }
    _write_converted(db, canvas, changed, control=control)


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
    held = union(_converted(db, canvas, goal, members, control=control).values())
    undecided = members - held
    if not undecided:
        return undecided
    since, until = window
    if control:
        return _withheld_between(db, canvas, since, until, undecided)
    came = entries.entered_since
    return came(db, canvas, since, undecided) - came(db, canvas, until, undecided)


def came_since(db: Db, canvas: CanvasId, since: Instant, members: PeopleSet) -> PeopleSet:
    """Who of these people entered after `since`, or would have, were it not for the control
    group."""
    entered = entries.entered_since(db, canvas, since, members)
    return entered | _withheld_between(db, canvas, since, None, members - entered)


def reopen(db: Db, canvas: CanvasId, members: PeopleSet, *, control: bool = False) -> None:
    """These people enter (again), and may reach every goal once more. Under `entries.lock`."""
    given = {"canvas": canvas, "control": control, "blocks": _blocks(members)}
    changed = {
        (goal, block): there - members
        for goal, block, packed in db.execute(_SQL["read_goals"], given, binary=True)
        if (there := load(packed)) & members
    }
    _write_converted(db, canvas, changed, control=control)


def _converted(
    db: Db, canvas: CanvasId, goal: int, members: PeopleSet, *, control: bool
) -> dict[int, PeopleSet]:
    given = {"canvas": canvas, "goal": goal, "control": control, "blocks": _blocks(members)}
    rows = db.execute(_SQL["read_converted"], given, binary=True)
    return {block: load(packed) for block, packed in rows}


def _write_converted(
    db: Db, canvas: CanvasId, changed: Mapping[tuple[int, int], PeopleSet], *, control: bool
) -> None:
    rows = [
        {
            "canvas": canvas,
            "goal": goal,
            "control": control,
            "block": block,
            "members": dump(members),
        }
        for (goal, block), members in sorted(changed.items())
    ]
    if rows:
        db.cursor().executemany(_SQL["write_converted"], rows)


def _blocks(members: PeopleSet) -> Int4Array:
    return int4_array(people(blocks(members)))


def counts(db: Db, version: VersionId) -> list[Count]:
    """How often each goal of a version was reached, the control group apart."""
    return [Count(*row) for row in db.execute(_SQL["count"], (version,)).fetchall()]


def withhold(db: Db, canvas: CanvasId, members: PeopleSet, now: Instant) -> None:
    """These people would have entered now, and are of the control group."""
    if members:
        db.execute(_SQL["withhold"], (canvas, dump(members), now))
        reopen(db, canvas, members, control=True)


def _withheld_between(
    db: Db, canvas: CanvasId, since: Instant, until: Instant | None, members: PeopleSet
) -> PeopleSet:
    """Who of these people would have entered after `since`, and not after `until`, were they not
    of the control group.

    Rows are read once, the newest first, WITHHELD_ROWS at a time: no further than until everybody
    is found.
    """
    found, before, last = people(), None, 0
    while members:
        given = {"canvas": canvas, "since": since, "before": before, "last": last}
        given["most"] = WITHHELD_ROWS
        rows = db.execute(_SQL["read_withheld"], given, binary=True).fetchall()
        for _, at, packed in rows:
            here = load(packed) & members
            members = members - here
            if until is None or at <= until:
                found |= here
        if len(rows) < WITHHELD_ROWS:
            break
        last, before, _ = rows[-1]
    return found
