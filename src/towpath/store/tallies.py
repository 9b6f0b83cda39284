"""The counters of steps and arrows, raised in the transaction that moves the people.

The seven counters in their one order: entered, advanced, synced, not synced, pending, errored,
exited. Rows are written in one order (version, step), so that two workers cannot lock each other.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

from towpath.ids import StepId, VersionId
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("tallies")

COUNTERS = ("entered", "advanced", "synced", "not_synced", "pending", "errored", "exited")


@dataclass(slots=True)
class Change:
    """By how much each counter of a step rises (or falls)."""

    entered: int = 0
    advanced: int = 0
    synced: int = 0
    not_synced: int = 0
    pending: int = 0
    errored: int = 0
    exited: int = 0


def add(db: Db, changes: Mapping[tuple[VersionId, StepId], Change]) -> None:
    """Raise the counters of these steps."""
    rows = [(*place, *astuple(change)) for place, change in sorted(changes.items())]
    if rows:
        db.cursor().executemany(_SQL["add"], rows)


def add_edges(db: Db, moved: Mapping[tuple[VersionId, StepId, str], int]) -> None:
    """Count the people who went along these arrows."""
    rows = [(*place, count) for place, count in sorted(moved.items())]
    if rows:
        db.cursor().executemany(_SQL["add_edges"], rows)


def read(db: Db, version: VersionId) -> dict[StepId, Change]:
    """The counters of a version's steps; a step that nobody reached is not in it."""
    return {
        StepId(row[0]): Change(*row[1:])
        for row in db.execute(_SQL["read_tallies"], (version,)).fetchall()
    }


def read_edges(db: Db, version: VersionId) -> dict[tuple[StepId, str], int]:
    """How many went along each arrow of a version."""
    return {
        (StepId(step), edge): people
        for step, edge, people in db.execute(_SQL["read_edges"], (version,)).fetchall()
    }
