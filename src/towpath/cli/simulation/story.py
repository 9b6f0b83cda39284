"""What happens in a run: happenings drawn one after the other, then the world heals.

Every happening does one bounded piece of work, as a loop of `engine/worker.py` would between two
others' pieces; the order is chance's.
"""

from collections.abc import Callable
from datetime import timedelta

from towpath.cli.simulation import walk, weather
from towpath.cli.simulation.records import Records
from towpath.cli.simulation.worker import Flight, SimulatedWorker
from towpath.cli.simulation.world import SimulatedAudience, World
from towpath.clock import Instant
from towpath.engine.steps.audience_sync import arrive
from towpath.engine.steps.protocol import Moment
from towpath.ids import WorkspaceId
from towpath.partners.protocol import AnswerKind
from towpath.people.action import Action
from towpath.people.people_set import PeopleSet, people
from towpath.store import arrivals, ledgers, requests, resends, tallies, waves
from towpath.store.database import Db
from towpath.store.waves import Stand

WORD = {Action.ADD: "added to", Action.REMOVE: "removed from"}
SPANS_S = [0.05, 0.3, 1, 1, 2, 5, 6, 20, 70]
LONG_SPANS_S = [600, 3_700, 14 * 3_600, 49 * 3_600]


class Story:
    """A run's happenings. `look` is called after each, and looks at everything."""

    def __init__(
        self, world: World, records: Records, connections: list[Db], look: Callable[[str], None]
    ) -> None:
        self.world, self.records, self.look = world, records, look
        self.connections = connections
        self.started = 0
        self.workers = [self._new_worker(db) for db in connections[: world.setting.workers]]
        self.happenings: list[tuple[float, Callable[[], str]]] = [
            (5, self.people_arrive),
            (1.0, self.everybody_arrives),
            (6, self.claim),
            (3, self.load),
            (4, self.send),
            (4, self.land),
            (3, self.settle),
            (3, self.round_trip),
            (3, self.time_passes),
            (1.5, self.deadlines),
            (0.7, self.worker_dies),
            (0.6, self.probe),
            (1.6, self.tiktok_turns),
            (0.25, self.a_key_is_lost),
            (0.25, self.consent_is_withdrawn),
        ]
        if world.setting.canvas:
            self.happenings += [(1.5, self.enter), (3, self.advance), (0.6, self.turn_canvas)]

    def run(self) -> None:
        """Live through it, then heal."""
        chance = self.world.chance
        weights = [weight for weight, _ in self.happenings]
        deeds = [deed for _, deed in self.happenings]
        for _ in range(self.world.setting.steps):
            (deed,) = chance.choices(deeds, weights)
            self.happen(deed)

    def happen(self, deed: Callable[[], str]) -> None:
        """Let one thing happen, and look."""
        self.told(deed())
        self.world.deadlines_quiet = False
        self.pass_time(timedelta(milliseconds=self.world.chance.randint(1, 40)))

    # People.

    def people_arrive(self) -> str:
        """Some people come to an Audience Sync step, together."""
        world = self.world
        some = world.chance.sample(
            list(world.everybody), world.chance.randint(1, min(len(world.everybody), 12))
        )
        audience = world.chance.choice(world.audiences)
        action = world.chance.choice([Action.ADD, Action.ADD, Action.REMOVE])
        return self.arrive(audience, action, people(some))

    def everybody_arrives(self) -> str:
        """All people at once: more than a few requests can carry."""
        world = self.world
        audience = world.chance.choice(world.audiences)
        action = world.chance.choice([Action.ADD, Action.ADD, Action.REMOVE])
        return self.arrive(audience, action, world.everybody.copy())

    def arrive(self, audience: SimulatedAudience, action: Action, members: PeopleSet) -> str:
        """These people come to this audience's direct step."""
        world = self.world
        fields = world.chance.choice(world.setting.fields)
        step = walk.direct_step(audience, action)
        stand = Stand(WorkspaceId(world.workspace), world.canvas, world.version, step, 0)
        count = len(members)
        moment = Moment(world.db, stand, world.now, world.setting.windows)
        with world.db.transaction():
            come = tallies.Change(entered=count, pending=count)
            tallies.add(world.db, {(world.version, step): come})
            arrive(moment, audience.id, action, fields, members)
        if members & self.records.in_flight(audience.id):
            world.hits["arrived while in flight"] += 1
        asked = ", ".join(name.value for name in fields)
        return f"{shown(members)} are to be {WORD[action]} audience {audience.id} by {asked}"

    # Workers.

    def claim(self) -> str:
        """A sender ticks."""
        return self.claim_by(self._some_worker()) or "nobody is claimed"

    def claim_by(self, worker: SimulatedWorker) -> str:
        """The sender of this worker ticks; gives what it claimed."""
        self.records.note_heads()
        before = len(worker.sender.outbox)
        worker.sender.tick(self.world.now)
        new = list(worker.sender.outbox)[before:]
        for one in new:
            self.world.hits[f"claimed: {one.action.name.lower()}"] += 1
        told = ", ".join(
            f"request {one.id} {WORD[one.action]} audience {one.route.audience}: "
            f"{shown(one.members)}"
            for one in new
        )
        return f"{worker.name} claims {told}" if told else ""

    def load(self) -> str:
        """A courier reads digests."""
        for worker in self._workers_in_some_order():
            loaded = worker.load()
            if loaded is not None:
                self._read(loaded.claimed.id)
                if any(loaded.found_keyless.values()):
                    self.world.hits["found without a key when read"] += 1
                return f"{worker.name} reads request {loaded.claimed.id}"
        return ""

    def _read(self, request: int) -> None:
        if request in self.records.requests:
            self.records.requests[request].read = True

    def send(self) -> str:
        """A request leaves."""
        for worker in self._workers_in_some_order():
            if worker.loaded:
                return self._send(worker)
        return ""

    def _send(self, worker: SimulatedWorker) -> str:
        world = self.world
        flight = worker.send()
        assert flight is not None
        self.records.send(flight)
        fault = world.door.reply.fault if flight.sent and world.door.reply else ""
        if fault:
            world.hits[f"fault {fault}"] += 1
        answer = flight.answered.answer
        return (
            f"{worker.name} sends request {flight.claimed.id} (TikTok's {flight.number}"
            f"{', ' + fault if fault else ''}): {answer.kind.value}, {answer.cause.value}"
        )

    def land(self) -> str:
        """An answer that is there is taken off the wire."""
        for worker in self._workers_in_some_order():
            there = [one for one in worker.flights if one.lands_at <= self.world.now]
            if there:
                flight = self.world.chance.choice(there)
                worker.land(flight)
                return f"{worker.name} has the answer to request {flight.claimed.id}"
        return ""

    def settle(self) -> str:
        """A settler ticks."""
        for worker in self._workers_in_some_order():
            if worker.settler.inbox:
                return self._settle(worker)
        return ""

    def _settle(self, worker: SimulatedWorker) -> str:
        some = [one.request for one in worker.settler.inbox]
        known = self.records.requests
        late = [number for number in some if number in known and not known[number].flying]
        self.world.hits["late answer"] += len(late)
        worker.settler.tick(self.world.now)
        return f"{worker.name} settles {', '.join(map(str, some))}"

    def round_trip(self) -> str:
        """All that a worker has goes the whole way: claim, send, answer, settle."""
        worker = self._some_worker()
        self.told(self.claim_by(worker))
        self.carry_all(worker)
        return ""

    def carry_all(self, worker: SimulatedWorker) -> None:
        """What a worker has claimed goes to TikTok and back, as far as answers come soon."""
        while (loaded := worker.load()) is not None:
            self._read(loaded.claimed.id)
        while worker.loaded:
            self.told(self._send(worker))
        if not worker.flights:
            return
        soon = self.world.now + timedelta(seconds=3)
        lands = [one.lands_at for one in worker.flights if one.lands_at <= soon]
        self.pass_time(max([timedelta(), *(at - self.world.now for at in lands)]))
        for flight in [one for one in worker.flights if one.lands_at <= self.world.now]:
            worker.land(flight)
        while worker.settler.inbox:
            self.told(self._settle(worker))

    def told(self, what: str) -> None:
        """Something happened: note it, and look."""
        if what:
            self.world.tell(what)
            self.look(what)

    def worker_dies(self) -> str:
        """A worker is killed; another takes its place and knows nothing."""
        place = self.world.chance.randrange(len(self.workers))
        worker = self.workers[place]
        self.world.hits["worker died"] += 1
        self.world.hits["worker died with a claim not sent"] += bool(
            worker.sender.outbox or worker.loaded
        )
        self.world.hits["worker died with a request sent"] += bool(worker.flights)
        self.world.hits["worker died with an answer"] += bool(worker.settler.inbox)
        worker.die()
        self.workers[place] = self._new_worker(worker.db)
        return f"{worker.name} dies"

    def deadlines(self) -> str:
        """Time does its part: leases and windows end, people are given up, logs fold."""
        worker = self._some_worker()
        self.world.beat()
        self.world.deadlines_quiet = not worker.deadlines.tick(self.world.now)
        return f"{worker.name} looks at deadlines"

    def probe(self) -> str:
        """A broken connection is tried."""
        found = self._some_worker().probe()
        for _, answer in found:
            self.world.hits[f"probe {answer.kind.value}"] += 1
            if answer.kind is AnswerKind.REFUSED:
                self.world.probe_refused_at = self.world.now
        return "".join(f"probe: {answer.kind.value}" for _, answer in found)

    # The Canvas.

    def enter(self) -> str:
        """People enter the Canvas."""
        return "people enter" if self._some_worker().entrance.tick(self.world.now) else ""

    def advance(self) -> str:
        """A wave moves; or a worker claims it, and sleeps on it."""
        worker = self._some_worker()
        if worker.held_waves:
            claimed = worker.held_waves.pop()
            moved = worker.advance.move(claimed, self.world.now)
            self.world.hits["wave moved late" if moved else "wave was fenced off"] += 1
            return f"{worker.name} wakes and moves {shown(claimed.together)}: {moved}"
        claimed_now = worker.advance.claim(self.world.now)
        if claimed_now is None:
            return ""
        stand = f"{shown(claimed_now.together)} at {claimed_now.stand.step}"
        if self.world.chance.random() < 0.25:
            worker.held_waves.append(claimed_now)
            return f"{worker.name} claims {stand} and sleeps"
        worker.advance.move(claimed_now, self.world.now)
        self.world.hits["wave moved"] += 1
        return f"{worker.name} moves {stand}"

    def turn_canvas(self) -> str:
        """The operator pauses, resumes, stops or launches."""
        told = walk.turn(self.world)
        self.world.hits[told] += 1
        return told

    # TikTok, time, and what people do.

    def tiktok_turns(self) -> str:
        """TikTok changes its mood."""
        return weather.turn(self.world)

    def a_key_is_lost(self) -> str:
        """An identifier that was never sent is deleted."""
        return weather.lose_a_key(self.world, self.records)

    def consent_is_withdrawn(self) -> str:
        """Somebody withdraws their consent."""
        return weather.withdraw(self.world)

    def time_passes(self) -> str:
        """Some span; or until just before or after something that must happen."""
        world, chance = self.world, self.world.chance
        ahead = [moment for moment in self._moments() if moment > world.now]
        if ahead and chance.random() < 0.55:
            edge = (
                chance.choice(ahead) - world.now + timedelta(seconds=chance.choice([-0.5, 0, 0.5]))
            )
            span = max(edge, timedelta(milliseconds=50))
        else:
            longs = LONG_SPANS_S if chance.random() < 0.15 else SPANS_S
            span = timedelta(seconds=chance.choice(longs))
        world.hits["clock jumped beyond 13 h"] += span >= timedelta(hours=13)
        world.hits["clock jumped beyond 48 h"] += span >= timedelta(hours=48)
        self.pass_time(span)
        return f"{span.total_seconds():,.2f} s pass"

    def pass_time(self, span: timedelta) -> None:
        """The clock goes on; replies that are through leave TikTok's hands."""
        world = self.world
        until = world.now + span
        for flight in sorted(self._flights(), key=lambda one: one.lands_at):
            if flight.lands_at <= until:
                world.now = max(world.now, flight.lands_at)
                world.sandbox.finish(flight.number)
        world.now = until

    def _flights(self) -> list[Flight]:
        return [flight for worker in self.workers for flight in worker.flights]

    def _moments(self) -> list[Instant]:
        db = self.world.db
        found = [
            requests.next_lease(db),
            resends.next_due(db),
            arrivals.next_deadline(db),
            ledgers.next_look(db),
            waves.next_due(db),
            *(r.retry_at for r in self.records.requests.values()),
            *(r.window_end for r in self.records.requests.values()),
        ]
        return sorted({moment for moment in found if moment is not None})

    # Help.

    def _new_worker(self, db: Db) -> SimulatedWorker:
        self.started += 1
        return SimulatedWorker.start(f"worker {self.started}", self.world, db)

    def _some_worker(self) -> SimulatedWorker:
        return self.world.chance.choice(self.workers)

    def _workers_in_some_order(self) -> list[SimulatedWorker]:
        return self.world.chance.sample(self.workers, len(self.workers))


def shown(members: PeopleSet) -> str:
    """People by number, for the trace."""
    few = ", ".join(map(str, list(members)[:12]))
    return "{" + few + (f", … {len(members)} in all" if len(members) > 12 else "") + "}"
