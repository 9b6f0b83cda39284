"""Continuous segment syncs: their plans, and how each segment stood when it was last looked at.

A sync stands in the table of Canvases under its own kind, with one version of two steps
(canvas/segment_sync.py): its counters, arrivals and pauses are those of any Canvas.
"""

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from towpath.canvas.frozen import freeze, frozen_to_data
from towpath.canvas.graph import to_data
from towpath.canvas.segment_sync import STEPS, SegmentSync
from towpath.clock import Instant
from towpath.errors import ConflictError, NotFoundError
from towpath.ids import AudienceId, CanvasId, StepId, VersionId, WorkspaceId
from towpath.people.people_set import PeopleSet, dump, load, people
from towpath.store import canvases
from towpath.store.canvases import CanvasState
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("segment_syncs")
SEGMENT_IN = StepId("(segment)")
"""Where the arrows of those begin whom their segment brings; the edge is the step's id."""


@dataclass(frozen=True, slots=True)
class Sync:
    """A sync. `people`: so many of the segment could be sent at the last look, and are wanted in
    the audience; `trouble`: why the last look failed; `look_at`: when it is looked at next;
    `emptying`: everybody is being taken out before it stops."""

    canvas: CanvasId
    workspace: WorkspaceId
    version: VersionId
    state: CanvasState
    plan: SegmentSync
    look_at: Instant
    looked_at: Instant | None
    people: int
    trouble: str | None
    emptying: bool
    created_at: Instant


def create(
    db: Db, workspace: WorkspaceId, plan: SegmentSync, audience: AudienceId, now: Instant
) -> CanvasId:
    """A new sync, which runs and is looked at now. Raises ConflictError when a Canvas or a sync has
    the name already."""
    graph = freeze(plan.graph(), dict.fromkeys(STEPS.values(), audience))
    given: dict[str, Any] = {"workspace": workspace, "name": plan.name, "now": now}
    with db.transaction():
        found = db.execute(
            _SQL["insert_canvas"], given | {"draft": Jsonb(to_data(plan.graph()))}
        ).fetchone()
        if found is None:
            raise taken(plan.name)
        given["canvas"] = found[0]
        frozen = Jsonb(frozen_to_data(graph))
        version = db.execute(_SQL["insert_version"], given | {"graph": frozen}).fetchone()
        assert version is not None
        plan_data = Jsonb(plan.to_data())
        db.execute(_SQL["insert_sync"], given | {"version": version[0], "plan": plan_data})
    return CanvasId(given["canvas"])


def taken(name: str) -> ConflictError:
    """Canvases and syncs have their names from one lot."""
    return ConflictError(
        f"There is a Canvas or a segment sync named {name} already.",
        remedy="Choose another name.",
        field="sync",
    )


def list_page(db: Db, workspace: WorkspaceId, *, after: str, limit: int) -> list[Sync]:
    """Up to `limit` of the workspace's syncs by name, from after the name `after`."""
    return _syncs(db, "list_page", {"workspace": workspace, "after": after, "limit": limit})


def read(db: Db, workspace: WorkspaceId, canvas: CanvasId) -> Sync:
    """Raises NotFoundError."""
    found = _syncs(db, "read_sync", {"workspace": workspace, "canvas": canvas})
    if not found:
        raise NotFoundError("There is no such segment sync in this workspace.")
    return found[0]


def find(db: Db, workspace: WorkspaceId, name: str) -> Sync | None:
    """The sync of that name, if there is one."""
    found = _syncs(db, "find_sync", {"workspace": workspace, "name": name})
    return found[0] if found else None


def due(db: Db, now: Instant) -> list[CanvasId]:
    """The running syncs whose time to be looked at has come, the longest due first."""
    return [CanvasId(row[0]) for row in db.execute(_SQL["find_due"], {"now": now})]


def take(db: Db, canvas: CanvasId, now: Instant) -> Sync | None:
    """Lock a due sync; None when another worker has it, or had it. In a transaction that ends with
    `write_look` or `write_trouble`."""
    found = _syncs(db, "lock_due", {"canvas": canvas, "now": now})
    return found[0] if found else None


def members(db: Db, canvas: CanvasId) -> PeopleSet:
    """Who was in the segment, and could be sent, at the last look."""
    row = db.execute(_SQL["read_members"], (canvas,), binary=True).fetchone()
    return people() if row is None or row[0] is None else load(row[0])


def write_look(db: Db, canvas: CanvasId, found: PeopleSet, now: Instant, look_at: Instant) -> None:
    """How the segment stands now, and when to look again."""
    db.execute(_SQL["write_look"], (dump(found), len(found), now, look_at, canvas))


def write_trouble(db: Db, canvas: CanvasId, trouble: str, look_at: Instant) -> None:
    """The look failed, for a reason that a person must mend; it is tried again at `look_at`."""
    db.execute(_SQL["write_trouble"], (trouble, look_at, canvas))


def stop(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, *, remove_everyone: bool, now: Instant
) -> None:
    """Look no more. With `remove_everyone` those whom the sync wants in the audience arrive to be
    removed first, at the next look. Raises NotFoundError, ConflictError."""
    with db.transaction():
        read(db, workspace, canvas)
        found = canvases.lock(db, workspace, canvas)
        canvases.check_state(found, "stopped", CanvasState.RUNNING, CanvasState.PAUSED)
        if remove_everyone:
            if found.state is CanvasState.PAUSED:
                canvases.resume(db, workspace, canvas, now)
            db.execute(_SQL["empty_sync"], {"canvas": canvas, "now": now})
        else:
            end(db, canvas, now)


def end(db: Db, canvas: CanvasId, now: Instant) -> None:
    """The sync has stopped."""
    db.execute(_SQL["end_sync"], {"canvas": canvas, "now": now})


def next_due(db: Db) -> Instant | None:
    """When a sync is looked at next."""
    row = db.execute(_SQL["next_look"]).fetchone()
    return row[0] if row else None


def _syncs(db: Db, name: str, given: dict[str, Any]) -> list[Sync]:
    return [
        Sync(canvas, workspace, version, CanvasState(state), SegmentSync.parse(plan), *rest)
        for canvas, workspace, version, state, plan, *rest in db.execute(_SQL[name], given)
    ]
