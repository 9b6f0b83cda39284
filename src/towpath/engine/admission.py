"""Admission: people are let into a Canvas, by whichever door they came.

Who may enter (again), who is of the control group, how many there is room for, and in which lane
each one goes is answered set-wise; entries, entry waves, contexts and *entered* are written in one
transaction. Architecture 3, steps 3 and 4; 4, Re-entry and lanes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from towpath.canvas.admission import Admission, Refused, admit, lanes
from towpath.canvas.entry import Entry
from towpath.clock import Instant
from towpath.engine.moves import Moves, come
from towpath.engine.steps.protocol import Presence
from towpath.ids import StepId
from towpath.limits import CONTEXT_BYTES_MAX
from towpath.people.lots import lowest, share
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import conversions, entries, entry_contexts, exit_sets, merges, waves
from towpath.store.canvases import Version
from towpath.store.database import Db
from towpath.store.entry_contexts import Context
from towpath.store.waves import Stand

ENTRY = StepId("(entry)")
"""Where the arrows of those who enter, and of those who are kept out, begin: no step's name."""

SHORTEST = timedelta(seconds=1)
"""Several triggers of one person within so short a time are one entry."""


class Carried(NamedTuple):
    """What somebody brings along: the key of a keyed entry, and a context, JSON text."""

    key: str | None = None
    context: str | None = None


NOTHING = Carried()


@dataclass(frozen=True, slots=True)
class Round:
    """People who would come together, each once. `carried` names those who bring something."""

    people: PeopleSet
    carried: Mapping[int, Carried] = field(default_factory=dict)


@dataclass(slots=True)
class Doorkeeper:
    """Lets people into one version, in one transaction, as often as its caller finds some.

    `gap` is how long somebody must have been away at least, whatever re-entry says.
    """

    db: Db
    version: Version
    now: Instant
    gap: timedelta = timedelta()
    entered: PeopleSet = field(default_factory=people)
    _moves: Moves = field(init=False)
    _head: entries.Head = field(init=False)
    _inside: list[PeopleSet] | None = None
    _room: int | None = None

    def __post_init__(self) -> None:
        """Lock the Canvas' entries: nobody else lets anybody in until the transaction ends."""
        self._moves = Moves(self.version.id)
        self._head = entries.lock(self.db, self.version.canvas)
        self._room = self._room_left()

    @property
    def limited(self) -> bool:
        """Whether there is room for some only."""
        return self._room is not None

    def let_in(self, rounds: Sequence[Round]) -> int:
        """Let in whoever may; gives how many entered. Who comes in several rounds may enter
        several times, each in a lane of its own."""
        found = people()
        for one in rounds:
            found |= one.people
        if not found:
            return 0
        keyed = self._entry.key is not None
        recent = people() if keyed else self._recent(found)
        return sum(self._let_in(one, recent, keyed=keyed) for one in rounds)

    def close(self) -> None:
        """Count, and fold the log when much waits in it; the last act before the commit."""
        self._moves.write(self.db)
        entries.fold(self.db, self.version.canvas, self._head, self.now)

    @property
    def _entry(self) -> Entry:
        return self.version.graph.entry

    def _let_in(self, coming: Round, recent: PeopleSet, *, keyed: bool) -> int:
        admission = self._admit_keyed(coming) if keyed else self._admit(coming.people, recent)
        heavy = {
            number
            for number, carried in coming.carried.items()
            if carried.context is not None and len(carried.context.encode()) > CONTEXT_BYTES_MAX
        }
        self._refuse(admission, Refused.CONTEXT, admission.enter & people(heavy))
        salt = f"control {self.version.canvas}"
        control = share(admission.enter, salt, self._entry.control / 10_000)
        self._refuse(admission, Refused.CONTROL, control)
        if self.version.graph.conversions:
            conversions.withhold(self.db, self.version.canvas, control, self.now)
        if self._room is not None:
            within = lowest(admission.enter, f"limit {self.version.canvas}", self._room)
            self._refuse(admission, Refused.LIMIT, admission.enter - within)
            self._room -= len(within)
        for reason, kept_out in admission.refused.items():
            self._moves.along(ENTRY, f"refused: {reason}", len(kept_out))
        self._write(admission.enter, coming.carried)
        return len(admission.enter)

    def _admit(self, candidates: PeopleSet, recent: PeopleSet) -> Admission:
        rule = self._entry.reentry
        if rule.after is not None:
            return _admission(candidates, {Refused.TOO_SOON: candidates & recent})
        inside = union(self._standing()) if recent & candidates else people()
        return admit(
            candidates,
            rule=rule,
            entered_before=recent,
            entered_in_window=people(),
            inside=inside,
        )

    def _recent(self, candidates: PeopleSet) -> PeopleSet:
        """Who of them entered before, as far back as re-entry asks; not in this transaction."""
        after = self._entry.reentry.after
        canvas = self.version.canvas
        if after is None:
            return merges.as_one(
                self.db, candidates, lambda who: entries.entered_of(self.db, canvas, who)
            )
        window = max(after, self.gap)
        if not window:
            return people()
        since = self.now - window
        return merges.as_one(
            self.db, candidates, lambda who: entries.entered_since(self.db, canvas, since, who)
        )

    def _admit_keyed(self, coming: Round) -> Admission:
        """One entry for each value of the key: re-entry is asked of the pair."""
        candidates, canvas = coming.people, self.version.canvas
        pairs = {
            number: carried.key
            for number, carried in coming.carried.items()
            if carried.key is not None and number in candidates
        }
        standing = self._standing()
        inside = {
            profile
            for profile, lane, key in entry_contexts.keys(self.db, canvas, candidates)
            if pairs.get(profile) == key and lane < len(standing) and profile in standing[lane]
        }
        last = entries.keys(self.db, canvas, list(pairs.items()))
        after = self._entry.reentry.after
        before = {profile for profile, _ in last} if after is None else set()
        soon = (
            {profile for (profile, _), at in last.items() if at > self.now - after}
            if after is not None
            else set()
        )
        barred = {Refused.NO_KEY: candidates - people(pairs), Refused.INSIDE: people(inside)}
        barred[Refused.ENTERED_BEFORE] = people(before - inside)
        barred[Refused.TOO_SOON] = people(soon - inside)
        return _admission(candidates, barred)

    def _refuse(self, admission: Admission, reason: Refused, kept_out: PeopleSet) -> None:
        if kept_out:
            admission.enter.difference_update(kept_out)
            admission.refused[reason] = kept_out

    def _write(self, members: PeopleSet, carried: Mapping[int, Carried]) -> None:
        version, first = self.version, self._entry.first
        assert first is not None
        for lane, together in lanes(members, self._standing() if self._may_stand() else []):
            stand = Stand(version.workspace, version.canvas, version.id, first, lane)
            entries.write(self.db, stand, together, self.now)
            if version.graph.conversions and self._may_stand():
                conversions.reopen(self.db, version.canvas, together)
            self._write_contexts(_contexts(lane, together, carried))
            exit_sets.trim(self.db, version.canvas, lane, together)
            come(Presence(self.db, stand, self.now), version.graph, together, self._moves)
            if self._inside is not None:
                self._inside += [people() for _ in range(lane + 1 - len(self._inside))]
                self._inside[lane] |= together
        self._moves.along(ENTRY, "entered", len(members))
        self.entered |= members

    def _write_contexts(self, contexts: Sequence[Context]) -> None:
        """Before people come to their first step, which may want to know."""
        canvas = self.version.canvas
        entry_contexts.write(self.db, canvas, contexts, self.now)
        pairs = [(one.profile, one.key) for one in contexts if one.key is not None]
        entries.write_keys(self.db, canvas, pairs, self.now)

    def _may_stand(self) -> bool:
        """Whether who enters may stand inside already: not when nobody enters twice."""
        return self._entry.key is not None or self._entry.reentry.after is not None

    def _standing(self) -> list[PeopleSet]:
        """Who stands in each lane, read when it is first asked for."""
        if self._inside is None:
            self._inside = waves.inside(self.db, self.version.canvas)
        return self._inside

    def _room_left(self) -> int | None:
        """For how many more there is room now; None: for all."""
        limits, canvas = self._entry.limits, self.version.canvas
        hour = self.now.replace(minute=0, second=0, microsecond=0)
        found = [] if limits.per_run is None else [limits.per_run]
        if limits.per_hour is not None:
            found.append(limits.per_hour - entries.count_since(self.db, canvas, hour))
        if limits.per_day is not None:
            day = hour.replace(hour=0)
            found.append(limits.per_day - entries.count_since(self.db, canvas, day))
        if limits.total is not None:
            found.append(limits.total - entries.count_ever(self.db, canvas))
        return max(min(found), 0) if found else None


def rounds_of(coming: Sequence[tuple[int, Carried]]) -> list[Round]:
    """Rounds in which everybody comes once; who comes several times is in as many of them."""
    found: list[dict[int, Carried]] = []
    times: dict[int, int] = defaultdict(int)
    for number, carried in coming:
        if times[number] == len(found):
            found.append({})
        found[times[number]][number] = carried
        times[number] += 1
    return [Round(people(one), {n: c for n, c in one.items() if c != NOTHING}) for one in found]


def _admission(candidates: PeopleSet, barred: Mapping[Refused, PeopleSet]) -> Admission:
    enter = candidates.copy()
    for members in barred.values():
        enter -= members
    return Admission(enter, {reason: members for reason, members in barred.items() if members})


def _contexts(lane: int, members: PeopleSet, carried: Mapping[int, Carried]) -> list[Context]:
    return [
        Context(lane, number, one.key, one.context or "{}")
        for number, one in sorted(carried.items())
        if number in members
    ]
