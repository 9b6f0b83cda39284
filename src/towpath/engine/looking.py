"""Looking: once a minute, who came into the segments that let people in, whom exit filters let out,
and who no longer matches what let them in and so leaves the audiences that the Canvas names.

A segment is evaluated set-wise and compared with its members of the last look: whoever is new
enters. The first look lets nobody in: it only says who was there before. Each look is a transaction
with what follows from it, under the lock of its row: exactly once, whatever number of workers look.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from towpath.canvas.graph import Graph
from towpath.canvas.removals import Occasion, Removal
from towpath.canvas.step import Step
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.clock import Instant, seconds
from towpath.engine.admission import Doorkeeper, Round
from towpath.engine.entrance import MUSTER_NUMBERS
from towpath.engine.leaving import let_out
from towpath.engine.live import Live, LiveCanvases
from towpath.engine.moves import Moves
from towpath.engine.removals import remove
from towpath.engine.standing import Standing
from towpath.engine.steps.protocol import Moment
from towpath.engine.threads import passed_over, tell_failed
from towpath.errors import TowpathError
from towpath.ids import CanvasId, WorkspaceId
from towpath.ledger.windows import Windows
from towpath.limits import LOOK_EVERY_S
from towpath.people.filter import Filter, InSegment
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import entries, intakes, ledgers, looks, people_door, waves, workspaces
from towpath.store.database import Db
from towpath.store.publishing import REMOVED_IN
from towpath.store.waves import Stand

_ASK_EVERY = seconds(5)


@dataclass(slots=True)
class Looking:
    """The service that looks; any number of workers may run one."""

    db: Db
    standing: Standing = field(default_factory=Standing)
    windows: Windows = field(default_factory=Windows)
    live: LiveCanvases = field(init=False)
    _ask_at: Instant | None = None

    def __post_init__(self) -> None:
        """What is live is kept beside the connection."""
        self.live = LiveCanvases(self.db)

    def tick(self, now: Instant) -> bool:
        """Look at whatever has not been looked at for LOOK_EVERY_S; never says that there is
        more."""
        if self._ask_at is None or now >= self._ask_at:
            self._ask_at = now + _ASK_EVERY
            for workspace in intakes.live_workspaces(self.db):
                self._look(workspace, self.live.of(workspace), now)
        return False

    def _look(self, workspace: WorkspaceId, live: Live, now: Instant) -> None:
        segments = live.segments()
        exits = [one for one in live.versions if live.entry(one).exit_filter is not None]
        removals = [one for one, version in live.versions.items() if _of_segment(version.graph)]
        names = [*map(_segment, segments), *map(_exits, exits), *map(_removals, removals)]
        looks.keep(self.db, workspace, names)
        for name, waiting in sorted(segments.items()):
            try:
                self._enter(workspace, live, name, waiting, now)
            except TowpathError as error:  # such as a segment that was deleted: others go on
                tell_failed(error)
        for canvas in sorted(exits):
            with passed_over(canvas):
                self._exit(workspace, live, canvas, now)
        for canvas in sorted(removals):
            with passed_over(canvas):
                self._remove(workspace, live, canvas, now)

    def _enter(
        self,
        workspace: WorkspaceId,
        live: Live,
        segment: str,
        waiting: Sequence[CanvasId],
        now: Instant,
    ) -> None:
        with self.db.transaction():
            workspaces.pass_gate(self.db, workspace)
            name = _segment(segment)
            last = looks.take(self.db, workspace, name, now - seconds(LOOK_EVERY_S), now)
            if last is None:
                return
            members = self._everybody(workspace, InSegment(segment), now)
            looks.write(self.db, workspace, name, members, now)
            entrants = people() if last.members is None else members - last.members
            for canvas in waiting if entrants else ():
                self._let_in(live, canvas, entrants, now)

    def _let_in(self, live: Live, canvas: CanvasId, entrants: PeopleSet, now: Instant) -> None:
        version = live.versions[canvas]
        entry = version.graph.entry
        if not entry.is_open(now):
            return
        with passed_over(canvas), self.db.transaction():
            found = people_door.matching_of(self.db, version.workspace, entry.filter, entrants, now)
            keeper = Doorkeeper(self.db, version, now)
            keeper.let_in([Round(found)])
            keeper.close()

    def _exit(self, workspace: WorkspaceId, live: Live, canvas: CanvasId, now: Instant) -> None:
        with self.db.transaction():
            name = _exits(canvas)
            if not looks.take(self.db, workspace, name, now - seconds(LOOK_EVERY_S), now):
                return
            inside = union(waves.inside(self.db, canvas))
            tree = live.entry(canvas).exit_filter
            found = people_door.matching_of(self.db, workspace, tree, inside, now)
            let_out(self.db, canvas, found, (), now, self.standing)
            looks.write(self.db, workspace, name, None, now)

    def _remove(self, workspace: WorkspaceId, live: Live, canvas: CanvasId, now: Instant) -> None:
        """Of those who entered and are wanted in an audience: who no longer matches leaves it."""
        with self.db.transaction():
            workspaces.pass_gate(self.db, workspace)
            name = _removals(canvas)
            if not looks.take(self.db, workspace, name, now - seconds(LOOK_EVERY_S), now):
                return
            version = live.versions[canvas]
            graph, moves = version.graph, Moves(version.id)
            stand = Stand(workspace, canvas, version.id, REMOVED_IN, 0)
            moment = Moment(self.db, stand, now, self.windows)
            for one in _of_segment(graph):
                here = self._wanted(graph.steps[one.step])
                here = entries.entered_of(self.db, canvas, here) if here else here
                tree = graph.entry.filter
                gone = here - people_door.matching_of(self.db, workspace, tree, here, now)
                alone = replace(graph, removals=(one,))
                remove(moment, alone, Occasion.SEGMENT, gone, moves)
            moves.write(self.db)
            looks.write(self.db, workspace, name, None, now)

    def _wanted(self, step: Step) -> PeopleSet:
        assert isinstance(step, AudienceSync)
        assert step.audience_id is not None
        state = ledgers.read_all(self.db, ledgers.peek(self.db, step.audience_id))
        return union(one.want for one in state.fields.values())

    def _everybody(self, workspace: WorkspaceId, tree: Filter, now: Instant) -> PeopleSet:
        highest = people_door.highest_number(self.db, workspace)
        return union(
            people_door.matching(self.db, workspace, tree, low, low + MUSTER_NUMBERS, now)
            for low in range(0, highest + 1, MUSTER_NUMBERS)
        )


def _segment(name: str) -> str:
    return f"segment {name}"


def _removals(canvas: CanvasId) -> str:
    return f"removals of {canvas}"


def _of_segment(graph: Graph) -> list[Removal]:
    return [one for one in graph.removals if Occasion.SEGMENT in one.on]


def _exits(canvas: CanvasId) -> str:
    return f"exits of {canvas}"
