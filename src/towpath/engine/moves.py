"""Moves: people come to a step and leave it, and every counter and arrow that this raises.

Whoever moves people (the walk, the door, what people do, an answer of a webhook) gathers the
counters in one `Moves` and writes them in the transaction that moves the people (I-04).
"""

from dataclasses import dataclass, field

from towpath.canvas.graph import Graph
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.engine.steps.protocol import Presence, Waiting
from towpath.engine.steps.registry import kind_of
from towpath.ids import StepId, VersionId
from towpath.people.people_set import PeopleSet
from towpath.store import tallies, waves
from towpath.store.database import Db
from towpath.store.tallies import Change

EXITED = "exited: "
"""With a reason behind it, the arrow by which people leave before their step performs."""


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

    def out(self, step: StepId, edge: str, people: int) -> None:
        """So many people leave the Canvas by an arrow that is none of the step's own."""
        self.at(step).exited += people
        self.along(step, edge, people)

    def write(self, db: Db) -> None:
        """Raise everything."""
        tallies.add(db, self.changes)
        tallies.add_edges(db, self.edges)


def come(presence: Presence, graph: Graph, members: PeopleSet, moves: Moves) -> None:
    """People come to the step that `presence` stands at: in waves, each due when the step's kind
    says, moved by the hand that it names; and they are counted there."""
    stand, settings = presence.stand, graph.steps[presence.stand.step]
    kind = kind_of(settings)
    for waiting in arriving(presence, graph, members):
        waves.write(presence.db, stand, waiting.members, presence.now, waiting.due_at, kind.hand)
    count_coming(graph, stand.step, members, moves)


def arriving(presence: Presence, graph: Graph, members: PeopleSet) -> list[Waiting]:
    """Until when people who come to the step stand there: groups with somebody in them."""
    settings = graph.steps[presence.stand.step]
    found = kind_of(settings).arrive(presence, settings, members)
    assert sum(len(one.members) for one in found) == len(members), "somebody never goes on"
    return [one for one in found if one.members]


def count_leaving(
    graph: Graph, step: StepId, target: StepId | None, edge: str, people: int, moves: Moves
) -> None:
    """Advanced, or exited where nothing follows. All advance out of a sync step that is last, and
    exit there: advanced = exited = entered (architecture 1)."""
    change = moves.at(step)
    if target is None:
        change.exited += people
    if target is not None or isinstance(graph.steps[step], AudienceSync):
        change.advanced += people
    moves.along(step, edge, people)


def count_coming(graph: Graph, step: StepId, members: PeopleSet, moves: Moves) -> None:
    """Entered; and pending where they are to be synced, so that the sum holds at every moment."""
    change = moves.at(step)
    change.entered += len(members)
    if isinstance(graph.steps[step], AudienceSync):
        change.pending += len(members)
