"""What happens in an upheaval: people come to audiences while all that must stand still moves.

Identifiers change and are shared, people withdraw consent and are erased, TikTok lowers its limits,
and the connection is cut; the ledger's happenings go on beside it. `register.py` keeps by heart
what must be true in the end.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from towpath.cli.simulation import goodbyes, identities, scenes, severing, weather
from towpath.cli.simulation.records import Records
from towpath.cli.simulation.register import Register
from towpath.cli.simulation.story import Story
from towpath.cli.simulation.worker import SimulatedWorker
from towpath.cli.simulation.world import World
from towpath.clock import Instant
from towpath.people.match_field import MatchField
from towpath.people.normalise import CURRENT_RULE
from towpath.store import snapshots
from towpath.store.database import Db

SCENES = (scenes.the_token_dies, scenes.a_change_of_mind, scenes.a_removal_is_lost)
LOOKS_MAX = 40
"""How often it is looked in the end; whoever is given up on is looked for for ever."""


class UpheavalStory(Story):
    """A run of an upheaval."""

    def __init__(
        self, world: World, records: Records, connections: list[Db], look: Callable[[str], None]
    ) -> None:
        super().__init__(world, records, connections, look)
        self.former: dict[tuple[int, MatchField], list[str]] = {}
        self.looks = 0
        self.erased_texts: set[tuple[MatchField, str]] = set()
        self.happenings = [
            (5, self.people_arrive),
            (0.8, self.everybody_arrives),
            (2, self.claim),
            (2, self.load),
            (3, self.send),
            (3, self.land),
            (2, self.settle),
            (5, self.round_trip),
            (5, self.time_passes),
            (1.5, self.deadlines),
            (0.5, self.worker_dies),
            (0.6, self.probe),
            (1, self.tiktok_turns),
            (0.05, self.long_refusal),
            *((0.1, partial(self.play, scene)) for scene in SCENES),
            (1.5, partial(identities.changes, self)),
            (0.6, partial(identities.is_lost, self)),
            (0.8, partial(identities.is_gained, self)),
            (0.8, partial(identities.is_shared, self)),
            (0.8, partial(goodbyes.withdraws, self)),
            (0.4, partial(goodbyes.withdraws_after_the_claim, self)),
            (0.6, partial(goodbyes.grants, self)),
            (0.4, partial(severing.limits_change, self)),
            (0.3, partial(severing.fields_change, self)),
            (0.15, partial(severing.is_emptied, self)),
            (0.3, partial(severing.is_cut, self)),
            (0.8, partial(severing.is_mended, self)),
        ]
        if world.setting.rekeying:
            self.happenings += [(0.5, partial(identities.rules_change, self))]
        else:
            self.happenings += [
                (0.6, partial(goodbyes.is_erased, self)),
                (0.4, partial(goodbyes.comes_back, self)),
            ]

    @property
    def register(self) -> Register:
        """Who is who."""
        assert self.world.register is not None
        return self.world.register

    def heal(self) -> None:
        """TikTok's limits are as they were, its lock is over, and the connection stands."""
        super().heal()
        world = self.world
        if self.register.cut_at is not None:
            self.told(severing.is_mended(self))
        if self.register.lowered:
            severing.restore_limits(self)
            midnight = (world.now + timedelta(days=1)).replace(hour=0, minute=0, second=1)
            self.pass_time(midnight - world.now)
            self.told("midnight: TikTok's locks are over")
        weather.heal(world)

    def due(self) -> list[Instant | None]:
        """When somebody looks whether old keys are out; but not where an audience is gone."""
        there = self.world.sandbox.world.audiences
        whole = all(one.ref in there for one in self.world.audiences)
        self.looks += 1
        look = whole and self.looks <= LOOKS_MAX
        return [*super().due(), snapshots.next_stray_look(self.world.db) if look else None]

    def _new_worker(self, db: Db) -> SimulatedWorker:
        worker = super()._new_worker(db)
        if self.world.register is not None and self.world.register.rule != CURRENT_RULE:
            worker.deadlines.rules = identities.NEWER
        return worker
