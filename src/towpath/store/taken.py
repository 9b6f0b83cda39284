"""Taken: what people did at a step that waits for it, as sets beside the waves.

Somebody who does what an action step waits for goes on at once: a new wave stands at the branch's
end, and a row here says that their old wave holds them no more. Waves are not rewritten a person at
a time; the claim of the old wave, or the sweep, subtracts the row and trims it. Rows are only
appended; many small ones become one. At a ranked step nobody is moved: a row says what is the best
that they did.
"""

from towpath.clock import Instant
from towpath.ids import CanvasId, StepId
from towpath.limits import WAVE_PEOPLE_MAX
from towpath.people.people_set import PeopleSet, dump, load, people, union
from towpath.store.database import Db
from towpath.store.queries import queries
from towpath.store.waves import Stand

_SQL = queries("taken")

SMALL_ROWS_MAX = 200
"""So many small rows of one branch are made one."""


def add(
    db: Db, stand: Stand, branch: str, members: PeopleSet, now: Instant, *, moved: bool
) -> None:
    """These people, who stand there, took the branch: they are gone (`moved`), or it is their best.

    What an earlier row says of them must be trimmed before.
    """
    if not members:
        return
    place = (stand.version, stand.step, stand.lane, branch, moved)
    small = (*place, WAVE_PEOPLE_MAX)
    row = db.execute(_SQL["count_small"], small).fetchone()
    if row is not None and row[0] >= SMALL_ROWS_MAX:
        rows = db.execute(_SQL["take_small"], small, binary=True).fetchall()
        members = union([members, *(load(row[0]) for row in rows)])
        now = min(now, *(row[1] for row in rows))
    db.execute(_SQL["write"], (stand.canvas, *place, dump(members), len(members), now))


def gone(db: Db, stand: Stand) -> PeopleSet:
    """Who was moved on from there, while their wave may still hold them."""
    rows = db.execute(_SQL["read_moved"], (stand.version, stand.step, stand.lane), binary=True)
    return union(load(row[0]) for row in rows)


def best(db: Db, stand: Stand) -> dict[str, PeopleSet]:
    """The best that people who stand there did so far, by branch; they share nobody."""
    found: dict[str, PeopleSet] = {}
    place = (stand.version, stand.step, stand.lane)
    for branch, packed in db.execute(_SQL["read_best"], place, binary=True):
        found[branch] = found.get(branch, people()) | load(packed)
    return found


def canvases(db: Db, until: Instant) -> list[CanvasId]:
    """Where somebody was moved on until then, and is in their old wave still."""
    return [CanvasId(row[0]) for row in db.execute(_SQL["read_canvases"], (until,))]


def ripe(db: Db, canvas: CanvasId, until: Instant) -> dict[Stand, PeopleSet]:
    """Who was moved on from the stands of a Canvas from which somebody was, until then."""
    found: dict[Stand, PeopleSet] = {}
    rows = db.execute(_SQL["read_ripe"], {"canvas": canvas, "until": until}, binary=True)
    for workspace, version, step, lane, packed in rows:
        stand = Stand(workspace, canvas, version, StepId(step), lane)
        found[stand] = found.get(stand, people()) | load(packed)
    return found


def trim(db: Db, stand: Stand, members: PeopleSet) -> None:
    """No row of the place names these people any more."""
    place = (stand.version, stand.step, stand.lane)
    for row, packed in db.execute(_SQL["lock"], place, binary=True).fetchall():
        named = load(packed)
        rest = named - members
        if not rest:
            db.execute(_SQL["delete"], (row,))
        elif len(rest) < len(named):
            db.execute(_SQL["rewrite"], (dump(rest), len(rest), row))
