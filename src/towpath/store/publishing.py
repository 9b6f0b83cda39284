"""Publishing an edit of a Canvas that runs: the draft becomes the newest version, people move over.

Whoever stands at a step that is still there goes on standing at it, in the new version, with the
time they have: their waves change hands set-wise, and counters go along, so that every sum holds
in both versions. Where a step is gone its people are led elsewhere by the walk (engine/advance.py),
which asks the older version for its `redirects`. What the steps do to people is not asked here.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from towpath.canvas.difference import Move, check_redirects, moves, stays
from towpath.canvas.graph import Graph
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.canvas.steps.webhook import Webhook
from towpath.clock import Instant
from towpath.ids import AudienceId, CanvasId, StepId, VersionId, WorkspaceId
from towpath.store import canvases, entries, intakes, tallies, waves
from towpath.store.canvases import Canvas, CanvasState, Version
from towpath.store.database import Db
from towpath.store.queries import queries
from towpath.store.tallies import Change

_SQL = queries("publishing")

Redirects = Mapping[StepId, StepId | None]

PUBLISHED_OUT = "published"
"""The arrow by which people leave a step for the same step of a newer version."""
PUBLISHED_IN = StepId("(published)")
"""Where the arrows of those begin who come from an older version; the edge is the step's id."""
REMOVED_IN = StepId("(removal)")
"""Where the arrows of those begin whom a removal takes out; the edge is the step's id."""


@dataclass(frozen=True, slots=True)
class Published:
    """The new version, and where the people of the older ones go."""

    version: VersionId
    moves: list[Move]


def plan(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, draft: Graph, redirects: Redirects
) -> list[Move]:
    """Where people would go if this draft were published now. Changes nothing.

    Raises InputError for a redirect from or to a step that is not there.
    """
    held = _holding(db, workspace, canvas)
    check_redirects((one.graph for one in held), draft, redirects)
    return _moves(db, held, draft, redirects)


def publish(
    db: Db,
    workspace: WorkspaceId,
    canvas: CanvasId,
    *,
    revision: int,
    audiences: dict[StepId, AudienceId],
    redirects: Redirects,
    now: Instant,
) -> Published:
    """Make the draft that was read at `revision` the newest version of a running or paused Canvas.

    The caller has validated it. Raises NotFoundError, ConflictError (not running, or saved
    meanwhile), InputError (an audience or a step of a redirect is not there).
    """
    with db.transaction():
        found = canvases.lock(db, workspace, canvas)
        canvases.check_state(found, "published", CanvasState.RUNNING, CanvasState.PAUSED)
        canvases.check_revision(found, revision)
        _stand_still(db, workspace, canvas, now)
        planned = plan(db, workspace, canvas, found.draft, redirects)
        held = _holding(db, workspace, canvas)
        at = _entry_time(db, workspace, found, now)
        newest = canvases.freeze_draft(db, workspace, found, audiences, at, now)
        for old in held:
            mine = [one for one in planned if one.version == old.id]
            _hand_over(db, old, newest, mine)
            _lead_away(db, old, found.draft, redirects, now)
    return Published(newest, planned)


def _stand_still(db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant) -> None:
    """Nobody comes into the Canvas, and nobody moves in it, until this transaction ends.

    The doors first, in the order of those who open them; then the waves, until whoever held one
    has left none that is not locked.
    """
    intakes.begin(db, workspace, now)
    db.execute(_SQL["lock_versions"], (canvas,))
    db.execute(_SQL["lock_intake"], (workspace,))
    entries.lock(db, canvas)
    locked, waves_there = None, db.execute(_SQL["lock_waves"], (canvas,)).fetchall()
    while waves_there != locked:
        locked, waves_there = waves_there, db.execute(_SQL["lock_waves"], (canvas,)).fetchall()


def _holding(db: Db, workspace: WorkspaceId, canvas: CanvasId) -> list[Version]:
    """The versions in which people stand, oldest first."""
    rows = db.execute(_SQL["versions_with_people"], (canvas,)).fetchall()
    ids = {row[0] for row in rows}
    return [one for one in canvases.versions(db, workspace, canvas) if one.id in ids]


def _entry_time(db: Db, workspace: WorkspaceId, found: Canvas, now: Instant) -> Instant | None:
    """When people enter the new version: at its time if that is still to come; at once if it says
    `launch` and nobody has entered at the launch yet, or if both versions name a time that was
    missed in a pause."""
    if found.draft.entry.at == "launch":
        waiting = canvases.versions(db, workspace, found.id)[-1].enter_at
        return now if waiting is not None else None
    entry, waiting = found.draft.entry, canvases.versions(db, workspace, found.id)[-1].enter_at
    if waiting is not None and waiting <= now and entry.opens_at(waiting) == waiting:
        return waiting  # missed in a pause, and still wanted
    at = entry.opens_at(now)
    return at if at is not None and at > now else None


def _moves(db: Db, held: list[Version], draft: Graph, redirects: Redirects) -> list[Move]:
    found = []
    for old in held:
        found += moves(old.id, old.graph, draft, waves.standing(db, old.id), redirects)
    return found


def _hand_over(db: Db, old: Version, newest: VersionId, planned: list[Move]) -> None:
    """Those whose step is still there: their waves, and as many of each counter."""
    staying = {one.step: one.people for one in planned if one.how == "stays"}
    if not staying:
        return
    webhooks = [step for step in staying if isinstance(old.graph.steps[step], Webhook)]
    given: dict[str, Any] = {"old": old.id, "new": newest, "steps": list(staying)}
    given["webhooks"] = webhooks
    for statement in ("hand_over_waves", "hand_over_taken"):
        db.execute(_SQL[statement], given)
    changes: dict[tuple[VersionId, StepId], Change] = defaultdict(Change)
    edges = {}
    for step, people in staying.items():
        pending = people if isinstance(old.graph.steps[step], AudienceSync) else 0
        changes[old.id, step] = Change(entered=-people, pending=-pending)
        changes[newest, step] = Change(entered=people, pending=pending)
        edges[old.id, step, PUBLISHED_OUT] = people
        edges[newest, PUBLISHED_IN, str(step)] = people
    tallies.add(db, changes)
    tallies.add_edges(db, edges)


def _lead_away(db: Db, old: Version, draft: Graph, redirects: Redirects, now: Instant) -> None:
    """Those whose step is gone, or who are sent elsewhere: the walk leads them there at once."""
    away = {
        step: redirects.get(step)
        for step in old.graph.steps
        if step in redirects or not stays(old.graph, draft, step)
    }
    if away:
        db.execute(_SQL["write_redirects"], (Jsonb(away), old.id))
        db.execute(_SQL["hasten_waves"], {"now": now, "old": old.id, "steps": list(away)})
