"""What the rows say after each step, and what they said before it.

Rows that never change are read once. From arrivals alone it is told who is wanted; from the log,
row by row, what the ledger must hold: both are compared with what the engine does.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from towpath.cli.simulation import places
from towpath.cli.simulation.callee import Callee
from towpath.cli.simulation.door import Key
from towpath.cli.simulation.places import Places
from towpath.cli.simulation.rows import (
    ArrivalRow,
    OutcomeRow,
    RequestRow,
    arrival_of,
    outcome_of,
    request_of,
)
from towpath.cli.simulation.worker import Flight
from towpath.cli.simulation.world import World
from towpath.clock import Instant
from towpath.ids import AudienceId
from towpath.ledger.arrivals import meant
from towpath.ledger.events import Event, Marked, ResendDue, apply
from towpath.ledger.state import LedgerState
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, load, people, union
from towpath.store import audiences, ledgers, snapshots
from towpath.store.audiences import Route
from towpath.store.database import Db
from towpath.store.ledger_log import read_log


@dataclass(slots=True)
class Book:
    """The ledger of one audience as its log tells it, and the wishes as its arrivals do."""

    audience: AudienceId
    created_here: bool
    seq: int = 0
    state: LedgerState = field(default_factory=LedgerState)
    head: tuple[Any, ...] = ()
    head_before: tuple[Any, ...] = ()
    stored: LedgerState = field(default_factory=LedgerState)
    wish: dict[MatchField, dict[Action, PeopleSet]] = field(default_factory=dict)
    latest: dict[Action, PeopleSet] = field(default_factory=dict)
    given_up: dict[MatchField, PeopleSet] = field(default_factory=dict)
    words: dict[Key, tuple[str, Action]] = field(default_factory=dict)
    """The last settled answer about a key that was no refusal."""

    def wanted(self, name: MatchField) -> PeopleSet:
        """Whose last arrival that asked for the field was an add."""
        return self.wish.get(name, {}).get(Action.ADD, people())

    def was_flush(self, now: Instant, flush: timedelta) -> bool:
        """Was a flush due at the last look, so that requests need not be full?"""
        since: Instant | None = self.head_before[6] if self.head_before else None
        return since is None or now >= since + flush

    def unwanted(self, name: MatchField) -> PeopleSet:
        """Whose last arrival that asked for the field was a removal."""
        return self.wish.get(name, {}).get(Action.REMOVE, people())


@dataclass(slots=True)
class Records:
    """Everything read so far. `new_*` is what the last step brought."""

    world: World
    eyes: Db
    """A connection of its own: it sees only what is committed."""
    arrivals: dict[int, ArrivalRow] = field(default_factory=dict)
    requests: dict[int, RequestRow] = field(default_factory=dict)
    books: dict[AudienceId, Book] = field(default_factory=dict)
    outcomes: int = 0
    new_arrivals: list[ArrivalRow] = field(default_factory=list)
    new_outcomes: list[OutcomeRow] = field(default_factory=list)
    new_requests: list[RequestRow] = field(default_factory=list)
    settled: list[RequestRow] = field(default_factory=list)
    """Requests that were in flight before the step and are not now, in the order of the log."""
    flights: list[Flight] = field(default_factory=list)
    """Requests that left since the last look."""
    was_flying: dict[int, RequestRow] = field(default_factory=dict)
    was_settled: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    was_closed: dict[int, dict[str, PeopleSet]] = field(default_factory=dict)
    new_seq: bool = False
    folds: int = 0
    passed: dict[AudienceId, int] = field(default_factory=dict)
    callee: Callee | None = None
    over: set[str] = field(default_factory=set)
    """Keys of calls that were answered, or failed for good, and settled so."""
    was_over: set[str] = field(default_factory=set)
    calls_seen: int = 0
    routes: dict[AudienceId, Route] = field(default_factory=dict)
    routes_before: dict[AudienceId, Route] = field(default_factory=dict)
    """In an upheaval: the ways to the audiences, now and at the last look."""
    alive: set[int] = field(default_factory=set)
    """Who is not gone, of those with a key."""
    rests: dict[int, Instant] = field(default_factory=dict)
    """Until when an ad account must rest; the app is 0."""
    places: Places = field(default_factory=lambda: Places({}))
    places_before: Places = field(default_factory=lambda: Places({}))

    def flying(self, audience: AudienceId) -> list[RequestRow]:
        """The requests in flight of an audience."""
        return [r for r in self.requests.values() if r.flying and r.audience == audience]

    def in_flight(self, audience: AudienceId) -> PeopleSet:
        """Who is in any of them."""
        return union(r.members for r in self.flying(audience))

    def flying_anywhere(self) -> PeopleSet:
        """Who is in a request of any audience."""
        return union(r.members for r in self.requests.values() if r.flying)

    def held(self, audience: AudienceId, action: Action, now: Instant) -> PeopleSet:
        """Who backs off from an action."""
        return union(
            r.members
            for r in self.requests.values()
            if r.audience == audience
            and r.action is action
            and r.retry_at is not None
            and r.retry_at > now
        )

    def note_heads(self) -> None:
        """What the audiences' rows say right before a claim."""
        for row in snapshots.heads(self.eyes):
            if row[0] in self.books:
                self.books[row[0]].head_before = row

    def send(self, flight: Flight) -> None:
        """A request left: what it carried is known from here on."""
        if flight.claimed.id in self.requests:
            self.requests[flight.claimed.id].sent = flight.sent
        self.flights.append(flight)

    def read(self) -> None:
        """Look at every row once more."""
        self.was_flying = {r.id: r for r in self.requests.values() if r.flying}
        self.was_settled = {r.id: r.answer for r in self.requests.values() if not r.flying}
        self.was_closed = {a.id: a.closed() for a in self.arrivals.values()}
        self.new_seq, self.folds = False, 0
        self.places_before = self.places
        if self.world.register is not None:
            self._read_upheaval()
        canvas = self.world.setting.canvas or self.world.setting.journey
        self.places = places.read(self.eyes, self.places, canvas=canvas)
        self._read_requests()
        self._read_arrivals()
        for row in snapshots.heads(self.eyes):
            self._read_head(row)
        for request in self.new_requests:
            # A key that the ledger does not count on, such as a blocked one, is no part of it.
            state = self.books[request.audience].state
            for name in request.fields:
                without = request.omitted.get(name, people()) | state.of(name).keyless
                request.keys |= self.world.keys_of(request.members - without, (name,))
        for request in self.settled:
            self._learn(request)
        for outcome in self.new_outcomes:
            self._give_up(outcome)

    def _read_upheaval(self) -> None:
        """Whose keys stand where, and by what ways audiences are reached."""
        self.world.keys.clear()
        self.alive.clear()
        for profile, alive, *digests in snapshots.keys(self.eyes):
            if alive:
                self.alive.add(profile)
            held = zip((MatchField.EMAIL, MatchField.PHONE), digests, strict=True)
            self.world.keys[profile] = {name: one for name, one in held if one is not None}
        self.routes_before = self.routes
        self.routes = audiences.routes(self.eyes, [one.id for one in self.world.audiences])

    def _read_requests(self) -> None:
        db = self.eyes
        last = max(self.requests, default=0)
        self.new_requests = [request_of(row) for row in snapshots.new_requests(db, last)]
        self.requests |= {one.id: one for one in self.new_requests}
        for row in snapshots.answers(db):
            self.requests[row[0]].answer = row[1:]
        for one in self.new_requests:
            hits = self.world.hits
            hits["retried"] += one.tries > 1
            hits["halved"] += one.parts > 1
            hits["several fields in one row"] += len(one.fields) > 1
            hits["a key left out"] += any(one.omitted.values())
            hits["a shared key sent"] += bool(one.coholders)
        settled = [r for r in self.requests.values() if r.id in self.was_flying and not r.flying]
        self.settled = sorted(settled, key=lambda r: r.answer[2] or 0)

    def _read_arrivals(self) -> None:
        db = self.eyes
        last = max(self.arrivals, default=0)
        self.new_arrivals = [arrival_of(row) for row in snapshots.new_arrivals(db, last)]
        self.arrivals |= {one.id: one for one in self.new_arrivals}
        for number, waiting, deadline, *counts in snapshots.counts(db):
            row = self.arrivals[number]
            row.waiting, row.deadline, row.counts = load(waiting), deadline, tuple(counts)
        self.new_outcomes = [outcome_of(row) for row in snapshots.new_outcomes(db, self.outcomes)]
        for outcome in self.new_outcomes:
            self.outcomes = outcome.id
            self.arrivals[outcome.arrival].outcomes.append(outcome)
            self.world.hits[f"{outcome.state}: {outcome.reason}"] += outcome.people
        for one in sorted(self.new_arrivals, key=lambda one: (one.audience, one.seq)):
            self._wish(one)

    def _wish(self, arrived: ArrivalRow) -> None:
        if (register := self.world.register) is not None:
            there = arrived.action is Action.ADD
            register.want(arrived.audience, arrived.fields, set(arrived.members), there=there)
        book = self.books.setdefault(arrived.audience, Book(arrived.audience, created_here=True))
        for action in Action:
            known = book.latest.get(action, people())
            same = action is arrived.action
            book.latest[action] = known | arrived.members if same else known - arrived.members
        for name in arrived.fields:
            sides = book.wish.setdefault(name, {action: people() for action in Action})
            keyless = arrived.keyless.get(name, people())
            for action in Action:
                found = sides[action] - arrived.members
                if action is arrived.action:
                    found |= arrived.members - keyless
                sides[action] = found
            book.given_up[name] = book.given_up.get(name, people()) - arrived.members

    def _read_head(self, row: tuple[Any, ...]) -> None:
        number, created_here, _, seq = row[:4]
        book = self.books.setdefault(number, Book(number, created_here))
        book.created_here = created_here
        changed = not book.head or book.head[3:6] != row[3:6]
        self.folds += bool(book.head) and book.head[4] != row[4]
        book.head = row
        self.new_seq |= changed
        if not changed:
            return
        db = self.eyes
        for _, event in read_log(db, number, book.seq, seq, created_here=created_here):
            apply(book.state, event)
            self._count(event)
        book.seq = seq
        book.stored = ledgers.read_all(db, ledgers.peek(db, number))

    def _count(self, event: Event) -> None:
        """Note which paths of the ledger were taken."""
        if isinstance(event, ResendDue):
            self.world.hits[f"repeated: {event.action.name.lower()}"] += 1
        elif isinstance(event, Marked):
            self.world.hits[f"marked: {event.kind.value}"] += 1

    def _give_up(self, outcome: OutcomeRow) -> None:
        arrival = self.arrivals[outcome.arrival]
        if outcome.state != "errored":
            return
        book = self.books[arrival.audience]
        so = meant(book.state, arrival.action, arrival.fields, outcome.members)
        others = [
            one
            for one in self.arrivals.values()
            if one.audience == arrival.audience and one.action is arrival.action
        ]
        for name in arrival.fields:
            waiting = union(one.waiting for one in others if name in one.fields)
            book.given_up[name] = book.given_up.get(name, people()) | (so - waiting)

    def _learn(self, request: RequestRow) -> None:
        if request.state == "refused":
            return
        book = self.books[request.audience]
        for key in request.carried:
            known = book.words.get(key) == ("applied", Action.ADD)
            # What is in stays in, whatever became of another add.
            if not (known and request.action is Action.ADD):
                book.words[key] = (request.state, request.action)
