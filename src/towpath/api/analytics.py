"""What a Canvas shows of itself: its counters, arrows, reasons and troubles, as plain data.

The API, the commands and the dashboard show the same.
"""

from dataclasses import asdict
from typing import Any

from towpath.api import troubles
from towpath.canvas.graph import to_data
from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.store import arrivals, canvases, tallies, waves
from towpath.store.canvases import Canvas, Version
from towpath.store.database import Db
from towpath.store.tallies import Change


def listed(db: Db, workspace: WorkspaceId) -> list[dict[str, Any]]:
    """All Canvases, by name, as plain data."""
    found = []
    for canvas in canvases.list_all(db, workspace):
        versions = canvases.versions(db, workspace, canvas.id)
        found.append(
            _head(canvas, versions) | {"inside": sum(_inside(db, one) for one in versions)}
        )
    return found


def shown(db: Db, workspace: WorkspaceId, canvas: Canvas, now: Instant) -> dict[str, Any]:
    """A Canvas, its draft, and the counters of its newest version, as plain data."""
    versions = canvases.versions(db, workspace, canvas.id)
    newest = versions[-1] if versions else None
    older = [{"version": one.number, "inside": _inside(db, one)} for one in versions[:-1]]
    return _head(canvas, versions) | {
        "draft": to_data(canvas.draft),
        "draft_differs": newest is None or to_data(canvas.draft) != to_data(newest.graph),
        "launched_at": newest.launched_at if newest else None,
        "enters_at": newest.enter_at if newest else None,
        "entry_due": bool(newest and newest.enter_at and newest.enter_at <= now),
        "older": [one for one in older if one["inside"]],
        "steps": _steps(db, newest, now) if newest else {},
    }


def _head(canvas: Canvas, versions: list[Version]) -> dict[str, Any]:
    return {
        "name": canvas.name,
        "state": canvas.state.value,
        "version": versions[-1].number if versions else None,
        "revision": canvas.revision,
    }


def _inside(db: Db, version: Version) -> int:
    return sum(waves.standing(db, version.id).values())


def _steps(db: Db, version: Version, now: Instant) -> dict[str, Any]:
    counters = tallies.read(db, version.id)
    standing = waves.standing(db, version.id)
    reasons = arrivals.reasons(db, version.id)
    waiting = troubles.troubles(db, version.graph, now)
    return {
        step: {
            "kind": version.graph.steps[step].kind,
            **asdict(counters.get(step, Change())),
            "standing": standing.get(step, 0),
            "reasons": reasons.get(step, {}),
            "trouble": asdict(waiting[step]) if step in waiting else None,
        }
        for step in version.graph.walk()
    }
