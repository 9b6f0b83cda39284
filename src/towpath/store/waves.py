"""Waves: people who stand at the same step of the same version and move together.

A wave is claimed with a lease and a fence; whoever moves it must still hold that fence, so two
workers on the same wave never move it twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from towpath.clock import Instant
from towpath.ids import CanvasId, StepId, VersionId, WaveId, WorkspaceId
from towpath.limits import WAVE_PEOPLE_MAX
from towpath.people.people_set import PeopleSet, cut, dump, load, union
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("waves")

ADVANCE = "advance"
"""The hand that moves most waves; a step's kind may name another (engine/steps/protocol.py)."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where waves stand: a step of a version, in a lane."""

    workspace: WorkspaceId
    canvas: CanvasId
    version: VersionId
    step: StepId
    lane: int

    def at(self, step: StepId) -> "Stand":
        """Another step of the same version, in the same lane."""
        return replace(self, step=step)


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


def claim(
    db: Db, now: Instant, lease_until: Instant, most: int, hand: str = ADVANCE
) -> ClaimedWaves | None:
    """Claim up to `most` due waves of one hand that stand together, the longest due first."""
    rows = db.execute(
        _SQL["claim_waves"],
        {"now": now, "lease_until": lease_until, "most": most, "hand": hand},
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


@dataclass(frozen=True, slots=True)
class Redirect:
    """People of a step go to `step` of the version `newest` instead; None: out."""

    newest: VersionId
    step: StepId | None


@dataclass(frozen=True, slots=True)
class Aside:
    """What is said of a stand's people beside its waves: where a newer version leads them, if it
    does; whether anybody was taken from there, and whether anybody is to leave the Canvas."""

    redirect: Redirect | None
    taken: bool
    leaving: bool


def aside(db: Db, stand: Stand) -> Aside:
    """What a claim must know. Asked when the waves are held: nobody is taken from them then."""
    given = {"version": stand.version, "canvas": stand.canvas, "step": stand.step}
    row = db.execute(_SQL["read_aside"], given | {"lane": stand.lane}).fetchone()
    assert row is not None
    led, step, newest, were_taken, leaving = row
    to = None if step is None else StepId(step)
    return Aside(Redirect(VersionId(newest), to) if led else None, were_taken, leaving)


def move(
    db: Db,
    claimed: ClaimedWaves,
    step: StepId,
    now: Instant,
    due_at: Instant,
    hand: str = ADVANCE,
) -> None:
    """The undivided waves stand at `step` now, due at `due_at`."""
    given = {"step": step, "now": now, "due_at": due_at, "hand": hand, "ids": list(claimed.ids)}
    db.execute(_SQL["move_waves"], given)


def rest(db: Db, canvas: CanvasId, *, resting: bool) -> None:
    """A pause of the Canvas begins or ends; its row is locked. Waves at rest cost a claim nothing,
    however many there are."""
    db.execute(_SQL["rest_waves"], {"canvas": canvas, "resting": resting})


def rest_late(db: Db, now: Instant) -> None:
    """Waves that were written in a pause, such as of who did what a step waits for, rest too."""
    db.execute(_SQL["rest_late_waves"], {"now": now})


def end(db: Db, ids: Sequence[WaveId]) -> None:
    """The waves are no more: divided, or everybody left."""
    db.execute(_SQL["end_waves"], (list(ids),))


def write(
    db: Db,
    stand: Stand,
    members: PeopleSet,
    now: Instant,
    due_at: Instant,
    hand: str = ADVANCE,
) -> None:
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
            hand,
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
    db.execute(_SQL["change_wave"], (dump(there | members), row[2] + len(members), row[0]))
    return True


def inside(db: Db, canvas: CanvasId) -> list[PeopleSet]:
    """Whose lanes are not free, a set a lane: who is in the Canvas now, and whoever was taken from
    a wave that still holds them (store/taken.py)."""
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
    return int(row[0]), int(row[1])


def next_due(db: Db) -> Instant | None:
    """When the next wave may move."""
    row = db.execute(_SQL["next_due"]).fetchone()
    found: Instant | None = row[0] if row else None
    return found


def standing(db: Db, version: VersionId) -> dict[StepId, int]:
    """How many people stand at each step of a version."""
    rows = db.execute(_SQL["standing"], {"version": version}).fetchall()
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
    """Waves of the Canvas that are due, without whom they hold no more; their rows are locked."""
    rows = db.execute(_SQL["read_overdue"], (canvas, now), binary=True).fetchall()
    gone: dict[tuple[Any, ...], PeopleSet] = {}
    for version, step, lane, packed in db.execute(_SQL["read_gone"], (canvas,), binary=True):
        place = (version, step, lane)
        gone[place] = gone.get(place, union(())) | load(packed)
    return [
        OverdueWave(
            WaveId(row[0]),
            VersionId(row[1]),
            StepId(row[2]),
            row[3],
            load(row[4]) - gone.get(row[1:4], union(())),
        )
        for row in rows
    ]


class Place(NamedTuple):
    """A wave without its people: `people` is how many it holds. Whenever others are in it, `fence`
    or `people` is another one."""

    id: WaveId
    fence: int
    people: int
    arrived_at: Instant
    stand: Stand


def places(db: Db, at: Sequence[tuple[VersionId, StepId]]) -> list[Place]:
    """The waves at these steps, the oldest arrival first."""
    given = {"versions": [version for version, _ in at], "steps": [step for _, step in at]}
    return _places(db, "read_places", given)


def places_in(db: Db, canvas: CanvasId) -> list[Place]:
    """All waves of a Canvas, the oldest arrival first."""
    return _places(db, "read_places_in", {"canvas": canvas})


def _places(db: Db, statement: str, given: dict[str, Any]) -> list[Place]:
    stands: dict[tuple[Any, ...], Stand] = {}
    found = []
    for row in db.execute(_SQL[statement], given, binary=True).fetchall():
        stand = stands.get(where := row[4:])
        if stand is None:
            stand = stands[where] = Stand(where[0], where[1], where[2], StepId(where[3]), where[4])
        found.append(Place(row[0], row[1], row[2], row[3], stand))
    return found


def members_of(db: Db, ids: Sequence[WaveId]) -> dict[WaveId, PeopleSet]:
    """Who is in these waves; a wave that is no more is missing."""
    rows = db.execute(_SQL["read_members"], (list(ids),), binary=True)
    return {WaveId(row[0]): load(row[1]) for row in rows}


def share(db: Db, found: Sequence[Place]) -> dict[WaveId, PeopleSet | None]:
    """Which of these waves still stand there; nobody moves or changes them until this transaction
    ends. With whoever is in it, if a wave has changed; else None."""
    given = {
        "ids": [one.id for one in found],
        "versions": [one.stand.version for one in found],
        "steps": [one.stand.step for one in found],
        "fences": [one.fence for one in found],
    }
    rows = db.execute(_SQL["share_waves"], given, binary=True)
    return {WaveId(row[0]): None if row[1] is None else load(row[1]) for row in rows}


def lock_idle(db: Db, stand: Stand, ids: Sequence[WaveId], now: Instant) -> dict[WaveId, PeopleSet]:
    """Of these waves, those that still stand there and that nobody has claimed or locked, with
    their people; locked."""
    given = {"ids": list(ids), "version": stand.version, "step": stand.step, "now": now}
    rows = db.execute(_SQL["lock_idle"], given, binary=True)
    return {WaveId(row[0]): load(row[1]) for row in rows}


def leave_out(db: Db, held: Mapping[WaveId, PeopleSet], gone: PeopleSet) -> None:
    """These people are in the locked waves no more; a wave with nobody else ends."""
    smaller = []
    for wave, members in held.items():
        left = members - gone
        if not left:
            end(db, [wave])
        elif len(left) < len(members):
            smaller.append((dump(left), len(left), wave))
    if smaller:
        db.cursor().executemany(_SQL["change_wave"], smaller)


def live_versions(db: Db, workspace: WorkspaceId) -> list[tuple[VersionId, CanvasId]]:
    """Every version of the workspace's running and paused Canvases, older ones too: people may
    still stand in them."""
    rows = db.execute(_SQL["read_live_versions"], (workspace,)).fetchall()
    return [(VersionId(row[0]), CanvasId(row[1])) for row in rows]
