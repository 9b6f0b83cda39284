"""Disconnecting: first it is said what stops by it; then sending ends, and the token is revoked.

Steps, audiences and whoever waits stay as they are, for the day on which the same connection gets a
token again. If everybody is to be removed first, the Canvases rest and the audiences are emptied;
asked again once they are empty, the connection is cut.
"""

from dataclasses import dataclass

from towpath.api.connecting import AUTHORISATIONS_PAGE, TIKTOK, ours
from towpath.api.launching import DEADLINE_S, Reach, in_words
from towpath.canvas.graph import Graph
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.clock import Instant
from towpath.errors import ConflictError
from towpath.ids import AudienceId, CanvasId, ConnectionId, WorkspaceId
from towpath.partners.registry import CONSENTS
from towpath.store import audit_trail, canvases, connections, emptyings
from towpath.store.canvases import CanvasState
from towpath.store.database import Db, database_now


@dataclass(frozen=True, slots=True)
class Stopped:
    """A live Canvas that stops syncing: its steps, and how many people wait at them."""

    canvas: CanvasId
    name: str
    steps: list[str]
    pending: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """What came of it. `done` false: `removals_left` removals are still to be acknowledged; ask
    again. `token_left`: why the token may still live, None: it is revoked."""

    done: bool
    removals_left: int = 0
    token_left: str | None = None


def stopped_by(db: Db, workspace: WorkspaceId, connection: ConnectionId) -> list[Stopped]:
    """The Canvases that run or rest and have a step on this connection. Raises NotFoundError."""
    connections.read(db, workspace, connection)
    mine = connections.list_audiences(db, workspace, connection)
    pending = connections.count_pending(db, connection)
    found = []
    for canvas in canvases.list_all(db, workspace):
        if canvas.state in {CanvasState.RUNNING, CanvasState.PAUSED}:
            graphs = [one.graph for one in canvases.versions(db, workspace, canvas.id)]
            steps = sorted({step for graph in graphs for step in _steps(graph, mine)})
            if steps:
                waiting = pending.get(canvas.id, 0)
                found.append(Stopped(canvas.id, canvas.name, steps, waiting))
    return found


def _steps(graph: Graph, mine: dict[AudienceId, str]) -> list[str]:
    return [
        str(step)
        for step, settings in graph.steps.items()
        if isinstance(settings, AudienceSync) and settings.audience_id in mine
    ]


async def disconnect(
    db: Db,
    workspace: WorkspaceId,
    connection: ConnectionId,
    reach: Reach,
    acknowledged: list[CanvasId],
    *,
    remove_everyone_first: bool,
    actor: str,
) -> Disconnected:
    """Cut the connection, or begin to empty its audiences before.

    Raises ConflictError unless exactly the Canvases are acknowledged that stop by it now.
    """
    found = connections.read(db, workspace, connection)
    if found.token is None:
        raise ConflictError(f"{found.name} is disconnected already.")
    stopped = stopped_by(db, workspace, connection)
    if unsaid := {one.canvas for one in stopped} ^ set(acknowledged):
        names = ", ".join(repr(one.name) for one in stopped) or "none"
        raise ConflictError(
            f"Disconnecting stops these Canvases: {names}; others were acknowledged.",
            remedy=f"Look at them again; {len(unsaid)} differ.",
            field="canvases",
        )
    now = database_now(db)
    if remove_everyone_first or found.emptying_since is not None:
        left = _empty(db, workspace, connection, stopped, actor, now)
        if left:
            return Disconnected(done=False, removals_left=left)
    token = connections.open_token(db, reach.keys, workspace, found.token)
    with db.transaction():
        connections.set_token(db, reach.keys, workspace, connection, None, now)
        told = {"canvases": [one.name for one in stopped]}
        place = f"connection {connection}"
        audit_trail.append(db, workspace, actor, "connection.disconnected", place, told, now)
    app = ours(reach)
    door, url = reach.paced(db, found.app), reach.base_urls[TIKTOK]
    answer = await CONSENTS[TIKTOK].revoke(door, url, app.app_ref, app.secret, token, DEADLINE_S)
    if answer.applied:
        return Disconnected(done=True)
    why = f"TikTok did not revoke the token: {in_words(answer)}. Remove it on {AUTHORISATIONS_PAGE}"
    return Disconnected(done=True, token_left=f"{why}.")


def _empty(
    db: Db,
    workspace: WorkspaceId,
    connection: ConnectionId,
    stopped: list[Stopped],
    actor: str,
    now: Instant,
) -> int:
    """Begin, or go on: gives how many removals are left. The Canvases rest meanwhile."""
    mine = list(connections.list_audiences(db, workspace, connection))
    with db.transaction():
        begun = connections.read(db, workspace, connection).emptying_since is not None
        if not connections.begin_emptying(db, workspace, connection, now):
            raise ConflictError(
                "Nobody can be removed over a broken connection.",
                remedy="Connect it again first, or disconnect without removing anybody.",
                field="remove_everyone_first",
            )
        for one in stopped:
            if canvases.read(db, workspace, one.canvas).state is CanvasState.RUNNING:
                canvases.pause(db, workspace, one.canvas, now)
        if not begun:
            told = {"paused": [one.name for one in stopped], "audiences": len(mine)}
            place = f"connection {connection}"
            audit_trail.append(db, workspace, actor, "connection.emptied", place, told, now)
    emptyings.empty(db, workspace, mine, now)
    return emptyings.left(db, mine)
