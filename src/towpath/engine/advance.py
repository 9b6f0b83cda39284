"""Advance: due waves perform their step and go where the graph says.

Waves that stand together are claimed together, with a lease and a fence. What the step does and
where its people go is written in one transaction that first makes sure that the claim still stands,
so two workers on the same wave never move it twice. An undivided wave moves in place; a divided one
leaves successors. Architecture 4; invariants I-04, I-05, I-11, I-12, I-17.

Before the step performs, the claim leaves out whoever is not to go on: who went on already, because
of what they did (store/taken.py); who is to leave the Canvas (store/exit_sets.py); everybody, when
a newer version leads them away or the Canvas was stopped; and who matches the exit filter.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from towpath.canvas.graph import Graph
from towpath.canvas.removals import Occasion
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.clock import Instant
from towpath.engine.leaving import CRITERIA
from towpath.engine.moves import (
    EXITED,
    Moves,
    arriving,
    come,
    count_coming,
    count_leaving,
)
from towpath.engine.removals import remove
from towpath.engine.steps.audience_sync import leave
from towpath.engine.steps.protocol import STAYS, Moment, Outcome, Presence
from towpath.engine.steps.registry import kind_of
from towpath.ids import VersionId
from towpath.ledger.windows import Windows
from towpath.limits import WAVE_LEASE_S, WAVES_PER_TICK_MAX
from towpath.people.people_set import PeopleSet
from towpath.store import canvases, exit_sets, people_door, taken, waves, workspaces
from towpath.store.database import Db
from towpath.store.publishing import PUBLISHED_IN
from towpath.store.waves import Aside, ClaimedWaves, Redirect, Stand

LEAVES = "left"
"""The name of the arrow by which people leave a Canvas that was stopped."""
REDIRECTED = "redirected"
"""The arrow by which people leave a step for another one of a newer version."""
STEP_GONE = "step gone"
FILTER_MATCHED = "filter matched"
"""Why people exit: their step is no more, or they match the exit filter."""


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
            workspaces.pass_gate(self.db, claimed.stand.workspace)
            holds = waves.hold(self.db, claimed)
            if holds:
                moment = Moment(self.db, claimed.stand, now, self.windows)
                moves = Moves(claimed.stand.version)
                everyone, aside = claimed.together, waves.aside(self.db, claimed.stand)
                left = without_leaving(moment, graph, aside, everyone, moves)
                whole = len(left) == len(everyone)
                self._go_on(moment, graph, claimed, aside.redirect, left, moves, whole=whole)
                moves.write(self.db)
        return holds

    def graph(self, version: VersionId) -> Graph:
        """A launched version's graph, which never changes."""
        if version not in self._graphs:
            self._graphs[version] = canvases.version(self.db, version).graph
        return self._graphs[version]

    def _go_on(
        self,
        moment: Moment,
        graph: Graph,
        claimed: ClaimedWaves,
        redirect: Redirect | None,
        left: PeopleSet,
        moves: Moves,
        *,
        whole: bool,
    ) -> None:
        """Perform the step for who is left. `whole`: that is everybody in the waves."""
        if redirect is not None:
            waves.end(self.db, claimed.ids)
            self._lead_away(moment, graph, redirect, left, moves)
        elif claimed.stopped:
            waves.end(self.db, claimed.ids)
            step_out(moment, graph, left, LEAVES, moves)
        else:
            kept = without_filtered(moment, graph, left, moves)
            whole = whole and len(kept) == len(left)
            outcomes = performed(moment, graph, kept)
            self._move(moment, graph, claimed if whole else None, outcomes, moves)
            if not whole:
                waves.end(self.db, claimed.ids)

    def _lead_away(
        self,
        moment: Moment,
        graph: Graph,
        redirect: Redirect,
        members: PeopleSet,
        moves: Moves,
    ) -> None:
        """Another step of the newest version, or out: their own step is no more."""
        stand, target = moment.stand, redirect.step
        newest = self.graph(redirect.newest)
        if target is None or target not in newest.steps:
            step_out(moment, graph, members, EXITED + STEP_GONE, moves)
            return
        if not members:
            return
        settings = graph.steps[stand.step]
        if isinstance(settings, AudienceSync):
            leave(moment, settings, members)
        moves.at(stand.step).advanced += len(members)
        moves.along(stand.step, REDIRECTED, len(members))
        there = Stand(stand.workspace, stand.canvas, redirect.newest, target, stand.lane)
        others = Moves(redirect.newest)
        others.along(PUBLISHED_IN, target, len(members))
        come(Presence(self.db, there, moment.now), newest, members, others)
        others.write(self.db)

    def _move(
        self,
        moment: Moment,
        graph: Graph,
        claimed: ClaimedWaves | None,
        outcomes: list[Outcome],
        moves: Moves,
    ) -> None:
        """Everybody where their edge leads. The waves `claimed` move in place if they can, and end
        if they cannot; None: they end elsewhere."""
        targets = graph.steps[moment.stand.step].edges()
        for outcome in outcomes:
            target = moment.stand.step if outcome.edge == STAYS else targets.get(outcome.edge)
            if outcome.edge != STAYS:
                count_leaving(
                    graph, moment.stand.step, target, outcome.edge, len(outcome.members), moves
                )
            if target is None:
                continue
            there = Presence(self.db, moment.stand.at(target), moment.now)
            waiting = arriving(there, graph, outcome.members)
            hand = kind_of(graph.steps[target]).hand
            if claimed is not None and len(outcomes) == 1 and len(waiting) == 1:
                waves.move(self.db, claimed, target, moment.now, waiting[0].due_at, hand)
                claimed = None
            else:
                for one in waiting:
                    waves.write(self.db, there.stand, one.members, moment.now, one.due_at, hand)
            if outcome.edge != STAYS:
                count_coming(graph, target, outcome.members, moves)
        if claimed is not None:
            waves.end(self.db, claimed.ids)


def without_leaving(
    moment: Moment, graph: Graph, aside: Aside, members: PeopleSet, moves: Moves
) -> PeopleSet:
    """Who of the people in waves that are held still stands there. Who was taken is forgotten here,
    and who is to leave the Canvas is counted as exited, by the reason."""
    db, stand = moment.db, moment.stand
    if aside.taken and (gone := members & taken.gone(db, stand)):
        taken.trim(db, stand, gone)
        members = members - gone
    if aside.leaving:
        leaving = exit_sets.leaving(db, stand.canvas, stand.lane, members)
        for reason, exiting in leaving.items():
            step_out(moment, graph, exiting, EXITED + reason, moves)
            if reason == CRITERIA:
                remove(moment, graph, Occasion.EXIT, exiting, moves)
            members = members - exiting
    return members


def without_filtered(moment: Moment, graph: Graph, members: PeopleSet, moves: Moves) -> PeopleSet:
    """Who does not match the Canvas' exit filter; the others are counted as exited."""
    stand, tree = moment.stand, graph.entry.exit_filter
    if tree is None:
        return members
    exiting = people_door.matching_of(moment.db, stand.workspace, tree, members, moment.now)
    step_out(moment, graph, exiting, EXITED + FILTER_MATCHED, moves)
    remove(moment, graph, Occasion.EXIT, exiting, moves)
    return members - exiting


def performed(moment: Moment, graph: Graph, members: PeopleSet) -> list[Outcome]:
    """What the step does with these people: outcomes with somebody in them, together everybody."""
    if not members:
        return []
    settings = graph.steps[moment.stand.step]
    found = [one for one in kind_of(settings).perform(moment, settings, members) if one.members]
    assert sum(len(one.members) for one in found) == len(members), "somebody is lost"
    return found


def step_out(moment: Moment, graph: Graph, members: PeopleSet, edge: str, moves: Moves) -> None:
    """People leave the Canvas before their step performs: nothing is done to them any more, and
    their lane is free."""
    if not members:
        return
    stand = moment.stand
    settings = graph.steps[stand.step]
    if isinstance(settings, AudienceSync):
        leave(moment, settings, members)
    moves.out(stand.step, edge, len(members))
    exit_sets.trim(moment.db, stand.canvas, stand.lane, members)
    taken.trim(moment.db, stand, members)
