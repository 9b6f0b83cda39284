"""Advance: due waves perform their step and go where the graph says.

Waves that stand together are claimed together, with a lease and a fence. What the step does and
where its people go is written in one transaction that first makes sure that the claim still stands,
so two workers on the same wave never move it twice. An undivided wave moves in place; a divided one
leaves successors. Architecture 4; invariants I-04, I-05, I-11, I-12.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from towpath.canvas.delays import due_bucket
from towpath.canvas.graph import Graph
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.clock import Instant
from towpath.engine.steps.audience_sync import leave
from towpath.engine.steps.protocol import Moment, Outcome
from towpath.engine.steps.registry import kind_of
from towpath.ids import CanvasId, StepId, VersionId
from towpath.ledger.windows import Windows
from towpath.limits import WAVE_LEASE_S, WAVES_PER_TICK_MAX
from towpath.people.people_set import PeopleSet
from towpath.store import canvases, tallies, waves
from towpath.store.database import Db
from towpath.store.tallies import Change
from towpath.store.waves import ClaimedWaves, Stand

LEAVES = "left"
"""The name of the arrow by which people leave a Canvas that was stopped."""


@dataclass(slots=True)
class Moves:
    """Counters and arrows that a move raises, gathered and then written in one order."""

    version: VersionId
    changes: dict[tuple[VersionId, StepId], Change] = field(default_factory=dict)
    edges: dict[tuple[VersionId, StepId, str], int] = field(default_factory=dict)

    def at(self, step: StepId) -> Change:
        """The change of a step's counters."""
        return self.changes.setdefault((self.version, step), Change())

    def along(self, step: StepId, edge: str, people: int) -> None:
        """So many people go along an arrow."""
        place = (self.version, step, edge)
        self.edges[place] = self.edges.get(place, 0) + people

    def write(self, db: Db) -> None:
        """Raise everything."""
        tallies.add(db, self.changes)
        tallies.add_edges(db, self.edges)


@dataclass(slots=True)
class Advance:
    """The service that moves waves; any number of workers may run one."""

    db: Db
    windows: Windows
    _graphs: dict[VersionId, Graph] = field(default_factory=dict)

    def tick(self, now: Instant) -> bool:
        """Claim waves that stand together, and move them; says whether there were any."""
        claimed = self.claim(now)
        if claimed is not None:
            self.move(claimed, now)
        return claimed is not None

    def claim(self, now: Instant) -> ClaimedWaves | None:
        """Take due waves that stand together, with a lease and a fence."""
        lease_until = now + timedelta(seconds=WAVE_LEASE_S)
        return waves.claim(self.db, now, lease_until, WAVES_PER_TICK_MAX)

    def move(self, claimed: ClaimedWaves, now: Instant) -> bool:
        """Perform the step of claimed waves, unless somebody else has claimed them since."""
        graph = self.graph(claimed.stand.version)
        with self.db.transaction():
            holds = waves.hold(self.db, claimed)
            if holds:
                self._perform(graph, claimed, now)
        return holds

    def graph(self, version: VersionId) -> Graph:
        """A launched version's graph, which never changes."""
        if version not in self._graphs:
            self._graphs[version] = canvases.version(self.db, version).graph
        return self._graphs[version]

    def _perform(self, graph: Graph, claimed: ClaimedWaves, now: Instant) -> None:
        stand = claimed.stand
        settings = graph.steps[stand.step]
        moment = Moment(self.db, stand, now, self.windows)
        kind = kind_of(settings)
        everyone = claimed.together
        moves = Moves(stand.version)
        if claimed.stopped:
            if isinstance(settings, AudienceSync):
                leave(moment, settings, everyone)
            moves.at(stand.step).exited += len(everyone)
            moves.along(stand.step, LEAVES, len(everyone))
            waves.end(self.db, claimed.ids)
        else:
            outcomes = [one for one in kind.perform(moment, settings, everyone) if one.members]
            assert sum(len(one.members) for one in outcomes) == len(everyone), "somebody is lost"
            self._move(graph, claimed, outcomes, now, moves)
        moves.write(self.db)

    def _move(
        self,
        graph: Graph,
        claimed: ClaimedWaves,
        outcomes: list[Outcome],
        now: Instant,
        moves: Moves,
    ) -> None:
        stand = claimed.stand
        targets = graph.steps[stand.step].edges()
        undivided = len(outcomes) == 1 and targets.get(outcomes[0].edge) is not None
        if not undivided:
            waves.end(self.db, claimed.ids)
        for outcome in outcomes:
            target = targets.get(outcome.edge)
            count_leaving(graph, stand.step, target, outcome, moves)
            if target is None:
                continue
            due_at = stay_until(graph, target, now)
            if undivided:
                waves.move(self.db, claimed, target, now, due_at)
            else:
                there = Stand(stand.workspace, stand.canvas, stand.version, target, stand.lane)
                waves.write(self.db, there, outcome.members, now, due_at)
            count_coming(graph, target, outcome.members, moves)


def stay_until(graph: Graph, step: StepId, now: Instant) -> Instant:
    """When people who come to a step now perform it."""
    settings = graph.steps[step]
    stay = kind_of(settings).stay(settings)
    return due_bucket(now, stay) if stay else now


def count_leaving(
    graph: Graph, step: StepId, target: StepId | None, outcome: Outcome, moves: Moves
) -> None:
    """Advanced, or exited where nothing follows. All advance out of a sync step that is last, and
    exit there: advanced = exited = entered (architecture 1)."""
    count = len(outcome.members)
    change = moves.at(step)
    if target is None:
        change.exited += count
    if target is not None or isinstance(graph.steps[step], AudienceSync):
        change.advanced += count
    moves.along(step, outcome.edge, count)


def count_coming(graph: Graph, step: StepId, members: PeopleSet, moves: Moves) -> None:
    """Entered; and pending where they are to be synced, so that the sum holds at every moment."""
    change = moves.at(step)
    change.entered += len(members)
    if isinstance(graph.steps[step], AudienceSync):
        change.pending += len(members)


def exit_overdue(db: Db, canvas: CanvasId, now: Instant, windows: Windows) -> int:
    """On resume, if the operator chose so: whose time passed while the Canvas was paused leaves it.

    In the transaction that resumes. Gives how many people left.
    """
    left = 0
    for wave in waves.overdue(db, canvas, now):
        version = canvases.version(db, wave.version)
        moves = Moves(wave.version)
        settings = version.graph.steps[wave.step]
        if isinstance(settings, AudienceSync):
            stand = Stand(version.workspace, canvas, wave.version, wave.step, 0)
            leave(Moment(db, stand, now, windows), settings, wave.members)
        moves.at(wave.step).exited += len(wave.members)
        moves.along(wave.step, LEAVES, len(wave.members))
        waves.end(db, [wave.id])
        moves.write(db)
        left += len(wave.members)
    return left
