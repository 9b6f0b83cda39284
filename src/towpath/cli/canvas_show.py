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
        title=f"{found['name']}: {found['state']}, version {found['version']}",
    )
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
