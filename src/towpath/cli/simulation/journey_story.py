"""What happens in a journey: people do things, enter, walk, are called, and their Canvas is edited.

All of the ledger's happenings go on beside it, but people come to audiences only by walking.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from towpath.canvas.entry import Entry
from towpath.canvas.triggers import Kind
from towpath.cli.simulation import journey, journey_end, scenes, walk
from towpath.cli.simulation.callee import Callee
from towpath.cli.simulation.crew import shown
from towpath.cli.simulation.records import Records
from towpath.cli.simulation.story import Story
from towpath.cli.simulation.worker import SimulatedWorker
from towpath.cli.simulation.world import World
from towpath.clock import Instant
from towpath.engine.webhook_calls import carry
from towpath.limits import WEBHOOK_LEASE_S
from towpath.people.events import EventKind, EventName, Happening
from towpath.people.people_set import people, union
from towpath.people.profile import PeopleBatch
from towpath.store import (
    api_entries,
    canvases,
    deletions,
    events,
    intakes,
    merges,
    profiles,
    workspaces,
)
from towpath.store.canvases import CanvasState
from towpath.store.database import Db
from towpath.store.events import Event

LATE_S = [0, 0, 0, 0, 0.5, 90, 7_200, 90_000]
"""How long ago what is told now happened."""
A_MOMENT = timedelta(milliseconds=1)
LEASE = timedelta(seconds=WEBHOOK_LEASE_S)


class JourneyStory(Story):
    """A run of a journey."""

    def __init__(
        self, world: World, records: Records, connections: list[Db], look: Callable[[str], None]
    ) -> None:
        super().__init__(world, records, connections, look)
        self.survivors: list[int] = []
        self.taken_at: dict[int, Instant] = {}
        """When batches were claimed that are not called yet, by identity."""
        self.callee = Callee(world.chance, world.chance.choice(["fine", "moody"]))
        records.callee = self.callee
        self.happenings = [
            (1, self.claim),
            (1, self.load),
            (1, self.send),
            (1, self.land),
            (1, self.settle),
            (3, self.round_trip),
            (4, self.time_passes),
            (1, self.deadlines),
            (0.7, self.worker_dies),
            (0.3, self.probe),
            (0.6, self.tiktok_turns),
            (0.05, self.long_refusal),
            (4, self.people_do),
            (1.5, self.attributes_change),
            (5, self.somebody_comes),
            (5, self.read_events),
            (1.5, self.look_at_people),
            (1, self.enter),
            (1.5, self.sweep),
            (4, self.advance),
            (4, self.all_walk),
            (2, self.take_calls),
            (2.5, self.call),
            (1.5, self.callee_turns),
            (1, self.publish),
            (0.5, self.turn_canvas),
            (0.3, partial(self.play, scenes.a_worker_sleeps_on_a_wave)),
        ]
        if world.setting.partings:
            self.happenings += [(1.2, self.two_are_one), (1, self.somebody_is_deleted)]
        else:
            self.happenings += [(0.2, self.a_key_is_lost), (0.2, self.consent_is_withdrawn)]

    # What people do.

    def people_do(self) -> str:
        """Some people do something, now or a while ago."""
        chance = self.world.chance
        return self._do(chance.choice(journey.EVENTS), chance.choice(LATE_S))

    def _do(self, what: str, late_s: float) -> str:
        world, chance, some = self.world, self.world.chance, self._some_alive()
        name = EventName(EventKind.EVENT, what)
        at = world.now - timedelta(seconds=late_s)
        told = [
            Event(one, Happening(name, at, f'{{"k": "{chance.choice("ab")}", "n": {place}}}'))
            for place, one in enumerate(some)
        ]
        with world.db.transaction():
            workspaces.lock(world.db, world.workspace)
            events.append(world.db, world.workspace, told, world.now)
        if what in {one.name for one in self._entry().on if one.kind is Kind.EVENT}:
            world.asked.update(some)
        return f"{some} did: {name.name}, at {at:%H:%M:%S}" if some else ""

    def attributes_change(self) -> str:
        """The plan of some people changes."""
        return self._plan(self.world.chance.choice(["gold", "lead", "none"]))

    def _plan(self, plan: str) -> str:
        world, some = self.world, sorted(set(self._some_alive()))
        profiles.upsert(world.db, world.workspace, _planned(some, plan), world.now)
        if Kind.CHANGE in {one.kind for one in self._entry().on} and plan == "gold":
            world.asked.update(some)
        return f"{some} have the plan {plan}" if some else ""

    def somebody_comes(self) -> str:
        """Whatever the door asks for is done."""
        entry = self._entry()
        if entry.by_api:
            return self._api_asks()
        if not entry.on:
            return self.people_do()
        (door,) = entry.on
        return self._do(door.name, 0) if door.kind is Kind.EVENT else self._plan("gold")

    def _api_asks(self) -> str:
        """The API asks for entries, of some or of everybody who matches."""
        world, chance = self.world, self.world.chance
        place = (world.db, world.workspace, world.canvas, "dispatch")
        if chance.random() < 0.2:
            api_entries.write_broadcast(*place, {"has": "email"}, world.now)
            world.asked.update(list(world.keys))
            return "a broadcast is asked for"
        some = self._some_alive()
        coming = [(one, chance.choice([None, '{"n": 1}'])) for one in some]
        api_entries.write(*place, coming, world.now)
        world.asked.update(some)
        return f"the API asks for {some}"

    def two_are_one(self) -> str:
        """Two profiles turn out to be one person."""
        world = self.world
        alive = sorted(world.everybody - world.gone)
        if len(alive) < 3:
            return ""
        absorbed, survivor = world.chance.sample(alive, 2)
        entered = union(one.members for one in self.records.places.entries)
        before, not_yet = sorted(entered & people(alive)), sorted(people(alive) - entered)
        if before and not_yet and world.chance.random() < 0.7:
            absorbed, survivor = world.chance.choice(before), world.chance.choice(not_yet)
        with world.db.transaction():
            workspaces.close_gate(world.db, world.workspace)
            merges.merge(world.db, world.workspace, [(absorbed, survivor)], world.now)
        world.merged[absorbed] = survivor
        world.gone.add(absorbed)
        world.keys[survivor] = world.keys[absorbed] | world.keys[survivor]
        if absorbed in world.withdrawn:
            world.withdrawn.add(survivor)
            world.granted.discard(survivor)
        elif absorbed in world.granted and survivor not in world.withdrawn:
            world.granted.add(survivor)
        world.note_sharing()
        self.survivors.append(survivor)
        world.hits["merged"] += 1
        return f"{absorbed} is merged into {survivor}"

    def somebody_is_deleted(self) -> str:
        """Somebody is deleted."""
        world = self.world
        alive = sorted(world.everybody - world.gone)
        if len(alive) < 3:
            return ""
        wanted = [
            one
            for book in self.records.books.values()
            for name in book.wish
            for one in book.wanted(name)
            if one in alive
        ]
        one = world.chance.choice(wanted or alive)
        deletions.delete(world.db, world.workspace, people([one]), world.now)
        world.gone.add(one)
        world.deleted.add(one)
        world.granted.discard(one)
        world.withdrawn.add(one)
        world.hits["deleted"] += 1
        return f"{one} is deleted"

    # The services.

    def read_events(self) -> str:
        """An intake ticks."""
        return self._read_events(self._some_worker())

    def _read_events(self, worker: SimulatedWorker) -> str:
        if not intakes.waiting(worker.db):
            return ""
        more = worker.intake.tick(self.world.now)
        return f"{worker.name} reads what people did{', and more waits' if more else ''}"

    def all_walk(self) -> str:
        """A worker goes round once, as `engine/worker.py` does."""
        worker = self._some_worker()
        self.walk_on(worker)
        return f"{worker.name} went round"

    def look_at_people(self) -> str:
        """Segments and exit filters are looked at."""
        worker = self._some_worker()
        worker.looking.tick(self.world.now)
        return f"{worker.name} looks at segments and exits"

    def sweep(self) -> str:
        """Whoever left is taken out of their wave."""
        worker = self._some_worker()
        more = worker.sweep.tick(self.world.now)
        return f"{worker.name} sweeps{', and more waits' if more else ''}"

    def take_calls(self) -> str:
        """Some people are claimed for calls."""
        return self._take_calls(self._some_worker())

    def _take_calls(self, worker: SimulatedWorker) -> str:
        batch = worker.webhooks.take(self.world.now)
        if batch is None:
            return ""
        if batch.members:
            worker.batches.append(batch)
            self.taken_at[id(batch)] = self.world.now
        return f"{worker.name} will call {shown(batch.members)} of {batch.claimed.stand.step}"

    def call(self) -> str:
        """A batch of calls goes out, and what was answered is settled, now or much later."""
        for worker in self._workers_in_some_order():
            if worker.batches:
                return self._call(worker)
        return ""

    def _call(self, worker: SimulatedWorker) -> str:
        batch = worker.batches.pop(0)
        results = batch.results
        if (taken_at := self.taken_at.pop(id(batch), None)) is not None:
            asyncio.run(carry(batch, self.callee))
            if self.world.now > taken_at + LEASE:
                # Who slept so long may call whom another has called: at least once, under one key.
                self.records.calls_seen = len(self.callee.calls)
            if self.world.chance.random() < 0.2:
                worker.batches.append(batch)
                return f"{worker.name} called {shown(batch.members)}, and has not settled yet"
        settled = worker.webhooks.settle(batch, self.world.now)
        hits = self.world.hits
        hits["webhook was fenced off"] += not settled
        if settled:
            hits["webhook answered"] += len(results.answered)
            hits["webhook to be tried again"] += len(results.again)
            hits["webhook failed"] += sum(map(len, results.failed.values()))
            over = {*results.answered, *(one for few in results.failed.values() for one in few)}
            self.records.over |= {
                call.headers["Idempotency-Key"] for call in batch.calls if call.profile in over
            }
        told = f"{len(results.answered)} answered, {len(results.again)} again"
        return f"{worker.name} settles calls of {shown(batch.members)}: {settled}, {told}"

    def callee_turns(self) -> str:
        """The callee changes its mood."""
        self.callee.mood = self.world.chance.choice(["fine", "moody", "moody", "down"])
        return f"the callee is {self.callee.mood}"

    def worker_dies(self) -> str:
        """Its batches are gone too."""
        before = [worker for worker in self.workers if worker.batches]
        told = super().worker_dies()
        lost = any(worker not in self.workers for worker in before)
        self.world.hits["worker died with people to call"] += lost
        return told

    # The operator.

    def publish(self) -> str:
        """The draft is edited and published."""
        if self.records.places.state not in (CanvasState.RUNNING, CanvasState.PAUSED):
            return ""
        return journey.publish(self.world)

    def turn_canvas(self) -> str:
        """The operator pauses, resumes, stops or launches."""
        told = walk.turn(self.world, journey.launch)
        self.world.hits[told] += 1
        return told

    # Healing, and the end.

    def heal(self) -> None:
        """The callee is well, and a schedule lets nobody in any more."""
        super().heal()
        world = self.world
        self.callee.mood = "fine"
        running = canvases.read(world.db, world.workspace, world.canvas).state
        if self._entry().schedule is not None and running is CanvasState.RUNNING:
            canvases.stop(world.db, world.workspace, world.canvas, world.now)

    def due(self) -> list[Instant | None]:
        """Waves, and the leases of those whose worker died."""
        waves = self.records.places.waves
        return [max(one.due_at, one.lease_until or one.due_at) for one in waves]

    def walk_on(self, worker: SimulatedWorker) -> None:
        """All services of the walk, as often as they find something."""
        world = self.world
        self.pass_time(A_MOMENT)
        self.told(self._read_events(worker))
        worker.looking.tick(world.now)
        if worker.entrance.tick(world.now):
            self.told("people enter")
        self.wake_sleepers()
        while worker.sweep.tick(world.now):
            self.told("somebody is swept")
        if worker.advance.tick(world.now):
            self.told("a wave moves")
        self.told(self._take_calls(worker))
        for other in self.workers:
            while other.batches:
                self.told(self._call(other))

    def end(self) -> None:
        """What is left to be tried when all is at rest."""
        journey_end.count_arrows(self)
        journey_end.try_the_pace(self)

    def _entry(self) -> Entry:
        return self.world.graph.entry

    def _some_alive(self) -> list[int]:
        """Some people, one of them perhaps twice; among them who absorbed somebody just now."""
        alive = self.world.everybody - self.world.gone
        if not alive:
            return []
        again = [one for one in self.survivors if one in alive]
        self.survivors.clear()
        return again + self.world.chance.choices(sorted(alive), k=self.world.chance.randint(1, 6))


def _planned(some: list[int], plan: str) -> PeopleBatch:
    """These people with this plan."""
    nothing = [None] * len(some)
    return PeopleBatch(
        number=[*some],
        external_id=[*nothing],
        email=[*nothing],
        phone=[*nothing],
        idfa=[*nothing],
        gaid=[*nothing],
        tracking_allowed=[*nothing],
        country=[*nothing],
        language=[*nothing],
        first_name=[*nothing],
        last_name=[*nothing],
        time_zone=[*nothing],
        birth_date=[*nothing],
        attributes=[{"plan": plan}] * len(some),
        consent=[*nothing],
    )
