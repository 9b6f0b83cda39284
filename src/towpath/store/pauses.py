"""The end of a pause: whether people whose time passed meanwhile go on, or exit."""

from collections import defaultdict

from towpath.clock import Instant
from towpath.ids import CanvasId, WorkspaceId
from towpath.people.people_set import PeopleSet, people
from towpath.store import canvases, exit_sets, waves
from towpath.store.database import Db

OVERDUE = "overdue after a pause"
"""Why they exit."""


def resume(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, *, exit_overdue: bool, now: Instant
) -> int:
    """People of the Canvas move again; gives how many leave it because their time has passed.

    They join the Canvas' exit set, which the walk subtracts and counts. Raises NotFoundError,
    ConflictError.
    """
    with db.transaction():
        canvases.resume(db, workspace, canvas, now)
        if not exit_overdue:
            return 0
        leaving: dict[int, PeopleSet] = defaultdict(people)
        for wave in waves.overdue(db, canvas, now):
            leaving[wave.lane] |= wave.members
        for lane, members in sorted(leaving.items()):
            exit_sets.add(db, canvas, lane, members, OVERDUE, now)
    return sum(map(len, leaving.values()))
