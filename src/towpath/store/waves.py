"""Waves: people who stand at the same step of the same version and move together.

A wave is claimed with a lease and a fence; whoever moves it must still hold that fence, so two
workers on the same wave never move it twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from towpath.clock import Instant
from towpath.ids import CanvasId, StepId, VersionId, WaveId, WorkspaceId
from towpath.limits import WAVE_PEOPLE_MAX
from towpath.people.people_set import PeopleSet, cut, dump, load, union
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("waves")


@dataclass(frozen=True, slots=True)
class Stand:
    """Where waves stand: a step of a version, in a lane."""

    workspace: WorkspaceId
    canvas: CanvasId
    version: VersionId
    step: StepId
    lane: int


@dataclass(frozen=True, slots=True)
class ClaimedWaves:
    """Waves claimed together: all at one stand, due, with the fence each was claimed under."""

    stand: Stand
    ids: tuple[WaveId, ...]
    fences: tuple[int, ...]
    members: tuple[PeopleSet, ...]
    stopped: bool
    """The Canvas was stopped: people whose time has come leave it."""

    @property
    def together(self) -> PeopleSet:
        """Everybody in the waves. They share nobody: a lane holds a person once."""
        return union(self.members)


def claim(db: Db, now: Instant, lease_until: Instant, most: int) -> ClaimedWaves | None:
    """Claim up to `most` due waves that stand together, the longest due first."""
    rows = db.execute(
        _SQL["claim_waves"],
        {"now": now, "lease_until": lease_until, "most": most},
        binary=True,
    ).fetchall()
    if not rows:
        return None
    rows.sort(key=lambda row: row[0])
    workspace, canvas, version, step, lane = rows[0][1:6]
    return ClaimedWaves(
        Stand(workspace, canvas, version, StepId(step), lane),
        tuple(WaveId(row[0]) for row in rows),
        tuple(row[7] for row in rows),
        tuple(load(row[6]) for row in rows),
        stopped=rows[0][8],
    )


def hold(db: Db, claimed: ClaimedWaves) -> bool:
    """In the moving transaction: do all the claims still stand? Then they are locked.

    Not if the Canvas was paused or stopped since: whoever claims them next will know.
    """
    given = {"ids": list(claimed.ids), "fences": list(claimed.fences), "stopped": claimed.stopped}
    return db.execute(_SQL["hold_waves"], given).rowcount == len(claimed.ids)


def move(db: Db, claimed: ClaimedWaves, step: StepId, now: Instant, due_at: Instant) -> None:
    """The undivided waves stand at `step` now, due at `due_at`."""
    given = {"step": step, "now": now, "due_at": due_at, "ids": list(claimed.ids)}
    db.execute(_SQL["move_waves"], given)


def end(db: Db, ids: Sequence[WaveId]) -> None:
    """The waves are no more: divided, or everybody left."""
    db.execute(_SQL["end_waves"], (list(ids),))


def write(db: Db, stand: Stand, members: PeopleSet, now: Instant, due_at: Instant) -> None:
    """People come to a stand: in waves of at most WAVE_PEOPLE_MAX, cut in number order.

    A few join a small wave that is due at the same time there, if it holds none of them.
    """
    if 0 < len(members) <= WAVE_PEOPLE_MAX // 2 and _join(db, stand, members, due_at):
        return
    rows = [
        (
            stand.workspace,
            stand.canvas,
            stand.version,
            stand.step,
            stand.lane,
            dump(piece),
            len(piece),
            now,
            due_at,
        )
        for piece in cut(members, WAVE_PEOPLE_MAX)
    ]
    if rows:
        db.cursor().executemany(_SQL["write_wave"], rows)


def _join(db: Db, stand: Stand, members: PeopleSet, due_at: Instant) -> bool:
    room = WAVE_PEOPLE_MAX - len(members)
    row = db.execute(
        _SQL["read_mergeable"], (stand.version, stand.step, stand.lane, due_at, room), binary=True
    ).fetchone()
    if row is None:
        return False
    there = load(row[1])
    if there & members:
        return False
    db.execute(_SQL["grow_wave"], (dump(there | members), row[2] + len(members), row[0]))
    return True


def inside(db: Db, canvas: CanvasId) -> list[PeopleSet]:
    """Who is in the Canvas now, a set a lane."""
    found: list[PeopleSet] = []
    for lane, members in db.execute(_SQL["read_inside"], (canvas,), binary=True):
        while len(found) <= lane:
            found.append(union(()))
        found[lane] |= load(members)
    return found


def count(db: Db) -> tuple[int, int]:
    """How many waves, and people in them, running Canvases hold."""
    row = db.execute(_SQL["count_waves"]).fetchone()
    assert row is not None
    return row[0], row[1]


def next_due(db: Db) -> Instant | None:
    """When the next wave may move."""
    row = db.execute(_SQL["next_due"]).fetchone()
    found: Instant | None = row[0] if row else None
    return found


def standing(db: Db, version: VersionId) -> dict[StepId, int]:
    """How many people stand at each step of a version."""
    rows = db.execute(_SQL["standing"], (version,)).fetchall()
    return {StepId(step): people for step, people in rows}


@dataclass(frozen=True, slots=True)
class OverdueWave:
    """A wave of a paused Canvas that would have moved."""

    id: WaveId
    version: VersionId
    step: StepId
    lane: int
    members: PeopleSet


def overdue(db: Db, canvas: CanvasId, now: Instant) -> list[OverdueWave]:
    """Waves of the Canvas that are due; their rows are locked."""
    return [
        OverdueWave(WaveId(row[0]), VersionId(row[1]), StepId(row[2]), row[3], load(row[4]))
        for row in db.execute(_SQL["read_overdue"], (canvas, now), binary=True).fetchall()
    ]
