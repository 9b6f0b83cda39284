"""Exit sets: people who are to leave a Canvas, wherever they stand in a lane, and why.

Exit criteria, deletions and merges take effect at once without rewriting waves: the person joins
the exit set of the Canvas and lane, and every claim subtracts it and counts (architecture 4). Whose
exit was counted leaves the set in the same transaction; until then their lane is not free, so a
set never holds anybody of a later entry.
"""

from towpath.clock import Instant
from towpath.ids import CanvasId
from towpath.people.people_set import PeopleSet, dump, load, people
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("exit_sets")


def add(db: Db, canvas: CanvasId, lane: int, members: PeopleSet, reason: str, now: Instant) -> None:
    """These people, who stand in that lane of the Canvas, are to leave it.

    `reason` is a few words without anybody's data; it names the arrow by which they leave.
    """
    if not members:
        return
    row = db.execute(_SQL["read_growing"], (canvas, lane, reason), binary=True).fetchone()
    if row is None:
        db.execute(_SQL["write"], (canvas, lane, dump(members), reason, now))
    else:
        db.execute(_SQL["grow"], (dump(load(row[1]) | members), now, row[0]))


def leaving(db: Db, canvas: CanvasId, lane: int, members: PeopleSet) -> dict[str, PeopleSet]:
    """Who of these people is to leave, by reason; whoever has several leaves by the oldest."""
    found: dict[str, PeopleSet] = {}
    left = members
    for _, reason, packed in db.execute(_SQL["read_lane"], (canvas, lane), binary=True).fetchall():
        going = load(packed) & left
        if going:
            found[reason] = found[reason] | going if reason in found else going
            left = left - going
    return found


def trim(db: Db, canvas: CanvasId, lane: int, members: PeopleSet) -> None:
    """These people's exits are counted: no row of the lane names them any more."""
    for row, packed in db.execute(_SQL["lock_lane"], (canvas, lane), binary=True).fetchall():
        named = load(packed)
        rest = named - members
        if not rest:
            db.execute(_SQL["delete"], (row,))
        elif len(rest) < len(named):
            db.execute(_SQL["rewrite"], (dump(rest), row))


def waiting(db: Db, canvas: CanvasId, until: Instant | None = None) -> dict[int, PeopleSet]:
    """Everybody whose exit from the Canvas is not counted yet, by lane; with `until`, those of
    rows that nobody has joined since then."""
    found: dict[int, PeopleSet] = {}
    given = {"canvas": canvas, "until": until}
    for lane, packed in db.execute(_SQL["read_lanes"], given, binary=True):
        found[lane] = found.get(lane, people()) | load(packed)
    return found


def canvases(db: Db) -> list[CanvasId]:
    """The Canvases that somebody is to leave."""
    return [CanvasId(row[0]) for row in db.execute(_SQL["read_canvases"])]
