"""What `towpath canvas show` and `canvas list` say: gathered as plain data, then told to people.

The demo shows its counters with the same headings and the same dashes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from towpath.canvas.graph import to_data
from towpath.cli import canvas_life, output
from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.store import arrivals, canvases, tallies, waves
from towpath.store.canvases import Canvas, Version
from towpath.store.database import Db
from towpath.store.tallies import COUNTERS, Change

NAMES = {
    "entered": "Entered",
    "advanced": "Advanced",
    "synced": "Synced",
    "not_synced": "Not synced",
    "pending": "Pending",
    "errored": "Errored",
    "exited": "Exited",
}
"""The document's seven counters, in its order."""

SYNC = "audience_sync"
_EVERY_STEP = ("entered", "advanced", "exited")


def cells(counters: Mapping[str, int], *, is_sync: bool) -> list[str]:
    """The seven counters as text: a dash where a step of this kind has none."""
    shown = COUNTERS if is_sync else _EVERY_STEP
    return [f"{counters[name]:,}" if name in shown else "–" for name in COUNTERS]


def reason_lines(steps: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Why people are counted as they are, a line a step and counter."""
    for step, row in steps.items():
        for counter, reasons in sorted(row["reasons"].items()):
            told = ", ".join(f"{why.replace('_', ' ')} {n:,}" for why, n in reasons.items())
            yield f"{step}, {counter.replace('_', ' ')}: {told}"


def listed(db: Db, workspace: WorkspaceId) -> list[dict[str, Any]]:
    """All Canvases, by name, as plain data."""
    found = []
    for canvas in canvases.list_all(db, workspace):
        versions = canvases.versions(db, workspace, canvas.id)
        found.append(
            _head(canvas, versions) | {"inside": sum(_inside(db, one) for one in versions)}
        )
    return found


def show_list(found: list[dict[str, Any]]) -> None:
    """The list for people."""
    output.show_table(
        ("Canvas", "State", "Version", "Revision", "Inside"),
        (
            (
                one["name"],
                one["state"],
                one["version"] or "–",
                one["revision"],
                f"{one['inside']:,}",
            )
            for one in found
        ),
    )


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
    troubles = canvas_life.troubles(db, version.graph, now)
    return {
        step: {
            "kind": version.graph.steps[step].kind,
            **asdict(counters.get(step, Change())),
            "standing": standing.get(step, 0),
            "reasons": reasons.get(step, {}),
            "trouble": asdict(troubles[step]) if step in troubles else None,
        }
        for step in version.graph.walk()
    }


def show(found: dict[str, Any]) -> None:
    """What `shown` gathered, for people."""
    if found["version"] is None:
        output.say(
            f"{found['name']}: a draft, revision {found['revision']}; it was never launched.\n"
            f"`towpath canvas launch {found['name']!r}` launches it."
        )
        return
    steps = found["steps"]
    output.show_table(
        ("Step", *NAMES.values(), "Here"),
        (
            (step, *cells(row, is_sync=row["kind"] == SYNC), f"{row['standing']:,}")
            for step, row in steps.items()
        ),
        title=f"{found['name']}: {found['state']}, version {found['version']}",
    )
    for line in reason_lines(steps):
        output.say(line)
    if found["entry_due"]:
        output.say("People have not entered yet; they do as soon as `towpath serve` runs.")
    elif found["enters_at"] is not None:
        output.say(f"People have not entered yet; they do at {found['enters_at']:%Y-%m-%d %H:%M}Z.")
    for one in found["older"]:
        output.say(f"Version {one['version']} still holds {one['inside']:,} people.")
    if found["draft_differs"]:
        output.say(
            f"The draft, revision {found['revision']}, is not what version {found['version']} is:"
            " stop the Canvas and launch it again to use the draft."
        )
    for step, row in steps.items():
        if row["trouble"]:
            output.say(f"{step}: {row['trouble']['message']} {row['trouble']['remedy']}")
