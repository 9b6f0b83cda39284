"""What `towpath canvas show` and `canvas list` tell people of what api/analytics.py gathers.

The demo shows its counters with the same headings and the same dashes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from towpath.cli import output
from towpath.store.tallies import COUNTERS

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


def door_lines(door: Mapping[str, Any]) -> Iterator[str]:
    """Who entered, and who did not and why, where anybody came to the door."""
    if door["control"]:
        yield f"Control group, kept out: {door['control']:,}; entered: {door['entered']:,}."
    if door["refused"]:
        told = ", ".join(f"{why} {people:,}" for why, people in door["refused"].items())
        yield f"Refused at the door: {told}."


def _conversion_lines(goals: list[dict[str, Any]]) -> Iterator[str]:
    """How often each goal was reached, the control group beside it."""
    for place, one in enumerate(goals, 1):
        goal = ", ".join(f"{key} {value}" for key, value in one["goal"].items())
        told = f"{one['converted']:,} entries converted{_share(one['rate'])}"
        if one["control_rate"] is not None:
            told += f"; control group {one['control_converted']:,}{_share(one['control_rate'])}"
        yield f"Conversion {place} ({goal}): {told}."


def _share(rate: float | None) -> str:
    return "" if rate is None else f" ({rate:.2%})"


def _counted(found: dict[str, Any]) -> str:
    """Which versions the counters are of, where that is not plain."""
    counted = found["versions"]
    if len(counted) > 1:
        return f"; the counters of its {len(counted)} versions together"
    return f"; the counters of version {counted[0]} alone" if found["version"] > 1 else ""


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
        title=f"{found['name']}: {found['state']}, version {found['version']}{_counted(found)}",
    )
    for line in (*door_lines(found["door"]), *_conversion_lines(found["conversions"])):
        output.say(line)
    for line in reason_lines(steps):
        output.say(line)
    if found["entry_due"]:
        output.say("People are to enter; they do as soon as `towpath serve` runs.")
    elif found["enters_at"] is not None:
        output.say(f"People enter next at {found['enters_at']:%Y-%m-%d %H:%M}Z.")
    for one in found["older"]:
        output.say(f"Version {one['version']} still holds {one['inside']:,} people.")
    if found["draft_differs"]:
        verb = "launch" if found["state"] == "stopped" else "publish"
        output.say(
            f"The draft, revision {found['revision']}, is not what version {found['version']} is:"
            f" `towpath canvas {verb} {found['name']!r}` makes it what runs."
        )
    for step, row in steps.items():
        if row["trouble"]:
            output.say(f"{step}: {row['trouble']['message']} {row['trouble']['remedy']}")
