"""Converting: what people do after they entered is counted towards the goals of the Canvas.

The intake hands over each batch of events, in its own transaction. Whoever did what a goal asks
for, entered within its time before and has not converted since, converts: set-wise, and the control
group apart. An event that is received late counts by when it happened.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from towpath.canvas.predicates import Matcher
from towpath.clock import Instant
from towpath.ids import CanvasId, VersionId, WorkspaceId
from towpath.people.people_set import PeopleSet, people
from towpath.store import canvases, conversions, entries, intakes
from towpath.store.canvases import Version
from towpath.store.database import Db
from towpath.store.intakes import Seen

PROMPT = timedelta(minutes=1)
"""What happened so shortly before counts as happening now."""

Goal = tuple[CanvasId, int]


@dataclass(slots=True)
class Converting:
    """Listens to the intake. Keeps versions, which never change."""

    _versions: dict[VersionId, Version] = field(default_factory=dict)

    def __call__(self, db: Db, workspace: WorkspaceId, batch: Sequence[Seen], now: Instant) -> int:
        """Count who converts; gives how many did."""
        live = {row.canvas: self._version(db, row.version) for row in intakes.live(db, workspace)}
        matcher: Matcher[Goal] = Matcher(
            (goal.trigger, (canvas, place))
            for canvas, version in live.items()
            for place, goal in enumerate(version.graph.conversions)
        )
        found: dict[tuple[Goal, Instant], set[int]] = defaultdict(set)
        for one in batch:
            at = now if one.at > now - PROMPT else one.at.replace(second=0, microsecond=0)
            for goal in matcher.find(one.kind, one.name, one.properties, one.at):
                found[goal, at].add(one.profile)
        for canvas in sorted({canvas for (canvas, _), _ in found}):
            entries.lock(db, canvas)
        return sum(
            self._convert(db, live[canvas], place, people(doers), at)
            for ((canvas, place), at), doers in sorted(found.items())
        )

    def _convert(self, db: Db, version: Version, place: int, doers: PeopleSet, at: Instant) -> int:
        goal = version.graph.conversions[place]
        converted = 0
        for control in (False, True) if version.graph.entry.control else (False,):
            members = conversions.open_for(
                db, version.canvas, place, doers, (at - goal.within, at), control=control
            )
            where = (version.canvas, version.id, place)
            conversions.add(db, where, members, at, control=control)
            converted += len(members)
        return converted

    def _version(self, db: Db, version: VersionId) -> Version:
        if version not in self._versions:
            self._versions[version] = canvases.version(db, version)
        return self._versions[version]
