"""What happens in a run: happenings drawn one after the other, then the world heals.

Every happening does one bounded piece of work, as a loop of `engine/worker.py` would between two
others' pieces; the order is chance's.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from towpath.cli.simulation import scenes, walk, weather
from towpath.cli.simulation.crew import WORD, Crew, shown
from towpath.cli.simulation.records import Records
from towpath.cli.simulation.worker import SimulatedWorker
from towpath.cli.simulation.world import SimulatedAudience, World
from towpath.clock import Instant
from towpath.engine.steps.audience_sync import arrive
from towpath.engine.steps.protocol import Moment
from towpath.ids import WorkspaceId
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people
from towpath.store import arrivals, ledgers, requests, resends, tallies, waves
from towpath.store.database import Db
from towpath.store.waves import Stand

SPANS_S = [0.3, 1, 2, 5, 5, 6, 6, 20, 70]
LONG_SPANS_S = [600, 3_700, 14 * 3_600, 49 * 3_600]


class Story(Crew):
    """A run's happenings, by how likely each is."""

    def __init__(
        self, world: World, records: Records, connections: list[Db], look: Callable[[str], None]
    ) -> None:
        super().__init__(world, records, connections, look)
        self.happenings: list[tuple[float, Callable[[], str]]] = [
            (5, self.people_arrive),
            (0.8, self.everybody_arrives),
            (4, self.claim),
            (3, self.load),
            (4, self.send),
            (4, self.land),
            (3, self.settle),
            (4, self.round_trip),
            (5, self.time_passes),
            (1.5, self.deadlines),
            (0.7, self.worker_dies),
            (0.6, self.probe),
            (1.6, self.tiktok_turns),
            (0.1, self.long_refusal),
            (0.25, self.a_key_is_lost),
            (0.25, self.consent_is_withdrawn),
        ]
        self.happenings += [(0.12, partial(self.play, scene)) for scene in scenes.SCENES]
        if world.setting.canvas:
            self.happenings += [
                (1, self.enter),
                (3, self.advance),
                (0.6, self.turn_canvas),
                (0.5, partial(self.play, scenes.a_worker_sleeps_on_a_wave)),
            ]

    def run(self) -> None:
        """Live through it, then heal."""
        chance = self.world.chance
        more = self.world.setting.weights
        weights = [weight * more.get(_name(deed), 1) for weight, deed in self.happenings]
        deeds = [deed for _, deed in self.happenings]
        for _ in range(self.world.setting.steps):
            (deed,) = chance.choices(deeds, weights)
            self.happen(deed)

    def play(self, scene: scenes.Scene) -> str:
        """Play a scene."""
        told = scene(self)
        self.world.hits[f"scene: {scene.__name__}"] += bool(told)
        return told

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

    def arrive_at(
        self,
        action: Action,
        members: PeopleSet,
        audience: SimulatedAudience | None = None,
        fields: tuple[MatchField, ...] = (),
    ) -> None:
        """These people come to this audience, or to any; and we look."""
        where = audience or self.world.chance.choice(self.world.audiences)
        self.told(self.arrive(where, action, members.copy(), fields))
        self.pass_time(timedelta(milliseconds=20))

    def arrive(
        self,
        audience: SimulatedAudience,
        action: Action,
        members: PeopleSet,
        asked: tuple[MatchField, ...] = (),
    ) -> str:
        """These people come to this audience's direct step."""
        world = self.world
        fields = asked or world.chance.choice(world.setting.fields)
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
        names = ", ".join(name.value for name in fields)
        return f"{shown(members)} are to be {WORD[action]} audience {audience.id} by {names}"

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

    def heal(self) -> None:
        """Nothing in the Canvas stands in the way of rest."""
        walk.heal(self.world)

    def due(self) -> list[Instant | None]:
        """When the Canvas will go on."""
        return [waves.next_due(self.world.db)] if self.world.setting.canvas else []

    def walk_on(self, worker: SimulatedWorker) -> None:
        """Let this worker do what can be done in the Canvas; only what did something is told."""
        world = self.world
        if not world.setting.canvas:
            return
        if worker.entrance.tick(world.now):
            self.told("people enter")
        self.wake_sleepers()
        if worker.advance.tick(world.now):
            self.told("a wave moves")

    def wake_sleepers(self) -> None:
        """Whoever sleeps on a wave moves it, or finds that it is another's now."""
        for sleeper in self.workers:
            for claimed in sleeper.held_waves:
                sleeper.advance.move(claimed, self.world.now)
            sleeper.held_waves.clear()

    def end(self) -> None:
        """What is left to be tried when all is at rest."""

    def turn_canvas(self) -> str:
        """The operator pauses, resumes, stops or launches."""
        told = walk.turn(self.world)
        self.world.hits[told] += 1
        return told

    # TikTok, time, and what people do.

    def tiktok_turns(self) -> str:
        """TikTok changes its mood."""
        return weather.turn(self.world)

    def long_refusal(self) -> str:
        """Nothing is accepted for longer than a window lasts: whoever was tried is given up."""
        world = self.world
        until = arrivals.next_deadline(world.db)
        if until is None or not world.sandbox.faults.rate:
            return ""
        world.sandbox.faults.set(1.0, dict.fromkeys(("500_dropped", "40202", "hang_dropped"), 1.0))
        self.pass_time(max(until - world.now, timedelta()) + timedelta(seconds=1))
        self.told("nothing is accepted for longer than a window lasts")
        for deed in (self.deadlines, self.round_trip, self.land, self.settle, self.deadlines):
            self.happen(deed)
            self.pass_time(world.setting.windows.retry_first)
        world.sandbox.faults.set(world.setting.fault_rate, world.setting.faults)
        return "TikTok accepts again"

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


def _name(deed: Callable[[], str]) -> str:
    """By which a temper weighs a happening; scenes go by "scene"."""
    return "scene" if isinstance(deed, partial) else deed.__name__
