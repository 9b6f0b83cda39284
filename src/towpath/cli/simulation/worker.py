"""A simulated worker: the engine's own services, and its requests on their way.

What `engine/worker.py` does with threads and loops happens here a step at a time, when the story
says so; and here a worker can sleep past its lease, or die.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from towpath.cli.simulation.door import BASE_URL, Sent, at_once
from towpath.cli.simulation.world import KEYS, World
from towpath.clock import Instant
from towpath.engine import courier
from towpath.engine.acting import Acting
from towpath.engine.advance import Advance
from towpath.engine.claim import Claimant, Claimed
from towpath.engine.converting import Converting
from towpath.engine.courier import Answered, Load
from towpath.engine.deadlines import Deadlines
from towpath.engine.entrance import Entrance
from towpath.engine.intake import Intake
from towpath.engine.looking import Looking
from towpath.engine.prober import Prober
from towpath.engine.sender import Sender
from towpath.engine.settler import Settler
from towpath.engine.sweep import Sweep
from towpath.engine.webhooks import Batch, Webhooks
from towpath.errors import TowpathError
from towpath.partners.protocol import NOTHING_TO_SEND, Answer, ready
from towpath.partners.registry import PARTNERS, adapter
from towpath.store import connections
from towpath.store.audiences import Route
from towpath.store.connections import Probe
from towpath.store.database import Db
from towpath.store.waves import ClaimedWaves


@dataclass(slots=True)
class Flight:
    """A request that left: when its answer is there, and which. `number`: in the sandbox' log."""

    claimed: Claimed
    number: int
    answered: Answered
    left_at: Instant
    lands_at: Instant
    sent: Sent | None


@dataclass(slots=True)
class SimulatedWorker:
    """One process, as far as it can be told apart from others."""

    name: str
    world: World
    db: Db
    sender: Sender
    settler: Settler
    deadlines: Deadlines
    advance: Advance
    entrance: Entrance
    prober: Prober
    intake: Intake
    looking: Looking
    webhooks: Webhooks
    sweep: Sweep
    loaded: deque[Load] = field(default_factory=deque)
    flights: list[Flight] = field(default_factory=list)
    held_waves: list[ClaimedWaves] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    """People who are to be called."""

    @classmethod
    def start(cls, name: str, world: World, db: Db) -> "SimulatedWorker":
        """A worker that has done nothing yet; each is seeded by the run."""
        windows = world.setting.windows
        return cls(
            name,
            world,
            db,
            Sender(db, Claimant(name, windows)),
            Settler(db, windows, Random(world.chance.getrandbits(32))),
            Deadlines(db, windows, Random(world.chance.getrandbits(32))),
            Advance(db, windows),
            Entrance(db),
            Prober(db),
            Intake(db, (Acting(), Converting())),
            Looking(db),
            Webhooks(db, KEYS, windows, Random(name)),
            Sweep(db, windows),
        )

    @property
    def idle(self) -> bool:
        """Has it nothing on its way?"""
        return not (self.sender.outbox or self.loaded or self.flights or self.settler.inbox)

    def load(self) -> Load | None:
        """Read the digests of the next claimed request."""
        if not self.sender.outbox:
            return None
        claimed = self.sender.outbox.popleft()
        route = claimed.route
        partner = adapter(route.partner, by_files=route.by_files)
        loaded = courier.load(self.db, claimed, partner)
        self.loaded.append(loaded)
        return loaded

    def send(self) -> Flight | None:
        """Let the next loaded request leave, if its lease still lets it."""
        if not self.loaded:
            return None
        loaded = self.loaded.popleft()
        answer, number, sent, lands_at = self._carry(loaded)
        answered = Answered(loaded.claimed.id, loaded.claimed, answer, loaded.found_keyless)
        flight = Flight(loaded.claimed, number, answered, self.world.now, lands_at, sent)
        self.flights.append(flight)
        return flight

    def _carry(self, loaded: Load) -> tuple[Answer, int, Sent | None, Instant]:
        world, windows = self.world, self.world.setting.windows
        if loaded.body is None:
            return NOTHING_TO_SEND, 0, None, world.now
        if not courier.in_time(windows, world.now - loaded.claimed.started_at):
            return courier.NOT_SENT, 0, None, world.now
        token = self._token(loaded.claimed.route)
        if token is None:
            return courier.NOT_LOADED, 0, None, world.now
        door, deadline = world.door, windows.request_deadline
        route = loaded.claimed.route
        partner = adapter(route.partner, by_files=route.by_files)
        order, bodies = courier.order(loaded.claimed), ready(loaded.body)
        answer = at_once(
            partner.send(door, BASE_URL, token, order, bodies, deadline.total_seconds())
        )
        if door.reply is None:
            return answer, 0, None, world.now
        took = timedelta(seconds=min(door.reply.delay_s, deadline.total_seconds()))
        if door.reply.ending == "hang":
            took = deadline
        wire = timedelta(seconds=world.chance.choice([0, 0.01, 0.2, 1.0]))
        return answer, door.reply.number, door.sent, world.now + min(took + wire, deadline)

    def _token(self, route: Route) -> str | None:
        """The token by which the request was claimed; None: it was exchanged, or the connection is
        cut."""
        try:
            assert route.token is not None
            return connections.open_token(self.db, KEYS, route.workspace, route.token)
        except TowpathError:
            return None

    def land(self, flight: Flight) -> None:
        """Its answer is here: on to the settler."""
        self.flights.remove(flight)
        self.world.sandbox.finish(flight.number)
        self.settler.inbox.append(flight.answered)

    def probe(self) -> list[tuple[Probe, Answer]]:
        """Try broken connections again."""
        world, deadline = self.world, self.world.setting.windows.request_deadline
        found = []
        for probe in self.prober.due(world.now):
            partner = PARTNERS[probe.partner]
            answer = at_once(
                partner.probe(world.door, BASE_URL, world.token, deadline.total_seconds())
            )
            self.prober.note(probe, answer, world.now)
            found.append((probe, answer))
        return found

    def die(self) -> None:
        """All that it had is gone; its connections to TikTok are closed."""
        for flight in self.flights:
            self.world.sandbox.finish(flight.number)
