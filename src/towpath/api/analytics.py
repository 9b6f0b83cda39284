"""What a Canvas shows of itself: its counters, arrows, reasons and troubles, as plain data.

The API, the commands and the dashboard show the same.
"""

from collections import Counter
from dataclasses import asdict, astuple
from operator import add
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


def whole(db: Db, workspace: WorkspaceId, canvas: Canvas, now: Instant) -> dict[str, Any]:
    """What runs of a Canvas, its draft, and its counters and arrows, all versions together."""
    versions = canvases.versions(db, workspace, canvas.id)
    newest = versions[-1] if versions else None
    counters: dict[str, Change] = {}
    edges: dict[tuple[str, str], int] = {}
    standing: Counter[str] = Counter()
    reasons: dict[str, dict[str, Counter[str]]] = {}
    for one in versions:
        for step, change in tallies.read(db, one.id).items():
            counters[step] = _sum(counters.get(step, Change()), change)
        for place, people in tallies.read_edges(db, one.id).items():
            edges[place] = edges.get(place, 0) + people
        standing.update(waves.standing(db, one.id))
        for step, told in arrivals.reasons(db, one.id).items():
            for counter, why in told.items():
                reasons.setdefault(step, {}).setdefault(counter, Counter()).update(why)
    waiting = troubles.troubles(db, newest.graph, now) if newest else {}
    draft = to_data(canvas.draft)
    graph = to_data(newest.graph) if newest else draft
    return {
        "id": canvas.id,
        "name": canvas.name,
        "state": canvas.state.value,
        "revision": canvas.revision,
        "changed_at": canvas.changed_at,
        "version": version_row(db, newest) if newest else None,
        "graph": graph,
        "draft": draft,
        "draft_differs": draft != graph,
        "counters": {step: asdict(change) for step, change in counters.items()},
        "edges": [
            {"step": step, "edge": edge, "people": people}
            for (step, edge), people in sorted(edges.items())
        ],
        "standing": dict(standing),
        "reasons": reasons,
        "troubles": {step: asdict(one) for step, one in waiting.items()},
    }


def version_row(db: Db, version: Version) -> dict[str, Any]:
    """A version in a list."""
    return {
        "number": version.number,
        "launched_at": version.launched_at,
        "enter_at": version.enter_at,
        "inside": _inside(db, version),
    }


def _sum(one: Change, other: Change) -> Change:
    return Change(*map(add, astuple(one), astuple(other)))


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
