"""The entrance: people enter a Canvas when its time has come, once or by a recurring schedule.

Who matches the entry filter is mustered set-wise by ranges of profile numbers, and the doorkeeper
(engine/admission.py) lets in who may, all in one transaction that also says when people enter next.
So each occurrence takes place once, whatever number of workers look. One that was missed, in a
pause or while nobody worked, takes place once, late.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from towpath import telemetry
from towpath.canvas.entry import Entry
from towpath.canvas.schedule import LOCAL, due_zones
from towpath.clock import Instant
from towpath.engine.admission import ENTRY, Doorkeeper, Round
from towpath.engine.threads import passed_over
from towpath.people.filter import AllOf, AnyOf, Attribute, Filter, Not, Op
from towpath.people.people_set import PeopleSet, union
from towpath.store import canvases, people_door, workspaces
from towpath.store.canvases import Version
from towpath.store.database import Db
from towpath.telemetry import Event

__all__ = ["ENTRY", "Entrance"]

MUSTER_NUMBERS = 1_000_000
"""How many profile numbers one query musters: a set of at most 128 kB."""


@dataclass(slots=True)
class Entrance:
    """The service that lets people in; any number of workers may run one."""

    db: Db

    def tick(self, now: Instant) -> bool:
        """Let people into one version whose time has come; says whether there was one."""
        with self.db.transaction():
            for version in canvases.versions_to_enter(self.db, now):
                # One whose filter cannot be asked stays due, and those behind it take their turn.
                with passed_over(version.canvas), self.db.transaction():
                    workspaces.pass_gate(self.db, version.workspace)
                    entered = muster(self.db, version, who_enters(version, now), now)
                    canvases.mark_entered(self.db, version.id, version.graph.entry.opens_again(now))
                    break
            else:
                return False
        where = {"canvas": version.canvas, "version": version.id}
        telemetry.tell(Event.CANVAS_ENTERED, **where, people=entered)
        return True


def muster(db: Db, version: Version, tree: Filter | None, now: Instant) -> int:
    """Let in everybody who matches and may; gives how many entered. In the caller's transaction."""
    keeper = Doorkeeper(db, version, now)
    highest = people_door.highest_number(db, version.workspace)
    found: Iterable[PeopleSet] = (
        people_door.matching(db, version.workspace, tree, low, low + MUSTER_NUMBERS, now)
        for low in range(0, highest + 1, MUSTER_NUMBERS)
    )
    if keeper.limited:  # everybody who matches draws a lot, whatever their number
        found = [union(found)]
    entered = sum(keeper.let_in([Round(members)]) for members in found)
    keeper.close()
    return entered


def who_enters(version: Version, now: Instant) -> Filter | None:
    """Whom the entry filter means now: of a local schedule, the people in whose zone it is time."""
    entry = version.graph.entry
    schedule = entry.schedule
    if schedule is None or schedule.zone != LOCAL:
        return entry.filter
    assert version.enter_at is not None
    zones = due_zones(schedule, version.enter_at, _until(entry, now))
    there: Filter = Attribute("time_zone", Op.IN, tuple(zones))
    if schedule.fallback in zones:
        there = AnyOf((there, Not(Attribute("time_zone", Op.EXISTS, value=True))))
    return there if entry.filter is None else AllOf((entry.filter, there))


def _until(entry: Entry, now: Instant) -> Instant:
    """Occurrences from `end` on do not take place."""
    return now if entry.end is None else min(now, entry.end - timedelta(microseconds=1))
