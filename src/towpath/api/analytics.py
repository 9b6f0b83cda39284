"""What a Canvas shows of itself: its counters, arrows, reasons and troubles, as plain data.

The API, the commands and the dashboard show the same.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, astuple
from operator import add
from typing import Any

from towpath.api import troubles
from towpath.canvas.admission import Refused
from towpath.canvas.conversions import conversions_data
from towpath.canvas.graph import to_data
from towpath.clock import Instant
from towpath.errors import NotFoundError
from towpath.ids import StepId, WorkspaceId
from towpath.store import arrivals, canvases, conversions, tallies, waves
from towpath.store.canvases import Canvas, Version
from towpath.store.database import Db
from towpath.store.tallies import Change

_ENTRY, _REFUSED = StepId("(entry)"), "refused: "  # as engine/admission.py counts them


def listed(db: Db, workspace: WorkspaceId) -> list[dict[str, Any]]:
    """All Canvases, by name, as plain data."""
    found = []
    for canvas in canvases.list_all(db, workspace):
        versions = canvases.versions(db, workspace, canvas.id)
        found.append(
            _head(canvas, versions) | {"inside": sum(_inside(db, one) for one in versions)}
        )
    return found


def shown(
    db: Db, workspace: WorkspaceId, canvas: Canvas, now: Instant, number: int | None = None
) -> dict[str, Any]:
    """A Canvas, its draft, and its counters step by step, as plain data: all its versions together,
    or one by its number. Raises NotFoundError when there is no such version."""
    versions = canvases.versions(db, workspace, canvas.id)
    newest = versions[-1] if versions else None
    older = [{"version": one.number, "inside": _inside(db, one)} for one in versions[:-1]]
    counted = versions if number is None else [_numbered(versions, number)]
    return _head(canvas, versions) | {
        "draft": to_data(canvas.draft),
        "draft_differs": newest is None or to_data(canvas.draft) != to_data(newest.graph),
        "launched_at": newest.launched_at if newest else None,
        "enters_at": newest.enter_at if newest else None,
        "entry_due": bool(newest and newest.enter_at and newest.enter_at <= now),
        "older": [one for one in older if one["inside"]],
        **_by_step(numbers(db, workspace, canvas, counted), _steps(db, counted, now)),
    }


def _by_step(found: dict[str, Any], steps: dict[str, Any]) -> dict[str, Any]:
    """The numbers with those of a step beside its kind."""
    rest = {name: found[name] for name in ("versions", "door", "conversions")}
    nothing = asdict(Change())
    return rest | {
        "steps": {
            step: {
                "kind": row["kind"],
                **found["counters"].get(step, nothing),
                "standing": found["standing"].get(step, 0),
                "reasons": found["reasons"].get(step, {}),
                "trouble": row["trouble"],
            }
            for step, row in steps.items()
        }
    }


def numbers(
    db: Db, workspace: WorkspaceId, canvas: Canvas, versions: list[Version] | int | None
) -> dict[str, Any]:
    """What was counted in these versions together (None: in all; a number: in that one), as plain
    data: `versions`, `counters`, `edges`, `standing`, `reasons`, `door`, `conversions`.

    Raises NotFoundError when there is no such version.
    """
    if not isinstance(versions, list):
        every = canvases.versions(db, workspace, canvas.id)
        versions = every if versions is None else [_numbered(every, versions)]
    counters: dict[StepId, Change] = {}
    edges: Counter[tuple[StepId, str]] = Counter()
    standing: Counter[StepId] = Counter()
    reasons: dict[StepId, dict[str, Counter[str]]] = {}
    for one in versions:
        for step, change in tallies.read(db, one.id).items():
            counters[step] = _sum(counters.get(step, Change()), change)
        edges.update(tallies.read_edges(db, one.id))
        standing.update(waves.standing(db, one.id))
        for step, told in arrivals.reasons(db, one.id).items():
            for counter, why in told.items():
                reasons.setdefault(step, {}).setdefault(counter, Counter()).update(why)
    door = _door(edges)
    return {
        "versions": [one.number for one in versions],
        "counters": {step: asdict(change) for step, change in counters.items()},
        "edges": [
            {"step": step, "edge": edge, "people": people}
            for (step, edge), people in sorted(edges.items())
        ],
        "standing": dict(standing),
        "reasons": reasons,
        "door": door,
        "conversions": _conversions(db, versions, door),
    }


def whole(db: Db, workspace: WorkspaceId, canvas: Canvas, now: Instant) -> dict[str, Any]:
    """What runs of a Canvas, its draft, and its counters and arrows, all versions together."""
    versions = canvases.versions(db, workspace, canvas.id)
    newest = versions[-1] if versions else None
    waiting = troubles.troubles(db, newest.graph, now) if newest else {}
    draft = to_data(canvas.draft)
    graph = to_data(newest.graph) if newest else draft
    return numbers(db, workspace, canvas, versions) | {
        "id": canvas.id,
        "name": canvas.name,
        "state": canvas.state.value,
        "revision": canvas.revision,
        "changed_at": canvas.changed_at,
        "version": version_row(db, newest) if newest else None,
        "graph": graph,
        "draft": draft,
        "draft_differs": draft != graph,
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


def _numbered(versions: list[Version], number: int) -> Version:
    for one in versions:
        if one.number == number:
            return one
    raise NotFoundError(
        f"There is no version {number}.",
        remedy=f"The newest is {versions[-1].number}." if versions else "It was never launched.",
        field="version",
    )


def _door(edges: Mapping[tuple[StepId, str], int]) -> dict[str, Any]:
    """Who came to the door: entered, refused by reason, and kept out as control group."""
    refused = {
        edge.removeprefix(_REFUSED): people
        for (step, edge), people in sorted(edges.items())
        if step == _ENTRY and edge.startswith(_REFUSED)
    }
    control = refused.pop(Refused.CONTROL, 0)
    return {"entered": edges.get((_ENTRY, "entered"), 0), "control": control, "refused": refused}


def _conversions(db: Db, versions: list[Version], door: dict[str, Any]) -> list[dict[str, Any]]:
    """The goals of these versions, the newest version's first: how often each was reached after an
    entry and in the control group, and what share of those that is (None: there was nobody)."""
    goals: dict[str, tuple[dict[str, Any], Counter[bool]]] = {}
    for one in reversed(versions):
        named = []
        for data in conversions_data(one.graph.conversions):
            key = json.dumps(data, sort_keys=True)
            goals.setdefault(key, (data, Counter()))
            named.append(key)
        for found in conversions.counts(db, one.id):
            goals[named[found.goal]][1][found.control] += found.people
    return [
        {
            "goal": data,
            "converted": reached[False],
            "rate": _rate(reached[False], door["entered"]),
            "control_converted": reached[True],
            "control_rate": _rate(reached[True], door["control"]),
        }
        for data, reached in goals.values()
    ]


def _rate(reached: int, people: int) -> float | None:
    return round(reached / people, 6) if people else None


def _steps(db: Db, versions: list[Version], now: Instant) -> dict[str, Any]:
    """The kinds and troubles of the steps of these versions: the newest's as people walk, then
    those that only older ones have."""
    found: dict[str, Any] = {}
    for one in reversed(versions):
        waiting = troubles.troubles(db, one.graph, now)
        for step in one.graph.walk():
            trouble = asdict(waiting[step]) if step in waiting else None
            found.setdefault(step, {"kind": one.graph.steps[step].kind, "trouble": trouble})
    return found
