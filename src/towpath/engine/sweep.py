"""The sweep: whoever left a Canvas, or went on, is taken out of the wave that still holds them.

Exits bite at once, and are counted by the claim of the wave (engine/advance.py), which may be a
month away. So about once a second the sweep goes through the waves in which such people stand,
counts them by the reason, and writes each wave once without all of them. Likewise for people who
were taken from a wave by what they did (engine/acting.py), but a minute later: they are counted
already, and there are many. Then their lanes are free, and everybody stands in one place.

Each round also lays waves to rest that were written while their Canvas was paused.

Waves that are claimed are left alone: the claim does the same. A round is cut into ticks, each of
one stand and of a bounded number of waves; after it the sweep rests four times as long as it took.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import timedelta

from towpath.canvas.graph import Graph
from towpath.clock import Instant
from towpath.engine.advance import without_leaving
from towpath.engine.moves import Moves
from towpath.engine.standing import Standing
from towpath.engine.steps.protocol import Moment
from towpath.ids import CanvasId, VersionId, WaveId
from towpath.ledger.windows import Windows
from towpath.limits import WAVE_LEASE_S, WAVES_PER_TICK_MAX
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import canvases, exit_sets, taken, waves
from towpath.store.database import Db
from towpath.store.waves import Place, Stand

EVERY = timedelta(seconds=1)
REST = 4
TAKEN_KEPT = timedelta(minutes=1)
NOWHERE_KEPT = timedelta(seconds=2 * WAVE_LEASE_S)
"""Who is to leave and is in no wave is forgotten then: nobody can be moving them any more."""


@dataclass(slots=True)
class Sweep:
    """The service; any number of workers may run one."""

    db: Db
    windows: Windows
    standing: Standing = field(default_factory=Standing)
    _canvases: deque[CanvasId] = field(default_factory=deque)
    _work: deque[tuple[Stand, list[WaveId]]] = field(default_factory=deque)
    _graphs: dict[VersionId, Graph] = field(default_factory=dict)
    _began: Instant | None = None
    _rests_until: Instant | None = None

    def tick(self, now: Instant) -> bool:
        """Look for waves in one Canvas, or go through some; says whether more waits now."""
        if self._began is None:
            if self._rests_until is not None and now < self._rests_until:
                return False
            self._began = now
            waves.rest_late(self.db, now)
            found = {*exit_sets.canvases(self.db), *taken.canvases(self.db, now - TAKEN_KEPT)}
            self._canvases.extend(sorted(found))
        if self._work:
            self._go_through(*self._work.popleft(), now)
        elif self._canvases:
            self._look(self._canvases.popleft(), now)
        if self._work or self._canvases:
            return True
        self._rests_until = now + max(EVERY, REST * (now - self._began))
        self._began = None
        return False

    def _look(self, canvas: CanvasId, now: Instant) -> None:
        """Find the waves of a Canvas that hold people who are there no more."""
        leaving = exit_sets.waiting(self.db, canvas)
        lapsed = exit_sets.waiting(self.db, canvas, until=now - NOWHERE_KEPT)
        gone = taken.ripe(self.db, canvas, now - TAKEN_KEPT)
        places = waves.places_in(self.db, canvas)
        touched: dict[Stand, set[WaveId]] = defaultdict(set)
        whole = True
        for lane, members in leaving.items():
            here = [one for one in places if one.stand.lane == lane]
            found = self.standing.find(self.db, here, members)
            whole &= found.whole
            _note(touched, found.hits)
            nowhere = lapsed.get(lane, people()) - union(hit for _, hit in found.hits)
            if nowhere and whole:
                exit_sets.trim(self.db, canvas, lane, nowhere)
        for stand, members in gone.items():
            here = [one for one in places if one.stand == stand]
            _note(touched, self.standing.find(self.db, here, members).hits)
        for stand, found_waves in touched.items():
            ids = sorted(found_waves)
            for start in range(0, len(ids), WAVES_PER_TICK_MAX):
                self._work.append((stand, ids[start : start + WAVES_PER_TICK_MAX]))

    def _go_through(self, stand: Stand, ids: list[WaveId], now: Instant) -> None:
        """Count whoever leaves, and write the waves without them."""
        if stand.version not in self._graphs:
            self._graphs[stand.version] = canvases.version(self.db, stand.version).graph
        with self.db.transaction():
            held = waves.lock_idle(self.db, stand, ids, now)
            everyone = union(held.values())
            moves = Moves(stand.version)
            moment = Moment(self.db, stand, now, self.windows)
            graph, aside = self._graphs[stand.version], waves.aside(self.db, stand)
            left = without_leaving(moment, graph, aside, everyone, moves)
            waves.leave_out(self.db, held, everyone - left)
            moves.write(self.db)


def _note(touched: dict[Stand, set[WaveId]], hits: list[tuple[Place, PeopleSet]]) -> None:
    for place, _ in hits:
        touched[place.stand].add(place.id)
