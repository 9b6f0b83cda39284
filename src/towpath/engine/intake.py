"""The intake: what people do lets them into Canvases, and out of them.

Each workspace's events are read in their order behind a cursor and matched against all live
triggers; calls of the API that ask for entries are taken in the same turn. Everything that follows
and the cursor's move are one transaction: exactly once, whatever number of workers read.

The rules (docs/entry.md): an event counts by the time when it happened: within the entry's start
and end, not before the launch, and received at most EVENT_AGE_H_MAX later (I-74). Several
triggers of a person in one second are one entry. While a Canvas is paused nobody comes in.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from towpath.canvas.entry import Entry
from towpath.clock import Instant
from towpath.engine.admission import NOTHING, SHORTEST, Carried, Doorkeeper, rounds_of
from towpath.engine.entrance import muster
from towpath.engine.leaving import Leaver, let_out
from towpath.engine.live import Live, LiveCanvases
from towpath.engine.standing import Standing
from towpath.engine.threads import passed_over
from towpath.ids import CanvasId, WorkspaceId
from towpath.limits import ENTRY_KEY_CHARS_MAX, EVENT_AGE_H_MAX, INTAKE_EVENTS_MAX
from towpath.people.filter import AllOf, Filter
from towpath.people.filter_parse import parse_filter
from towpath.people.people_set import PeopleSet, people
from towpath.store import api_entries, intakes, people_door, workspaces
from towpath.store.api_entries import ApiEntry
from towpath.store.canvases import Version
from towpath.store.database import Db, is_lost
from towpath.store.intakes import Seen

_LATEST = timedelta(hours=EVENT_AGE_H_MAX)

Listener = Callable[[Db, WorkspaceId, Sequence[Seen], Instant], object]
"""Somebody else who waits for what people do: steps that wait, conversions. Called within the
intake's transaction with the events of a batch, in their order."""


class Leaving(NamedTuple):
    """Somebody who is to leave, and after which event; of a keyed entry, without a key: of all."""

    order: int
    profile: int
    key: str | None


class Coming(NamedTuple):
    """Somebody who would enter: in which order, when, and with what."""

    order: int
    profile: int
    at: Instant
    properties: dict[str, Any]


@dataclass(slots=True)
class Intake:
    """The service that reads events; any number of workers may run one."""

    db: Db
    listeners: Sequence[Listener] = ()
    standing: Standing = field(default_factory=Standing)
    live: LiveCanvases = field(init=False)

    def __post_init__(self) -> None:
        """What is live is kept beside the connection."""
        self.live = LiveCanvases(self.db)

    def tick(self, now: Instant) -> bool:
        """Read what waits, up to INTAKE_EVENTS_MAX events a workspace; says whether more may
        wait."""
        more, failed = False, None
        for workspace in intakes.waiting(self.db):
            try:
                more |= self._read(workspace, now)
            except Exception as error:  # the other workspaces take their turn all the same
                if is_lost(error):
                    raise
                failed = failed or error
        if failed is not None:
            raise failed
        return more

    def _read(self, workspace: WorkspaceId, now: Instant) -> bool:
        with self.db.transaction():
            cursor = intakes.lock(self.db, workspace)
            if cursor is None:
                return False
            workspaces.pass_gate(self.db, workspace)
            # Events and entries share one sequence; neither is read ahead of the other.
            last_asked = api_entries.last_of(self.db, workspace, INTAKE_EVENTS_MAX)
            batch = intakes.read(self.db, workspace, cursor, INTAKE_EVENTS_MAX, last_asked)
            last = batch.cursor.seen if batch.full else last_asked
            asked = api_entries.take(self.db, workspace, INTAKE_EVENTS_MAX, last)
            turn = _Turn(self.db, self.live.of(workspace), now, self.standing)
            turn.match(batch.seen)
            turn.ask(asked)
            turn.out(turn.leaving)
            for listener in self.listeners if batch.seen else ():
                listener(self.db, workspace, batch.seen, now)
            turn.come()
            intakes.move(self.db, workspace, batch.cursor)
        return batch.full or len(asked) == INTAKE_EVENTS_MAX


@dataclass(slots=True)
class _Turn:
    """One batch of a workspace."""

    db: Db
    live: Live
    now: Instant
    standing: Standing
    coming: dict[CanvasId, list[Coming]] = field(default_factory=lambda: defaultdict(list))
    leaving: dict[CanvasId, list[Leaving]] = field(default_factory=lambda: defaultdict(list))
    broadcasts: list[ApiEntry] = field(default_factory=list)

    def match(self, batch: Iterable[Seen]) -> None:
        """Whom the events let in, and whom they let out."""
        enter, leave = self.live.enter, self.live.leave
        for seen in batch:
            kind, name, properties = seen.kind, seen.name, seen.properties
            for canvas in dict.fromkeys(enter.find(kind, name, properties, seen.at)):
                if counts(self.live.entry(canvas), self.live.since[canvas], seen):
                    self.coming[canvas].append(Coming(seen.id, seen.profile, seen.at, properties))
            for canvas in dict.fromkeys(leave.find(kind, name, properties, seen.at)):
                key = key_of(self.live.entry(canvas), properties)
                self.leaving[canvas].append(Leaving(seen.id, seen.profile, key))

    def ask(self, asked: Iterable[ApiEntry]) -> None:
        """Whom the API lets in. A Canvas that was stopped or paused since lets nobody in."""
        for one in asked:
            if one.canvas not in self.live.running:
                continue
            entry = self.live.entry(one.canvas)
            if not entry.by_api or not entry.is_open(one.asked_at):
                continue
            if one.profile is None:
                self.broadcasts.append(one)
            else:
                found = Coming(one.id, one.profile, one.asked_at, one.context or {})
                self.coming[one.canvas].append(found)

    def out(self, leaving: Mapping[CanvasId, Sequence[Leaving]]) -> None:
        """Let these people out of what they are in."""
        for canvas, found in sorted(leaving.items()):
            everywhere = people({one.profile for one in found if one.key is None})
            keyed = {Leaver(one.profile, one.key) for one in found if one.key is not None}
            let_out(self.db, canvas, everywhere, keyed, self.now, self.standing)

    def come(self) -> None:
        """Let people in; and out again who did what lets them out after what let them in."""
        for canvas, coming in sorted(self.coming.items()):
            version, leaving = self.live.versions[canvas], self.leaving.get(canvas, [])
            last_out = {one.profile: one.order for one in leaving}
            before = [one for one in coming if one.order < last_out.get(one.profile, 0)]
            first = {one.profile: one.order for one in reversed(before)}
            entered = self._let_in(version, before)
            out = [
                one for one in leaving if one.profile in entered and one.order > first[one.profile]
            ]
            if out:
                self.out({canvas: out})
            # Whoever comes back is in, whatever they did before.
            self._let_in(
                version, [one for one in coming if one.order >= last_out.get(one.profile, 0)]
            )
        for asked in self.broadcasts:
            version = self.live.versions[asked.canvas]
            with passed_over(version.canvas):
                tree = _joined(version.graph.entry.filter, asked.audience)
                muster(self.db, version, tree, self.now)

    def _let_in(self, version: Version, coming: Sequence[Coming]) -> PeopleSet:
        if not coming:
            return people()
        entry = version.graph.entry
        candidates, matching = people({one.profile for one in coming}), people()
        with passed_over(version.canvas):
            matching = people_door.matching_of(
                self.db, version.workspace, entry.filter, candidates, self.now
            )
        bring = [(one.profile, carried(entry, one)) for one in once(entry, coming)]
        rounds = rounds_of([one for one in bring if one[0] in matching])
        # After an outage of ours, events that lie hours apart are read within a second.
        lately = all(self.now - one.at <= SHORTEST for one in coming)
        gap = SHORTEST if lately and not entry.by_api else timedelta()
        keeper = Doorkeeper(self.db, version, self.now, gap)
        keeper.let_in(rounds)
        keeper.close()
        return keeper.entered


def counts(entry: Entry, since: Instant, seen: Seen) -> bool:
    """Whether the event can let anybody into a Canvas launched at `since`: by when it happened,
    and how late it was received."""
    return since <= seen.at and seen.received_at - seen.at <= _LATEST and entry.is_open(seen.at)


def once(entry: Entry, coming: Iterable[Coming]) -> list[Coming]:
    """Those who come, each as often as the entry can let them in: once for each value of the key;
    when re-entry is always, not within SHORTEST of their last one; else once. The first stands for
    the others."""
    found: list[Coming] = []
    last: dict[tuple[Any, ...], Instant] = {}
    again = entry.key is None and entry.reentry.after == timedelta()
    for one in sorted(coming, key=lambda each: each.at) if again else coming:
        which = (one.profile, None if entry.key is None else key_of(entry, one.properties))
        if which not in last or (again and one.at - last[which] >= SHORTEST):
            last[which] = one.at
            found.append(one)
    return found


def carried(entry: Entry, one: Coming) -> Carried:
    """What somebody brings along, as the entry asks."""
    key = key_of(entry, one.properties)
    held: dict[str, Any] | None = None
    if entry.context is True:
        held = one.properties
    elif entry.context:
        held = {name: one.properties[name] for name in entry.context if name in one.properties}
    if key is None and not held:
        return NOTHING
    return Carried(key, None if held is None else msgspec.json.encode(held).decode())


def key_of(entry: Entry, properties: dict[str, Any]) -> str | None:
    """The value of the entry's key: a text, or a whole number as one; None: there is none."""
    found: object = None if entry.key is None else properties.get(entry.key)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if isinstance(found, str) and 1 <= len(found) <= ENTRY_KEY_CHARS_MAX:
        return found
    return None


def _joined(tree: Filter | None, audience: dict[str, Any] | None) -> Filter | None:
    if audience is None:
        return tree
    asked = parse_filter(audience, "audience")
    return asked if tree is None else AllOf((tree, asked))
