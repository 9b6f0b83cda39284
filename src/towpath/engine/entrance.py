"""The entrance: people enter a Canvas when its time has come.

Who matches the entry filter and may enter (again) is mustered set-wise by ranges of profile
numbers; entries, entry waves and *entered* are written in one transaction. Architecture 3, steps 3
and 4; 4, Re-entry and lanes.
"""

from dataclasses import dataclass
from datetime import timedelta

from towpath.canvas.entry import admit, lanes
from towpath.clock import Instant
from towpath.engine.advance import Moves, count_coming, stay_until
from towpath.people.people_set import PeopleSet
from towpath.store import canvases, entries, people_door, waves
from towpath.store.canvases import Version
from towpath.store.database import Db
from towpath.store.waves import Stand

MUSTER_NUMBERS = 1_000_000
"""How many profile numbers one query musters: a set of at most 128 kB."""

ENTRY = "entry"
"""Where the arrows of people who were kept out begin."""


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
            version = canvases.read_version(self.db, due[0])
            self._enter(version, now)
            canvases.mark_entered(self.db, version.id)
        return True

    def _enter(self, version: Version, now: Instant) -> None:
        moves = Moves(version.id)
        before = entries.entered(self.db, version.canvas)
        window = version.graph.entry.reentry.window
        since = now - window if window is not None else now - timedelta(0)
        recently = entries.entered_since(self.db, version.canvas, since)
        inside = waves.inside(self.db, version.canvas)
        highest = people_door.highest_number(self.db, version.workspace)
        for low in range(0, highest + 1, MUSTER_NUMBERS):
            candidates = people_door.matching(
                self.db,
                version.workspace,
                version.graph.entry.filter,
                low,
                low + MUSTER_NUMBERS,
            )
            admission = admit(
                candidates,
                rule=version.graph.entry.reentry,
                entered_before=before,
                entered_in_window=recently,
                inside=inside,
            )
            for lane, members in lanes(admission.enter, inside):
                self._write(version, lane, members, now, moves)
            for reason, kept_out in admission.refused.items():
                moves.edges[(version.id, version.first, f"refused: {reason}")] = moves.edges.get(
                    (version.id, version.first, f"refused: {reason}"), 0
                ) + len(kept_out)
        moves.write(self.db)

    def _write(
        self, version: Version, lane: int, members: PeopleSet, now: Instant, moves: Moves
    ) -> None:
        if not members:
            return
        first = version.first
        stand = Stand(version.workspace, version.canvas, version.id, first, lane)
        entries.write(self.db, stand, members, now)
        due_at = stay_until(version.graph, first, now)
        waves.write(self.db, stand, members, now, due_at)
        count_coming(version.graph, first, members, moves)
