"""The entrance: people enter a Canvas when its time has come.

Who matches the entry filter and may enter (again) is mustered set-wise by ranges of profile
numbers; entries, entry waves and *entered* are written in one transaction. Architecture 3, steps 3
and 4; 4, Re-entry and lanes.
"""

from dataclasses import dataclass
from datetime import timedelta

from towpath import telemetry
from towpath.canvas.entry import admit, lanes
from towpath.clock import Instant
from towpath.engine.advance import Moves, count_coming, stay_until
from towpath.ids import StepId
from towpath.people.people_set import PeopleSet, union
from towpath.store import canvases, entries, people_door, waves
from towpath.store.canvases import Version
from towpath.store.database import Db
from towpath.store.waves import Stand
from towpath.telemetry import Event

MUSTER_NUMBERS = 1_000_000
"""How many profile numbers one query musters: a set of at most 128 kB."""

ENTRY = StepId("(entry)")
"""Where the arrows of those who enter, and of those who are kept out, begin: no step's name."""


@dataclass(slots=True)
class Entrance:
    """The service that lets people in; any number of workers may run one."""

    db: Db

    def tick(self, now: Instant) -> bool:
        """Let people into one version whose time has come; says whether there was one."""
        with self.db.transaction():
            due = canvases.versions_to_enter(self.db, now)
            if not due:
                return False
            version = due[0]
            entered = self._enter(version, now)
            canvases.mark_entered(self.db, version.id)
        where = {"canvas": version.canvas, "version": version.id}
        telemetry.tell(Event.CANVAS_ENTERED, **where, people=entered)
        return True

    def _enter(self, version: Version, now: Instant) -> int:
        """How many entered."""
        moves = Moves(version.id)
        entered = 0
        before = entries.entered(self.db, version.canvas)
        entry = version.graph.entry
        assert entry is not None
        assert entry.first is not None
        since = now - (entry.reentry.after or timedelta())
        recently = entries.entered_since(self.db, version.canvas, since)
        inside = waves.inside(self.db, version.canvas)
        highest = people_door.highest_number(self.db, version.workspace)
        for low in range(0, highest + 1, MUSTER_NUMBERS):
            candidates = people_door.matching(
                self.db,
                version.workspace,
                entry.filter,
                low,
                low + MUSTER_NUMBERS,
                now,
            )
            admission = admit(
                candidates,
                rule=entry.reentry,
                entered_before=before,
                entered_in_window=recently,
                inside=union(inside),
            )
            for lane, members in lanes(admission.enter, inside):
                self._write(version, entry.first, lane, members, now, moves)
            for reason, kept_out in admission.refused.items():
                moves.along(ENTRY, f"refused: {reason}", len(kept_out))
            moves.along(ENTRY, "entered", len(admission.enter))
            entered += len(admission.enter)
        moves.write(self.db)
        return entered

    def _write(
        self,
        version: Version,
        first: StepId,
        lane: int,
        members: PeopleSet,
        now: Instant,
        moves: Moves,
    ) -> None:
        stand = Stand(version.workspace, version.canvas, version.id, first, lane)
        entries.write(self.db, stand, members, now)
        due_at = stay_until(version.graph, first, now)
        waves.write(self.db, stand, members, now, due_at)
        count_coming(version.graph, first, members, moves)
