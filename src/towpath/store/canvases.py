"""Canvases: drafts that people edit, and versions that are frozen at launch and never change.

A draft carries a revision, so that two people who edit it at once do not overwrite each other.
States: draft, running, paused, stopped. A running or paused Canvas may be edited: the draft then
waits until the Canvas is stopped and launched again, as a new version.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

from towpath.canvas.conversions import Conversion
from towpath.canvas.frozen import freeze, frozen_from_data, frozen_to_data
from towpath.canvas.graph import Graph, from_data, to_data
from towpath.canvas.watched import goals_watched, watched
from towpath.clock import Instant
from towpath.errors import ConflictError, InputError, NotFoundError
from towpath.ids import AudienceId, CanvasId, StepId, VersionId, WorkspaceId
from towpath.store import watches, waves, workspaces
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("canvases")


class CanvasState(StrEnum):
    """What a Canvas does now."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Canvas:
    """A Canvas and its draft."""

    id: CanvasId
    name: str
    state: CanvasState
    revision: int
    draft: Graph
    created_at: Instant
    changed_at: Instant


@dataclass(frozen=True, slots=True)
class Version:
    """A Canvas as it was launched: `graph` has the audiences resolved, and never changes.
    `enter_at` is when people enter; None once they have."""

    id: VersionId
    workspace: WorkspaceId
    canvas: CanvasId
    number: int
    graph: Graph
    launched_at: Instant
    enter_at: Instant | None


def create(db: Db, workspace: WorkspaceId, draft: Graph, now: Instant) -> CanvasId:
    """Save a first draft, complete or not. Raises ConflictError when the name is taken."""
    given = {"workspace": workspace, "name": draft.name, "draft": Jsonb(to_data(draft)), "now": now}
    found = _scalar(db, "insert_canvas", given)
    if found is None:
        raise _taken(draft.name)
    assert isinstance(found, int)
    return CanvasId(found)


def save_draft(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, draft: Graph, *, revision: int, now: Instant
) -> int:
    """Replace the draft that was read at `revision`; gives the new revision. The name may change.

    Raises NotFoundError, and ConflictError when somebody saved meanwhile, the name is taken, or a
    filter names the Canvas by the name that it had.
    """
    with db.transaction():
        if read(db, workspace, canvas).name != draft.name:
            workspaces.lock(db, workspace)  # as whoever saves a filter that names it
        found = lock(db, workspace, canvas)
        check_revision(found, revision)
        given = {"workspace": workspace, "canvas": canvas, "name": draft.name, "now": now}
        if _scalar(db, "name_is_taken", given):
            raise _taken(draft.name)
        if found.name != draft.name:
            _check_unnamed(db, workspace, found)
        saved = _scalar(db, "update_draft", given | {"draft": Jsonb(to_data(draft))})
    assert isinstance(saved, int)
    return saved


def _check_unnamed(db: Db, workspace: WorkspaceId, found: Canvas) -> None:
    given = {"workspace": workspace, "canvas": found.id, "named": Jsonb({"name": found.name})}
    users = [f"{kind} {user}" for kind, user in db.execute(_SQL["read_users"], given)]
    if users:
        more = f" and {len(users) - 3} more" if len(users) > 3 else ""
        raise ConflictError(
            f"{found.name} keeps its name: it is used by {', '.join(users[:3])}{more}.",
            remedy="Take it out there first.",
            field="canvas",
        )


def read(db: Db, workspace: WorkspaceId, canvas: CanvasId) -> Canvas:
    """A Canvas with its draft. Raises NotFoundError."""
    found = _canvases(db, "read_canvas", {"workspace": workspace, "canvas": canvas})
    if not found:
        raise _missing()
    return found[0]


def find(db: Db, workspace: WorkspaceId, name: str) -> Canvas | None:
    """The Canvas of that name, if there is one."""
    found = _canvases(db, "find_canvas", {"workspace": workspace, "name": name})
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class CanvasRow:
    """A Canvas in a list: `version` is the newest's number, `inside` who stands in any."""

    id: CanvasId
    name: str
    state: str
    revision: int
    version: int | None
    inside: int
    changed_at: Instant


def list_page(db: Db, workspace: WorkspaceId, *, after: str, limit: int) -> list[CanvasRow]:
    """Up to `limit` of the workspace's Canvases by name, from after the name `after`."""
    given = {"workspace": workspace, "after": after, "limit": limit}
    return [CanvasRow(*row) for row in db.execute(_SQL["list_page"], given)]


def list_all(db: Db, workspace: WorkspaceId) -> list[Canvas]:
    """The workspace's Canvases, by name."""
    return _canvases(db, "list_canvases", {"workspace": workspace})


def launch(
    db: Db,
    workspace: WorkspaceId,
    canvas: CanvasId,
    *,
    revision: int,
    audiences: dict[StepId, AudienceId],
    now: Instant,
) -> VersionId:
    """Freeze the draft that was read at `revision`, and let people enter when it says so.

    `audiences` names the audience of every Audience Sync step. The caller has validated the draft;
    the revision says that it is still the same. Of two launches at once one wins. Raises
    NotFoundError, ConflictError (running, paused or saved meanwhile), InputError (an audience is
    not given, or the draft does not say when and where people enter).
    """
    with db.transaction():
        found = lock(db, workspace, canvas)
        check_state(found, "launched", CanvasState.DRAFT, CanvasState.STOPPED)
        check_revision(found, revision)
        enter_at = found.draft.entry.opens_at(now)
        version = freeze_draft(db, workspace, found, audiences, enter_at, now)
        _set_state(db, canvas, CanvasState.RUNNING, now)
    return version


def freeze_draft(
    db: Db,
    workspace: WorkspaceId,
    found: Canvas,
    audiences: dict[StepId, AudienceId],
    enter_at: Instant | None,
    now: Instant,
) -> VersionId:
    """In a transaction that locked the Canvas: its draft as the newest version; older ones let
    nobody in any more. Raises InputError when an audience or the entry is not given."""
    graph = freeze(found.draft, audiences)
    if not graph.entry.has_door or graph.entry.first not in graph.steps:
        raise InputError("it is not said when or where people enter.", field="entry")
    db.execute(_SQL["forget_entry"], {"canvas": found.id})
    given = {"workspace": workspace, "canvas": found.id, "graph": Jsonb(frozen_to_data(graph))}
    wanted = watched(graph) | goals_watched(_open_goals(versions(db, workspace, found.id), now))
    version = _scalar(db, "insert_version", given | {"now": now, "enter_at": enter_at})
    watches.write(db, workspace, found.id, wanted, now)
    assert isinstance(version, int)
    return VersionId(version)


def _open_goals(older: Sequence[Version], now: Instant) -> Iterator[Conversion]:
    """Goals that whoever entered these versions, up to now, may still reach."""
    ends = [*(each.launched_at for each in older), now][1:]
    for one, until in zip(older, ends, strict=True):
        yield from (goal for goal in one.graph.conversions if until > now - goal.within)


def pause(db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant) -> None:
    """Nobody enters or moves until it is resumed. Raises NotFoundError, ConflictError."""
    with db.transaction():
        check_state(lock(db, workspace, canvas), "paused", CanvasState.RUNNING)
        _set_state(db, canvas, CanvasState.PAUSED, now)
        waves.rest(db, canvas, resting=True)


def resume(db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant) -> None:
    """People move again. What becomes of overdue people is the caller's, before this, in the same
    transaction. Raises NotFoundError, ConflictError."""
    with db.transaction():
        check_state(lock(db, workspace, canvas), "resumed", CanvasState.PAUSED)
        _set_state(db, canvas, CanvasState.RUNNING, now)
        waves.rest(db, canvas, resting=False)


def stop(db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant) -> None:
    """Nobody enters any more, and whose time comes leaves, unless it was launched again by then.
    Raises NotFoundError, ConflictError."""
    with db.transaction():
        found = lock(db, workspace, canvas)
        check_state(found, "stopped", CanvasState.RUNNING, CanvasState.PAUSED)
        _set_state(db, canvas, CanvasState.STOPPED, now)
        waves.rest(db, canvas, resting=False)
        db.execute(_SQL["forget_entry"], {"canvas": canvas})
        watches.write(db, workspace, canvas, (), now)


def version(db: Db, version: VersionId) -> Version:
    """A version with its frozen graph. Raises NotFoundError."""
    found = _versions(db, "read_version", {"version": version})
    if not found:
        raise NotFoundError("There is no such version.")
    return found[0]


def versions(db: Db, workspace: WorkspaceId, canvas: CanvasId) -> list[Version]:
    """The launched versions of a Canvas, oldest first."""
    return _versions(db, "list_versions", {"workspace": workspace, "canvas": canvas})


def numbered(db: Db, workspace: WorkspaceId, canvas: CanvasId, number: int) -> Version:
    """The version of that number. Raises NotFoundError."""
    given = {"workspace": workspace, "canvas": canvas, "number": number}
    found = _versions(db, "read_numbered", given)
    if not found:
        raise NotFoundError("There is no such version.")
    return found[0]


def versions_to_enter(db: Db, now: Instant) -> list[Version]:
    """Versions of running Canvases whose time of entry has come, the longest due first.

    In a transaction they are locked, and another worker does not see them until it ends.
    """
    return _versions(db, "versions_to_enter", {"now": now})


def waiting_to_enter(db: Db) -> bool:
    """Is there a running Canvas that people have not entered yet, now or later?"""
    return bool(_scalar(db, "waiting_to_enter", {}))


def mark_entered(db: Db, version: VersionId, next_at: Instant | None = None) -> bool:
    """People have entered this version, and do next at `next_at`; False when nobody was to."""
    return _scalar(db, "mark_entered", {"version": version, "next_at": next_at}) is not None


def lock(db: Db, workspace: WorkspaceId, canvas: CanvasId) -> Canvas:
    """The Canvas, which nobody else changes until this transaction ends. Raises NotFoundError."""
    found = _canvases(db, "lock_canvas", {"workspace": workspace, "canvas": canvas})
    if not found:
        raise _missing()
    return found[0]


def check_revision(found: Canvas, revision: int) -> None:
    """Raise ConflictError when somebody saved since `revision` was read."""
    if found.revision != revision:
        raise ConflictError(
            f"{found.name} is at revision {found.revision} now; you read revision {revision}.",
            remedy="Read it again, and repeat your change.",
            field="revision",
        )


_REMEDIES = {
    ("launched", CanvasState.RUNNING): "Publish its draft; who is inside goes over.",
    ("launched", CanvasState.PAUSED): "Publish its draft; who is inside goes over.",
    ("paused", CanvasState.DRAFT): "Nobody is in it before it is launched.",
    ("paused", CanvasState.STOPPED): "Nobody enters it any more.",
    ("resumed", CanvasState.DRAFT): "Launch it.",
    ("resumed", CanvasState.STOPPED): "Launch it again; that makes a new version.",
    ("stopped", CanvasState.DRAFT): "Nobody is in it before it is launched.",
    ("published", CanvasState.DRAFT): "Launch it.",
    ("published", CanvasState.STOPPED): "Launch it again; that makes a new version.",
}


def check_state(found: Canvas, done: str, *allowed: CanvasState) -> None:
    """Raise ConflictError, with what to do instead, unless the Canvas is in an allowed state."""
    if found.state in allowed:
        return
    now_is = "a draft" if found.state is CanvasState.DRAFT else found.state.value
    if found.state.value == done or (done, found.state) == ("resumed", CanvasState.RUNNING):
        raise ConflictError(f"{found.name} is {now_is} already.", remedy="Nothing is left to do.")
    raise ConflictError(
        f"{found.name} is {now_is}, so it cannot be {done}.",
        remedy=_REMEDIES[done, found.state],
    )


def _set_state(db: Db, canvas: CanvasId, state: CanvasState, now: Instant) -> None:
    db.execute(_SQL["set_state"], {"canvas": canvas, "state": state.value, "now": now})


def _missing() -> NotFoundError:
    return NotFoundError("There is no such Canvas in this workspace.")


def _taken(name: str) -> ConflictError:
    return ConflictError(
        f"There is a Canvas named {name} already.", remedy="Choose another name.", field="canvas"
    )


def _scalar(db: Db, name: str, given: dict[str, Any]) -> object:
    with db.cursor(row_factory=scalar_row) as cursor:
        found: object = cursor.execute(_SQL[name], given).fetchone()
        return found


def _canvases(db: Db, name: str, given: dict[str, Any]) -> list[Canvas]:
    return [
        Canvas(CanvasId(row[0]), row[1], CanvasState(row[2]), row[3], from_data(row[4]), *row[5:])
        for row in db.execute(_SQL[name], given)
    ]


def _versions(db: Db, name: str, given: dict[str, Any]) -> list[Version]:
    return [
        Version(row[0], row[1], row[2], row[3], frozen_from_data(row[4]), row[5], row[6])
        for row in db.execute(_SQL[name], given)
    ]
