"""Converting: what people do after they entered is counted towards the goals of the Canvas.

The intake hands over each batch of events, in its own transaction. Whoever did what a goal asks
for, entered within its time before and has not converted since, converts: set-wise, and the control
group apart. An event that is received late counts by when it happened. The goals are those of the
version that was the newest when somebody entered, and it counts them, whatever was published since.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from towpath.canvas.conversions import Conversion
from towpath.canvas.predicates import Matcher
from towpath.canvas.removals import Occasion
from towpath.canvas.triggers import Trigger
from towpath.clock import Instant
from towpath.engine.moves import Moves
from towpath.engine.removals import remove
from towpath.engine.steps.protocol import Moment
from towpath.ids import CanvasId, VersionId, WorkspaceId
from towpath.ledger.windows import Windows
from towpath.limits import CONVERSION_DAYS_MAX
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import canvases, conversions, entries, intakes
from towpath.store.canvases import Version
from towpath.store.database import Db
from towpath.store.intakes import LiveVersion, Seen
from towpath.store.publishing import REMOVED_IN
from towpath.store.waves import Stand

PROMPT = timedelta(minutes=1)
"""What happened so shortly before counts as happening now."""

_LONGEST = timedelta(days=CONVERSION_DAYS_MAX)
_AT = timedelta(microseconds=1)
"""Whoever enters at the very moment of publishing enters the new version."""


class Span(NamedTuple):
    """A version, and from after when until when people entered it; None: from the first on."""

    version: Version
    after: Instant | None
    until: Instant


@dataclass(slots=True)
class Converting:
    """Listens to the intake. Keeps versions, which never change."""

    windows: Windows = field(default_factory=Windows)
    _spans: dict[CanvasId, list[Span]] = field(default_factory=dict)

    def __call__(self, db: Db, workspace: WorkspaceId, batch: Sequence[Seen], now: Instant) -> int:
        """Count who converts; gives how many did."""
        live = intakes.live(db, workspace)
        self._spans |= {row.canvas: self._read(db, workspace, row) for row in live}
        first = min((one.at for one in batch), default=now)
        matcher: Matcher[tuple[CanvasId, Trigger]] = Matcher(
            (goal.trigger, (canvas, goal.trigger))
            for canvas in sorted(row.canvas for row in live)
            for goal in {goal for span in self._spans[canvas] for goal in _goals(span, first)}
        )
        found: dict[tuple[CanvasId, Instant], dict[Trigger, set[int]]] = {}
        for one in batch:
            at = now if one.at > now - PROMPT else one.at.replace(second=0, microsecond=0)
            for canvas, trigger in matcher.find(one.kind, one.name, one.properties, one.at):
                did = found.setdefault((canvas, at), {})
                did.setdefault(trigger, set()).add(one.profile)
        for canvas in sorted({canvas for canvas, _ in found}):
            entries.lock(db, canvas)
        ordered = sorted(found.items(), key=lambda one: one[0])
        reached: dict[VersionId, tuple[Version, PeopleSet]] = {}
        count = 0
        for (canvas, at), told in ordered:
            did = {trigger: people(who) for trigger, who in told.items()}
            for version, members, control in self._convert(db, canvas, did, at):
                count += len(members)
                if version.graph.removals and not control:
                    before = reached.get(version.id, (version, people()))[1]
                    reached[version.id] = (version, before | members)
        self._remove(db, workspace, reached.values(), now)
        return count

    def _remove(
        self,
        db: Db,
        workspace: WorkspaceId,
        reached: Iterable[tuple[Version, PeopleSet]],
        now: Instant,
    ) -> None:
        """Whoever converted is taken out of the audiences that their version names for it."""
        written = []
        for version, members in reached:
            stand = Stand(workspace, version.canvas, version.id, REMOVED_IN, 0)
            moves = Moves(version.id)
            moment = Moment(db, stand, now, self.windows)
            remove(moment, version.graph, Occasion.CONVERSION, members, moves)
            written.append(moves)
        for moves in written:
            moves.write(db)

    def _convert(
        self, db: Db, canvas: CanvasId, did: Mapping[Trigger, PeopleSet], at: Instant
    ) -> list[tuple[Version, PeopleSet, bool]]:
        """Of those who did something at that time: who converts, by the version they entered, and
        whether they are of its control group."""
        spans, converted = self._spans[canvas], []
        older = union(did.values())
        if len(spans) > 1:
            older = conversions.came_since(db, canvas, at - _LONGEST, older)
        for version, after, until in spans:
            control = version.graph.entry.control
            for place, goal in enumerate(version.graph.conversions):
                doers = did.get(goal.trigger, people()) & older
                window = (max(after or at - goal.within, at - goal.within), min(at, until))
                if not doers or window[0] >= window[1]:
                    continue
                for group in (False, True) if control else (False,):
                    members = conversions.open_for(db, canvas, place, doers, window, control=group)
                    where = (canvas, version.id, place)
                    conversions.add(db, where, members, at, control=group)
                    converted.append((version, members, group))
            if after is not None:
                older = older - conversions.came_since(db, canvas, after, older)
            if not older:
                break
        return converted

    def _read(self, db: Db, workspace: WorkspaceId, row: LiveVersion) -> list[Span]:
        """The versions of a Canvas, the newest first; read anew when another was published."""
        kept = self._spans.get(row.canvas)
        if kept and kept[0].version.id == row.version:
            return kept
        found = canvases.versions(db, workspace, row.canvas)
        ends = [one.launched_at - _AT for one in found[1:]]
        spans = map(Span, found, [None, *ends], [*ends, datetime.max.replace(tzinfo=UTC)])
        return list(spans)[::-1]


def _goals(span: Span, first: Instant) -> Iterator[Conversion]:
    """The goals of a version that somebody may still reach by what happened at `first` or later."""
    for goal in span.version.graph.conversions:
        if span.until > first - goal.within:
            yield goal
