"""Keeping audiences equal to segments, without a Canvas.

When a sync's time has come, its segment is asked set-wise who is in it and may be sent; who was not
at the last look arrives to be added, who is not any more to be removed. Only differences reach the
ledger. Each look is one transaction under the lock of its row, with all that follows from it:
exactly once, whatever number of workers look (architecture 5).
"""

from dataclasses import dataclass

from towpath.canvas.schedule import next_occurrence
from towpath.canvas.segment_sync import STEPS, SegmentSync
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.clock import Instant, seconds
from towpath.engine.moves import Moves, count_coming, count_leaving
from towpath.engine.steps.audience_sync import arrive
from towpath.engine.steps.protocol import Moment
from towpath.errors import TowpathError
from towpath.ids import CanvasId, WorkspaceId
from towpath.ledger.windows import Windows
from towpath.limits import LOOK_EVERY_S, MUSTER_NUMBERS
from towpath.people.action import Action
from towpath.people.consent import ConsentState
from towpath.people.filter import AllOf, AnyOf, ConsentIs, Filter, InSegment
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import match_keys, people_door, segment_syncs, workspaces
from towpath.store.canvases import version as read_version
from towpath.store.database import Db, int4_array
from towpath.store.segment_syncs import SEGMENT_IN, Sync
from towpath.store.waves import Stand

LANE = 0


@dataclass(slots=True)
class SegmentSyncs:
    """The service that looks; any number of workers may run one."""

    db: Db
    windows: Windows

    def tick(self, now: Instant) -> bool:
        """Look at one sync whose time has come; says whether there may be another."""
        due = segment_syncs.due(self.db, now)
        for canvas in due:
            if self._look(canvas, now):
                break
        return len(due) > 1

    def _look(self, canvas: CanvasId, now: Instant) -> bool:
        with self.db.transaction():
            sync = segment_syncs.take(self.db, canvas, now)
            if sync is None:
                return False
            try:
                with self.db.transaction():
                    workspaces.pass_gate(self.db, sync.workspace)
                    self._follow(sync, now)
            except TowpathError as error:  # such as a segment that was deleted
                later = now + seconds(LOOK_EVERY_S)
                segment_syncs.write_trouble(self.db, canvas, error.message, later)
        return True

    def _follow(self, sync: Sync, now: Instant) -> None:
        found = people() if sync.emptying else self._wanted(sync, now)
        before = segment_syncs.members(self.db, sync.canvas)
        # Of newcomers alone: who is in and loses a key is followed by the ledger (rekeying.py).
        come = self._keyed(found - before, sync.plan.add.fields)
        follow(self.db, sync, Action.REMOVE, before - found, self.windows, now)
        follow(self.db, sync, Action.ADD, come, self.windows, now)
        members = before & found | come
        segment_syncs.write_look(self.db, sync.canvas, members, now, next_look(sync.plan, now))
        if sync.emptying:
            segment_syncs.end(self.db, sync.canvas, now)

    def _wanted(self, sync: Sync, now: Instant) -> PeopleSet:
        """Who is in the segment and may be sent."""
        tree: Filter = AllOf((InSegment(sync.plan.segment), self._sendable(sync.workspace)))
        highest = people_door.highest_number(self.db, sync.workspace)
        return union(
            people_door.matching(self.db, sync.workspace, tree, low, low + MUSTER_NUMBERS, now)
            for low in range(0, highest + 1, MUSTER_NUMBERS)
        )

    def _sendable(self, workspace: WorkspaceId) -> Filter:
        granted = ConsentIs(ConsentState.GRANTED)
        if workspaces.read(self.db, workspace).unknown_consent_is_sent:
            return AnyOf((granted, ConsentIs(ConsentState.UNKNOWN)))
        return granted

    def _keyed(self, members: PeopleSet, fields: tuple[MatchField, ...]) -> PeopleSet:
        """Who of them has a key in one of the fields."""
        present = match_keys.key_presence(self.db, int4_array(members))
        return members & union(present[match_field] for match_field in fields)


def follow(
    db: Db, sync: Sync, action: Action, members: PeopleSet, windows: Windows, now: Instant
) -> None:
    """These people came into the segment, or left it: they arrive at the step of that action, and
    are counted there, in the caller's transaction."""
    if not members:
        return
    version = read_version(db, sync.version)
    step = STEPS[action]
    settings = version.graph.steps[step]
    stand = Stand(sync.workspace, sync.canvas, sync.version, step, LANE)
    moves = Moves(sync.version)
    moves.along(SEGMENT_IN, str(step), len(members))
    count_coming(version.graph, step, members, moves)
    count_leaving(version.graph, step, None, "next", len(members), moves)
    moves.write(db)
    assert isinstance(settings, AudienceSync)
    assert settings.audience_id is not None
    arrive(Moment(db, stand, now, windows), settings.audience_id, action, settings.fields, members)


def next_look(plan: SegmentSync, now: Instant) -> Instant:
    """When the segment is looked at next: by the schedule, else in a minute."""
    if plan.schedule is None:
        return now + seconds(LOOK_EVERY_S)
    found = next_occurrence(plan.schedule, now)
    return found if found is not None else now + seconds(10 * 365 * 86_400)
