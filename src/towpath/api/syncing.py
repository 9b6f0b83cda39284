"""How a continuous segment sync begins (checked, its audience made, kept), and what it shows.

The API's routes and the commands both call this.
"""

from dataclasses import asdict, replace
from typing import Any

from towpath.api import launching
from towpath.api.launching import Reach
from towpath.canvas.findings import Finding, Level
from towpath.canvas.segment_sync import ADD, STEPS, SegmentSync
from towpath.clock import Instant
from towpath.errors import InputError
from towpath.ids import CanvasId, WorkspaceId
from towpath.limits import PAGE_ROWS_MAX
from towpath.people.filter import InSegment
from towpath.people.filter_parse import nearest
from towpath.store import (
    arrivals,
    audit_trail,
    canvases,
    filter_known,
    segment_syncs,
    segments,
    tallies,
)
from towpath.store.canvases import CanvasState
from towpath.store.database import Db
from towpath.store.segment_syncs import Sync
from towpath.store.tallies import Change

_OF_GRAPH = frozenset({"unreachable", "add_and_remove_at_once"})
"""What is said of a journey's steps; a sync's two have no arrows, and nobody is at both."""


async def begin(
    db: Db,
    workspace: WorkspaceId,
    plan: SegmentSync,
    reach: Reach,
    now: Instant,
    *,
    actor: str = audit_trail.TERMINAL,
) -> tuple[CanvasId | None, list[Finding]]:
    """Check the plan, make its audience and begin. With a finding in the way nothing is made.

    Raises InputError (no such segment), ConflictError (the name is taken), PartnerError.
    """
    _check_segment(db, workspace, plan.segment, now)
    if segment_syncs.find(db, workspace, plan.name) or canvases.find(db, workspace, plan.name):
        raise segment_syncs.taken(plan.name)
    found = await _findings(db, workspace, plan, reach, now)
    if any(one.level is Level.ERROR for one in found):
        return None, found
    made = await launching.make_audiences(db, workspace, plan.graph(), reach, now)
    where = f"segment sync {plan.name}"
    with audit_trail.noted(db, workspace, actor, "segment_sync.started", where, now) as told:
        told |= {"segment": plan.segment, "audience": made[ADD]}
        return segment_syncs.create(db, workspace, plan, made[ADD], now), found


def _check_segment(db: Db, workspace: WorkspaceId, name: str, now: Instant) -> None:
    try:
        filter_known.read(db, workspace, InSegment(name), now)
    except InputError as error:
        page = segments.list_page(db, workspace, after="", limit=PAGE_ROWS_MAX)
        known = [one.name for one in page]
        remedy = error.remedy if name in known or not known else nearest(name, known)
        raise InputError(error.message, remedy=remedy, field="segment") from error


async def _findings(
    db: Db, workspace: WorkspaceId, plan: SegmentSync, reach: Reach, now: Instant
) -> list[Finding]:
    """Those of the step that adds, by the names that the plan's fields have."""
    found = await launching.findings(db, workspace, plan.graph(), reach, now)
    return [
        replace(one, step=None) for one in found if one.step == ADD and one.code not in _OF_GRAPH
    ]


def shown(db: Db, sync: Sync) -> dict[str, Any]:
    """A sync with its plan and the counters of its two steps, as plain data."""
    counted = tallies.read(db, sync.version)
    return {
        "id": sync.canvas,
        "name": sync.plan.name,
        "state": sync.state.value,
        "plan": sync.plan.to_data(),
        "people": sync.people,
        "looked_at": sync.looked_at,
        "look_at": sync.look_at if sync.state is CanvasState.RUNNING else None,
        "emptying": sync.emptying and sync.state is CanvasState.RUNNING,
        "trouble": sync.trouble,
        "created_at": sync.created_at,
        "steps": {step: asdict(counted.get(step, Change())) for step in STEPS.values()},
        "reasons": arrivals.reasons(db, sync.version),
    }
