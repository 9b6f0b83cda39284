"""Entries: who entered a Canvas, and when. Re-entry is answered from these sets.

Entries are a log, a row for each opening of the door and lane. Its fold, by hour and block of
numbers, answers who entered before and who did since a moment, for a few people or for millions,
however long the log is: the fold is read for the blocks that are asked about, the log only for what
is not folded yet and for the hour in which the window begins.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from towpath.clock import Instant
from towpath.ids import CanvasId, VersionId
from towpath.limits import ENTRY_FOLD_ROWS, FOLD_PEOPLE, RETENTION_DAYS
from towpath.people.people_set import PeopleSet, blocks, dump, load, part, people, union
from towpath.store.database import Db, int4_array
from towpath.store.queries import queries
from towpath.store.waves import Stand

_SQL = queries("entries")
_EVER = 0
_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a Canvas' entries stand: folded up to an entry, and how much waits behind it."""

    folded: int
    log_rows: int
    log_people: int


def lock(db: Db, canvas: CanvasId) -> Head:
    """Let nobody else let people into the Canvas until this transaction ends."""
    db.execute(_SQL["begin_head"], {"canvas": canvas})
    row = db.execute(_SQL["lock_head"], (canvas,)).fetchone()
    assert row is not None
    return Head(*row)


def write(db: Db, stand: Stand, members: PeopleSet, now: Instant) -> None:
    """These people entered at `now`, in the stand's lane. Under `lock`, or where no two may."""
    place = (stand.workspace, stand.canvas, stand.version, stand.lane)
    db.execute(_SQL["write_entry"], (*place, now, dump(members), len(members)))
    db.execute(_SQL["grow_head"], (1, len(members), stand.canvas))


def entered(db: Db, canvas: CanvasId) -> PeopleSet:
    """Everybody who ever entered the Canvas."""
    rows = db.execute(_SQL["read_ever"], (canvas,), binary=True)
    return union(load(row[0]) for row in rows) | _log(db, canvas, _folded(db, canvas))


def entered_of(db: Db, canvas: CanvasId, members: PeopleSet) -> PeopleSet:
    """Who of these people ever entered the Canvas."""
    rows = db.execute(_SQL["read_fold"], (canvas, _EVER, _blocks(members)), binary=True)
    found = union(load(row[0]) for row in rows) | _log(db, canvas, _folded(db, canvas))
    return found & members


def entered_since(db: Db, canvas: CanvasId, since: Instant, members: PeopleSet) -> PeopleSet:
    """Who of these people entered the Canvas after `since`."""
    hour = _hour(since)
    place = (canvas, hour, _blocks(members))
    rows = list(db.execute(_SQL["read_fold_since"], place, binary=True))
    given = {"canvas": canvas, "since": since, "folded": _folded(db, canvas)}
    given["hour_end"] = _EPOCH + (hour + 1) * _HOUR
    rows += db.execute(_SQL["read_log_since"], given, binary=True)
    return union(load(row[0]) for row in rows) & members


def fold(db: Db, canvas: CanvasId, head: Head, now: Instant) -> None:
    """Fold the log when much waits in it. In the transaction that holds the head's lock."""
    if head.log_rows < ENTRY_FOLD_ROWS and head.log_people < FOLD_PEOPLE:
        return
    rows = db.execute(_SQL["read_log"], (canvas, head.folded), binary=True).fetchall()
    if not rows:
        return
    by_hour: dict[int, PeopleSet] = defaultdict(people)
    for _, entered_at, members in rows:
        by_hour[_hour(entered_at)] |= load(members)
    by_hour[_EVER] = union(by_hour.values())
    _grow_fold(db, canvas, by_hour)
    db.execute(_SQL["forget_fold"], (canvas, _hour(now) - RETENTION_DAYS * 24 - 1))
    db.execute(_SQL["mark_folded"], (rows[-1][0], canvas))


def sets(db: Db, version: VersionId) -> list[tuple[Instant, PeopleSet]]:
    """The entries of a version, oldest first: for `audit`."""
    rows = db.execute(_SQL["read_entries"], (version,), binary=True)
    return [(row[0], load(row[1])) for row in rows]


def count_since(db: Db, canvas: CanvasId, since: Instant) -> int:
    """How many entered the Canvas from `since` on; who entered twice counts twice."""
    row = db.execute(_SQL["count_entered"], (canvas, since)).fetchone()
    assert row is not None
    return int(row[0])


def count_ever(db: Db, canvas: CanvasId) -> int:
    """How many ever entered the Canvas; who entered twice counts twice."""
    row = db.execute(_SQL["count_ever"], (canvas,)).fetchone()
    assert row is not None
    return int(row[0])


def keys(
    db: Db, canvas: CanvasId, pairs: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], Instant]:
    """When people last entered with a key, for those of these (profile, key) that did."""
    given = _pairs(pairs) | {"canvas": canvas}
    return {(row[0], row[1]): row[2] for row in db.execute(_SQL["read_keys"], given)}


def write_keys(db: Db, canvas: CanvasId, pairs: Sequence[tuple[int, str]], now: Instant) -> None:
    """These people entered at `now`, with these keys; each pair once."""
    if pairs:
        db.execute(_SQL["write_keys"], _pairs(pairs) | {"canvas": canvas, "now": now})


def _pairs(pairs: Sequence[tuple[int, str]]) -> dict[str, object]:
    return {"profiles": [one[0] for one in pairs], "keys": [one[1] for one in pairs]}


def _folded(db: Db, canvas: CanvasId) -> int:
    row = db.execute(_SQL["read_folded_to"], (canvas,)).fetchone()
    assert row is not None
    return int(row[0])


def _log(db: Db, canvas: CanvasId, after: int) -> PeopleSet:
    rows = db.execute(_SQL["read_log"], (canvas, after), binary=True)
    return union(load(row[2]) for row in rows)


def _grow_fold(db: Db, canvas: CanvasId, by_hour: dict[int, PeopleSet]) -> None:
    touched = _blocks(by_hour[_EVER])
    held: dict[tuple[int, int], PeopleSet] = {}
    given = (canvas, sorted(by_hour), touched)
    for hour, block, members in db.execute(_SQL["read_fold_blocks"], given, binary=True):
        held[hour, block] = load(members)
    rows = [
        (canvas, hour, block, dump(held.get((hour, block), people()) | part(members, block)))
        for hour, members in sorted(by_hour.items())
        for block in blocks(members)
    ]
    db.cursor().executemany(_SQL["write_fold"], rows)


def _blocks(members: PeopleSet) -> Iterable[int]:
    return int4_array(people(blocks(members)))


def _hour(moment: Instant) -> int:
    return (moment - _EPOCH) // _HOUR
