"""The workers of a run, and what they do a step at a time.

What happens is noted and looked at; the clock goes on only by `pass_time`.
"""

from collections.abc import Callable
from datetime import timedelta

from towpath.cli.simulation.records import Records
from towpath.cli.simulation.worker import Flight, SimulatedWorker
from towpath.cli.simulation.world import World
from towpath.partners.protocol import AnswerKind
from towpath.people.action import Action
from towpath.people.people_set import PeopleSet
from towpath.store.database import Db

WORD = {Action.ADD: "added to", Action.REMOVE: "removed from"}


class Crew:
    """Workers that come and go. `look` is called after everything, and looks at everything."""

    def __init__(
        self, world: World, records: Records, connections: list[Db], look: Callable[[str], None]
    ) -> None:
        self.world, self.records, self.look = world, records, look
        self.started = 0
        self.workers = [self._new_worker(db) for db in connections[: world.setting.workers]]

    def happen(self, deed: Callable[[], str]) -> None:
        """Let one thing happen, and look."""
        self.told(deed())
        self.world.deadlines_quiet = False
        self.pass_time(timedelta(milliseconds=self.world.chance.randint(1, 40)))

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
            self.records.requests[request].read_at = self.world.now

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
