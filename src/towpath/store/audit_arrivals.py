"""Audit, arrivals: everybody who came is counted once, and whoever is synced was really sent.

Requests are read once by time beside the arrivals, so that a set of everybody applied since then
stands ready for each arrival, and nobody is looked at alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from towpath.clock import Instant
from towpath.ids import AudienceId
from towpath.ledger.arrivals import Counter, Reason
from towpath.people.action import Action
from towpath.people.match_field import ALL_FIELDS, MatchField, fields_of
from towpath.people.people_set import PeopleSet, load, union
from towpath.store import ledgers
from towpath.store.audit_findings import Audit, Check, gather, people_text

ARRIVALS = Check(
    "arrivals",
    "Everybody who came to an Audience Sync step is counted there once: waiting, with an outcome, "
    "or synced by a request.",
    "The step's counters, or the reasons beneath them, are wrong for these people.",
    "Compare with a backup from before: it shows which of the two is right.",
)
SYNCED = Check(
    "synced",
    "Whoever is counted as synced was in an applied request since they came, or added before.",
    "People are shown as synced of whom no answer of the partner says so.",
    "Look for lost or changed requests elsewhere in this report; restore the latest backup.",
)

_NEVER_IN_LEDGER = frozenset({Reason.NO_CONSENT, Reason.LEFT_CANVAS})
_MAY_STAY_OUT = _NEVER_IN_LEDGER | {Reason.NO_MATCH_KEY, Reason.BLOCKED}


def check(audit: Audit) -> None:
    """Look at every arrival with its outcomes, and at the requests that synced its people."""
    for audience in ledgers.every_audience(audit.db):
        ever = _Applied(_requests(audit, audience, "read_applied_newest"))
        ever.read_all()
        since = _Applied(_requests(audit, audience, "read_applied_newest"))
        for row in audit.rows("read_arrivals", (audience,)):
            outcomes = row[11] or ()
            if audit.readable("arrival", row[0]) and all(
                audit.readable("outcome", one) for one in outcomes
            ):
                arrival = _Arrival.of(row)
                _counted_once(audit, arrival, audience)
                since.read_since(arrival.arrived_at)
                _synced(audit, arrival, ever, since)
        _known_in(audit, audience)


@dataclass(frozen=True, slots=True)
class _Outcome:
    id: int
    audience: int
    counter: Counter
    reason: str
    members: PeopleSet


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An arrival, unpacked. `by_request`: who was synced by one; only what is left over says so."""

    id: int
    action: Action
    fields: tuple[MatchField, ...]
    arrived_at: Instant
    members: PeopleSet
    waiting: PeopleSet
    counters: dict[str, int]
    outcomes: list[_Outcome]

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> "_Arrival":
        outcomes = [
            _Outcome(found, audience, Counter(state), reason, load(members))
            for found, audience, state, reason, members in zip(
                *(column or () for column in row[11:]), strict=True
            )
        ]
        names = ("entered", "synced", "not_synced", "pending", "errored")
        return cls(
            row[0],
            Action(row[1]),
            fields_of(row[2]),
            row[3],
            load(row[4]),
            load(row[5]),
            dict(zip(names, row[6:11], strict=True)),
            outcomes,
        )

    @property
    def by_request(self) -> PeopleSet:
        return self.members - self.waiting - union(one.members for one in self.outcomes)


def _counted_once(audit: Audit, arrival: _Arrival, audience: AudienceId) -> None:
    """Waiting and outcomes share nobody, and the counters are their sizes."""
    audit.looked(ARRIVALS)
    where = f"arrival {arrival.id}"
    apart = [arrival.waiting, *(one.members for one in arrival.outcomes)]
    twice = sum(map(len, apart)) - len(union(apart))
    if twice:
        audit.find(ARRIVALS, where, f"{people_text(twice)} stand there twice.")
    found = dict.fromkeys(arrival.counters, 0)
    found["entered"] = len(arrival.members | union(apart))
    found["pending"] = len(arrival.waiting)
    found["synced"] = len(arrival.by_request)
    for one in arrival.outcomes:
        found[one.counter] += len(one.members)
        _outcome(audit, arrival, one, audience)
    for name, said in arrival.counters.items():
        if said != found[name]:
            what = f"its sets say {found[name]:,} {name.replace('_', ' ')}, its row says {said:,}."
            audit.find(ARRIVALS, where, what)


def _outcome(audit: Audit, arrival: _Arrival, one: _Outcome, audience: AudienceId) -> None:
    where = f"outcome {one.id} of arrival {arrival.id}"
    if one.audience != audience:
        audit.find(ARRIVALS, where, f"it names audience {one.audience}, not {audience}.")
    outside = len(one.members - arrival.members)
    if outside and one.reason not in _MAY_STAY_OUT:
        audit.find(ARRIVALS, where, f"{people_text(outside)} ({one.reason}) never came there.")
    if one.reason in _NEVER_IN_LEDGER and outside < len(one.members):
        inside = people_text(len(one.members) - outside)
        audit.find(ARRIVALS, where, f"{inside} ({one.reason}) went into the ledger all the same.")


@dataclass(frozen=True, slots=True)
class _Request:
    action: Action
    fields: tuple[MatchField, ...]
    members: PeopleSet
    answered_at: Instant


def _requests(audit: Audit, audience: AudienceId, statement: str) -> Iterator[_Request]:
    for found, action, fields, members, answered_at in audit.rows(statement, (audience,)):
        if audit.readable("request", found) and answered_at is not None:
            yield _Request(Action(action), fields_of(fields), load(members), answered_at)


@dataclass(slots=True)
class _Applied:
    """Everybody in applied requests, by action and field, as far as these have been read."""

    ahead: Iterator[_Request]
    sets: dict[tuple[Action, MatchField], PeopleSet] = field(default_factory=dict)
    _next: _Request | None = None

    def read_all(self) -> None:
        """Read every request that is left."""
        for request in self.ahead:
            self._take(request)

    def read_since(self, moment: Instant) -> None:
        """Read those answered at `moment` or later; they come the newest first."""
        while (request := self._peek()) and request.answered_at >= moment:
            self._take(request)
            self._next = None

    def read_until(self, moment: Instant) -> None:
        """Read those answered at `moment` or before; they come the oldest first."""
        while (request := self._peek()) and request.answered_at <= moment:
            self._take(request)
            self._next = None

    def among(
        self, members: PeopleSet, action: Action, fields: tuple[MatchField, ...] = ALL_FIELDS
    ) -> PeopleSet:
        """Who of `members` is in those of an action, with any of the fields."""
        return union(
            found & members
            for (act, name), found in self.sets.items()
            if act is action and name in fields
        )

    def _peek(self) -> _Request | None:
        if self._next is None:
            self._next = next(self.ahead, None)
        return self._next

    def _take(self, request: _Request) -> None:
        for name in request.fields:
            gather(self.sets, (request.action, name), request.members)


def _synced(audit: Audit, arrival: _Arrival, ever: _Applied, since: _Applied) -> None:
    """By a request of the action since they came; and, at any time, of a field of the arrival.

    They may differ: who was in flight for one field when an arrival asked for another, which had
    been acknowledged before, is synced by that answer.
    """
    audit.looked(SYNCED)
    done = arrival.by_request
    if not done:
        return
    shown = since.among(done, arrival.action) & ever.among(done, arrival.action, arrival.fields)
    if lost := len(done - shown):
        what = f"{people_text(lost)} are counted as synced, and in no applied request."
        audit.find(SYNCED, f"arrival {arrival.id}", what)


def _known_in(audit: Audit, audience: AudienceId) -> None:
    """Who counted as synced at once had been added by a request answered before."""
    before = _Applied(_requests(audit, audience, "read_applied_oldest"))
    for found, arrival, fields, members, at in audit.rows("read_known_in", (audience,)):
        if not audit.readable("outcome", found):
            continue
        audit.looked(SYNCED)
        before.read_until(at)
        known = load(members)
        never = len(known) - len(before.among(known, Action.ADD, fields_of(fields)))
        if never:
            what = f"{people_text(never)} count as added before, and were in no applied request."
            audit.find(SYNCED, f"outcome {found} of arrival {arrival}", what)
