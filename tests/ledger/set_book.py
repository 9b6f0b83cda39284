"""The ledger's pure functions put together in memory, as the store and the engine do it.

No database: rows are small records in dicts. Each step that a rule of architecture 5 asks for is a
method of its own, so that a test can break one rule and see the suite notice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random

from tests.ledger.book_rows import Fields, Request, Stopped

from towpath.clock import Instant
from towpath.ids import ArrivalId
from towpath.ledger import arrivals, due, events, sharing, windows
from towpath.ledger.arrivals import Closing, Counter, OpenArrival, Reason
from towpath.ledger.due import Group
from towpath.ledger.events import Arrived, Event, Marked, MarkKind, SetByField, Settled, Settling
from towpath.ledger.sharing import HeldKey, Usable
from towpath.ledger.state import LedgerState
from towpath.ledger.windows import Resend, Windows
from towpath.people.action import Action
from towpath.people.match_field import ALL_FIELDS, MatchField
from towpath.people.people_set import PeopleSet, people, union

Keys = dict[int, dict[MatchField, str]]
GAVE_UP = (Counter.ERRORED, Reason.GAVE_UP)


@dataclass(slots=True)
class SetBook:
    """One audience's ledger, arrivals, requests, resends. `foreign`: others fill the audience."""

    keys: Keys
    withdrawn: PeopleSet
    foreign: bool
    spans: Windows
    chance: Random
    state: LedgerState = field(default_factory=LedgerState)
    opened: dict[ArrivalId, OpenArrival] = field(default_factory=dict)
    outcomes: dict[tuple[int, int], tuple[Counter, Reason]] = field(default_factory=dict)
    requests: dict[int, Request] = field(default_factory=dict)
    resends: list[Resend] = field(default_factory=list)
    log: list[Event] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    # Derived from rows.

    def in_flight(self, *actions: Action) -> PeopleSet:
        """Who is in a request now, of these actions (of both, unless named)."""
        return union(self.carried(r) for r in self._flying(*actions))

    def carried(self, request: Request) -> PeopleSet:
        """Whose keys a request carries."""
        return request.members

    def _flying(self, *actions: Action) -> list[Request]:
        asked = actions or tuple(Action)
        return [r for r in self.requests.values() if r.settling is None and r.action in asked]

    def held(self, action: Action, now: Instant) -> PeopleSet:
        """Who backs off now from `action`."""
        return union(
            r.members
            for r in self.requests.values()
            if r.action is action and r.retry_at is not None and r.retry_at > now
        )

    def busy(self, action: Action, now: Instant) -> PeopleSet:
        """Who must not be claimed for `action`."""
        return self.in_flight() | self.held(action, now)

    def due(self, action: Action, now: Instant) -> dict[MatchField, set[int]]:
        """Who must be sent now, by field."""
        busy = self.busy(action, now)
        found = {name: set(members - busy) for name, members in self.state.due(action).items()}
        return {name: members for name, members in found.items() if members}

    def pending(self) -> set[tuple[int, int]]:
        """Who waits in which arrival."""
        return {(a.id, person) for a in self.opened.values() for person in a.waiting}

    def record(self, event: Event) -> None:
        """Log an event and apply it."""
        self.log.append(event)
        events.apply(self.state, event)

    # Arrivals.

    def arrive(self, action: Action, asked: Fields, members: PeopleSet, now: Instant) -> ArrivalId:
        """People come to an Audience Sync step."""
        arrival = ArrivalId(next(self.numbers))
        fields = self.fields_acted_on(action, asked)
        keyless = {name: self.without_usable_key(action, name, members) for name in fields}
        inside = self._keep_out(arrival, action, members, keyless)
        arrived = Arrived(
            action,
            fields,
            inside,
            {name: found & inside for name, found in keyless.items()},
            maybe_in=self.foreign,
        )
        self.record(arrived)
        self.supersede(arrived)
        at_once = arrivals.synced_at_once(self.state, arrived, self.not_at_once(action))
        reason = Reason.KNOWN_IN if action is Action.ADD else Reason.ALREADY_OUT
        self._count(arrival, Counter.SYNCED, reason, at_once)
        self.opened[arrival] = OpenArrival(
            arrival, action, fields, inside - at_once, now, now + self.spans.give_up
        )
        return arrival

    def fields_acted_on(self, action: Action, asked: Fields) -> Fields:
        """A removal acts on every field that the ledger knows; an addition on those asked for."""
        known = self.state.fields if action is Action.REMOVE else ()
        return tuple(name for name in ALL_FIELDS if name in asked or name in known)

    def without_usable_key(self, action: Action, name: MatchField, members: PeopleSet) -> PeopleSet:
        """Of `members`: who has no key of this field, or none that may be added."""
        found = people(person for person in members if name not in self.keys[person])
        if action is Action.ADD:
            found |= self.blocked(name) & members
        return found

    def blocked(self, name: MatchField) -> PeopleSet:
        """Whose key of this field is held by somebody who has withdrawn consent."""
        out = {self.keys[person].get(name) for person in self.withdrawn} - {None}
        return people(person for person, keys in self.keys.items() if keys.get(name) in out)

    def _keep_out(
        self, arrival: ArrivalId, action: Action, members: PeopleSet, keyless: SetByField
    ) -> PeopleSet:
        no_consent = members & self.withdrawn if action is Action.ADD else people()
        nothing = in_all(keyless, members) - no_consent
        no_key = people(p for p in nothing if not set(keyless) & set(self.keys[p]))
        self._count(arrival, Counter.NOT_SYNCED, Reason.NO_CONSENT, no_consent)
        self._count(arrival, Counter.NOT_SYNCED, Reason.NO_MATCH_KEY, no_key)
        self._count(arrival, Counter.NOT_SYNCED, Reason.BLOCKED, nothing - no_key)
        return members - no_consent - nothing

    def supersede(self, arrived: Arrived) -> None:
        """Close open contrary arrivals, except for people in flight in the contrary action."""
        closing = Closing.of(self.opened.values())
        sparing = self.in_flight(arrived.action.contrary)
        arrivals.supersede(closing, arrived, self.opened.values(), sparing)
        self.close(closing)

    def not_at_once(self, action: Action) -> PeopleSet:
        """Who cannot be synced at once: in flight, or their key is in a removal in flight."""
        found = self.in_flight()
        if action is Action.ADD:
            found |= union(r.coholders for r in self._flying(Action.REMOVE))
        return found

    def _count(
        self, arrival: ArrivalId, counter: Counter, reason: Reason, members: PeopleSet
    ) -> None:
        for person in members:
            assert (arrival, person) not in self.outcomes, "counted twice"
            self.outcomes[arrival, person] = (counter, reason)

    def close(self, closing: Closing) -> None:
        for closed in closing.closed:
            self._count(closed.arrival, closed.counter, closed.reason, closed.members)
        for arrival, waiting in closing.waiting.items():
            old = self.opened[arrival]
            self.opened[arrival] = OpenArrival(
                old.id, old.action, old.fields, waiting, old.arrived_at, old.deadline
            )

    # Claims.

    def claim(
        self, action: Action, now: Instant, size: int, most: int, among: PeopleSet
    ) -> list[Request | Stopped]:
        """Retries first, then fresh people: what leaves now, and who was stopped on the way."""
        found: list[Request | Stopped] = []
        for old in list(self.requests.values()):
            if old.action is action and old.retry_at is not None and old.retry_at <= now:
                old.retry_at = None
                groups = self.retried(old, now)
                for piece in due.requests(groups, max(size, len(old.members)), most=8):
                    found += self._send(action, piece, now, old.tries + 1)
        groups = due.due_groups(self.state, action, self.busy(action, now), among)
        for piece in due.requests(groups, size, most):
            found += self._send(action, piece, now, 1)
        return found

    def retried(self, old: Request, now: Instant) -> list[Group]:
        """A retry is made of whoever of its people is still due."""
        return due.due_groups(self.state, old.action, self.busy(old.action, now), old.members)

    def shared_keys(self, members: PeopleSet, fields: Fields) -> list[HeldKey]:
        """Keys of these fields that members hold together with others."""
        found = []
        for name in fields:
            for key in sorted({self.keys[p][name] for p in members if name in self.keys[p]}):
                holders = people(p for p, keys in self.keys.items() if keys.get(name) == key)
                if len(holders) > 1:
                    found.append(HeldKey(name, holders, holders & self.withdrawn))
        return found

    def _send(
        self, action: Action, piece: Group, now: Instant, tries: int
    ) -> list[Request | Stopped]:
        """One piece: whoever may not go waits or stops; the rest becomes a request in flight."""
        keys = self.shared_keys(piece.members, piece.fields)
        sharers = union(key.holders for key in keys) & piece.members
        going = self.turns(keys, sharers)
        wanted = {name: self.state.of(name).want for name in piece.fields}
        usable = self.usable(keys, action, going, wanted)
        for name, holding in usable.holding.items():
            self.hold(name, holding)
        stopped = self.stop(action, piece.fields, going, usable)
        found: list[Request | Stopped] = [stopped] if stopped.members else []
        going = going - stopped.members
        members = (piece.members - sharers) | going
        if members:
            request = Request(
                id=next(self.numbers),
                action=action,
                fields=piece.fields,
                members=members,
                sharing=going,
                coholders=sharing.coholders(keys, going, usable.left_out),
                omitted={name: left & going for name, left in usable.left_out.items()},
                started_at=now,
                lease_until=now + self.spans.lease,
                tries=tries,
            )
            self._read_keys(request)
            self.requests[request.id] = request
            found.append(request)
        return found

    def turns(self, keys: list[HeldKey], sharers: PeopleSet) -> PeopleSet:
        """Who of the sharing people may go: a key travels in one request at a time."""
        return sharing.turns(keys, sharers, self.in_flight()).go

    def usable(
        self, keys: list[HeldKey], action: Action, members: PeopleSet, wanted: SetByField
    ) -> Usable:
        """Which shared keys may be sent."""
        return sharing.usable_keys(keys, action, members, wanted)

    def hold(self, name: MatchField, holding: PeopleSet) -> None:
        """A removal left a key in: the wanted person who holds it may be in."""
        self.record(Marked(MarkKind.HELD, (name,), holding))

    def stop(self, action: Action, fields: Fields, going: PeopleSet, usable: Usable) -> Stopped:
        if action is Action.ADD:
            for name, left in usable.left_out.items():
                self.record(Marked(MarkKind.KEYLESS, (name,), left))
            return Stopped(action, fields, arrivals.keyless_everywhere(self.state, fields, going))
        stopped = going.copy()
        for name in fields:
            stopped &= usable.left_out.get(name, people()) | self.state.of(name).keyless
        if stopped:
            self.record(Marked(MarkKind.LEFT, fields, stopped))
        closing = Closing.of(self.opened.values())
        for arrival in self.opened.values():
            if arrival.action is action:
                closing.close(arrival, Counter.NOT_SYNCED, Reason.STILL_WANTED, stopped)
        self.close(closing)
        return Stopped(action, fields, stopped)

    def _read_keys(self, request: Request) -> None:
        """Read digests, after the claim was committed: somebody may have lost theirs by now."""
        sent, lost = set(), {}
        for name in request.fields:
            holders = people(p for p in request.members if name in self.keys[p])
            lost[name] = request.members - holders
            holders -= request.omitted.get(name, people())
            holders -= self.state.of(name).keyless
            sent |= {self.keys[p][name] for p in holders}
        request.sent, request.found_keyless = frozenset(sent), lost

    # Answers.

    def settle(self, number: int, settling: Settling, now: Instant) -> None:
        """Record an answer. A late one is only logged."""
        request = self.requests[number]
        if request.settling is not None:
            return
        request.settling = settling
        request.window_end = self.window_end(request, settling, now)
        settled = self.settled(request, settling)
        self.record(settled)
        if settling is Settling.APPLIED:
            self.resends += self.resends_of(request)
        else:
            request.retry_at = self.spans.retry_at(now, request.tries, self.chance)
        closing = Closing.of(self.opened.values())
        self.close_settled(closing, settled)
        self.close(closing)

    def settled(self, request: Request, settling: Settling) -> Settled:
        """The event of an answer."""
        return Settled(
            settling,
            request.action,
            request.fields,
            request.members,
            request.omitted,
            request.found_keyless,
            request.coholders,
        )

    def close_settled(self, closing: Closing, settled: Settled) -> None:
        """Close what an answer decides."""
        arrivals.settle(closing, self.state, settled, list(self.opened.values()), self.in_flight())

    def window_end(self, request: Request, settling: Settling, now: Instant) -> Instant | None:
        """Until when the request may still take effect."""
        return self.spans.end(settling, request.lease_until, now)

    def resends_of(self, request: Request) -> list[Resend]:
        """What must be repeated when windows of contrary requests end."""
        contrary = [
            other.window()
            for other in self.requests.values()
            if other.action is not request.action and other.window_end is not None
        ]
        keys = self.keys_bound(request)
        return windows.resends(request.window(), keys, request.started_at, contrary)

    def keys_bound(self, request: Request) -> list[HeldKey]:
        """The keys by which a request touches others than its own people."""
        return self.shared_keys(request.sharing, request.fields)

    # Time.

    def tick(self, now: Instant) -> list[int]:
        """Leases that ran out, windows that ended, people to give up. Gives who ran out."""
        expired = [r.id for r in self._flying() if r.lease_until <= now]
        for number in expired:
            self.settle(number, Settling.UNKNOWN, now)
        ended = [one for one in self.resends if one.due_at <= now]
        self.resends = [one for one in self.resends if one.due_at > now]
        for event in self.come_due(ended):
            self.record(event)
        self.give_up(now)
        return expired

    def come_due(self, ended: list[Resend]) -> list[events.ResendDue]:
        """Whom to repeat now that these windows ended."""
        return windows.come_due(ended, self.resends)

    def give_up(self, now: Instant) -> None:
        """End the windows of arrivals that are over."""
        closing = Closing.of(self.opened.values())
        for given_up in arrivals.give_up(
            closing, self.state, list(self.opened.values()), self.attempted(), now
        ):
            self.park(given_up)
        self.close(closing)

    def park(self, given_up: arrivals.GivenUp) -> None:
        """Neither sent nor removed until an arrival or a click."""
        self.record(Marked(MarkKind.PARKED, given_up.fields, given_up.members))

    def attempted(self) -> dict[ArrivalId, PeopleSet]:
        """By arrival: who was in an answered attempt that began after it came."""
        return {
            a.id: union(
                r.members
                for r in self.requests.values()
                if r.action is a.action and r.settling is not None and r.started_at >= a.arrived_at
            )
            for a in self.opened.values()
        }

    def retry_by_hand(self, members: PeopleSet, now: Instant) -> None:
        """The audited retry: errored people wait again, if the same is still wanted of them."""
        again: list[OpenArrival] = []
        for old in self.opened.values():
            gave_up = people(
                p for p in members if self.outcomes.get((old.id, p)) == GAVE_UP
            ) & arrivals.meant(self.state, old.action, old.fields, members)
            for person in gave_up:
                del self.outcomes[old.id, person]
            deadline = now + self.spans.give_up if gave_up else old.deadline
            since = now if gave_up else old.arrived_at
            again.append(
                OpenArrival(old.id, old.action, old.fields, old.waiting | gave_up, since, deadline)
            )
        self.opened = {one.id: one for one in again}
        self.record(Marked(MarkKind.FREED, tuple(self.state.fields), members))
        closing = Closing.of(again)
        arrivals.close_at_goal(closing, self.state, again, members - self.in_flight())
        self.close(closing)


def in_all(sets: Mapping[MatchField, PeopleSet], members: PeopleSet) -> PeopleSet:
    """Of `members`: who is in every one of the sets."""
    found = members.copy()
    for one in sets.values():
        found &= one
    return found
