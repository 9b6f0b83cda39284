"""Where people stand in the Canvas, who entered, and every counter and arrow, at one look.

People who went on by what they did are still in their wave until it is claimed (store/taken.py):
here they stand where they went.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from towpath.clock import Instant
from towpath.ids import CanvasId, StepId, VersionId
from towpath.people.people_set import PeopleSet, load, people
from towpath.store import snapshots
from towpath.store.canvases import CanvasState
from towpath.store.database import Db

Step = tuple[VersionId, StepId]


class Spot(NamedTuple):
    """A step of a version, and a lane."""

    version: VersionId
    step: StepId
    lane: int


class WaveRow(NamedTuple):
    """A wave: `members` holds also who was taken from it."""

    id: int
    spot: Spot
    members: PeopleSet
    due_at: Instant
    lease_until: Instant | None
    hand: str


class EntryRow(NamedTuple):
    """People who entered together."""

    id: int
    canvas: CanvasId
    version: VersionId
    lane: int
    entered_at: Instant
    members: PeopleSet


class Counted(NamedTuple):
    """The seven counters of a step."""

    entered: int
    advanced: int
    synced: int
    not_synced: int
    pending: int
    errored: int
    exited: int


@dataclass(slots=True)
class Places:
    """One look. Without a Canvas that people walk, only the counters are read."""

    counted: dict[Step, Counted]
    state: CanvasState = CanvasState.RUNNING
    waves: list[WaveRow] = field(default_factory=list)
    taken: dict[Spot, PeopleSet] = field(default_factory=dict)
    standing: dict[Spot, PeopleSet] = field(default_factory=dict)
    arrows: dict[tuple[VersionId, StepId, str], int] = field(default_factory=dict)
    entries: list[EntryRow] = field(default_factory=list)
    """All so far; `new_entries` came since the look before."""
    new_entries: list[EntryRow] = field(default_factory=list)
    keys: dict[tuple[int, str], Instant] = field(default_factory=dict)
    redirects: dict[VersionId, dict[StepId, StepId | None]] = field(default_factory=dict)

    def here(self, place: Step) -> int:
        """How many stand at a step."""
        return sum(len(them) for spot, them in self.standing.items() if spot[:2] == place)

    def left(self, place: Step) -> dict[str, int]:
        """How many went from a step along each arrow."""
        return {
            edge: n for (version, step, edge), n in self.arrows.items() if (version, step) == place
        }


def read(db: Db, before: Places | None, *, canvas: bool) -> Places:
    """Look at the whole Canvas."""
    found = Places({(row[0], row[1]): Counted(*row[2:]) for row in snapshots.tallies(db)})
    if not canvas:
        return found
    found.state = CanvasState(snapshots.canvases(db)[0][1])
    for number, _, version, step, lane, packed, due_at, lease_until, hand in snapshots.waves(db):
        spot = Spot(version, step, lane)
        found.waves.append(WaveRow(number, spot, load(packed), due_at, lease_until, hand))
    for version, step, lane, packed in snapshots.taken(db):
        spot = Spot(version, step, lane)
        found.taken[spot] = found.taken.get(spot, people()) | load(packed)
    for wave in found.waves:
        here = wave.members - found.taken.get(wave.spot, people())
        if here:
            found.standing[wave.spot] = found.standing.get(wave.spot, people()) | here
    found.arrows = {(row[0], row[1], row[2]): row[3] for row in snapshots.edges(db)}
    known = before.entries if before else []
    last = known[-1].id if known else 0
    found.new_entries = [
        EntryRow(row[0], row[1], row[2], row[3], row[4], load(row[5]))
        for row in snapshots.new_entries(db, last)
    ]
    found.entries = known + found.new_entries
    found.keys = {(row[0], row[2]): row[3] for row in snapshots.entry_keys(db)}
    found.redirects = {row[0]: row[2] for row in snapshots.versions(db)}
    return found
