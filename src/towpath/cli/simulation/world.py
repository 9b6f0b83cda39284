"""The world of a run: rows in a real database, a sandbox, a clock that only the story moves.

The rows are written by the store's own functions, as an operator and an import would.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from random import Random

from towpath.canvas.graph import Graph
from towpath.cli.simulation.door import InProcessDoor, Key
from towpath.cli.simulation.register import Register
from towpath.cli.simulation.setting import Person, Setting
from towpath.clock import Instant
from towpath.ids import (
    AdAccountId,
    AppId,
    AudienceId,
    CanvasId,
    ConnectionId,
    PartnerRef,
    StepId,
    VersionId,
    WorkspaceId,
)
from towpath.limits import BLOCK_BITS, OUTAGE_S
from towpath.people.consent import Consent, ConsentState
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people
from towpath.people.profile import Identifier, PeopleBatch
from towpath.sandbox.caller import Caller
from towpath.sandbox.core import Sandbox
from towpath.sandbox.rules import Rules
from towpath.store import (
    apps,
    audiences,
    connections,
    permits,
    profiles,
    snapshots,
    workspaces,
)
from towpath.store.database import Db
from towpath.store.secrets import KeyRing

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEYS = KeyRing({"sim": b"s" * 32}, "sim")


@dataclass(slots=True)
class SimulatedAudience:
    """An audience, its ids on both sides, and who was in it before Towpath."""

    id: AudienceId
    ref: PartnerRef
    ad_account: AdAccountId
    ad_account_ref: PartnerRef
    foreign: bool
    there_before: frozenset[Key] = frozenset()


@dataclass(frozen=True, slots=True)
class Publication:
    """An edit that was published: where the people of some steps are led."""

    newest: VersionId
    redirects: Mapping[StepId, StepId | None]


@dataclass(slots=True)
class World:
    """Everything that a run has. `hits` counts paths; `trace` is what happened, in words."""

    setting: Setting
    chance: Random
    db: Db
    now: Instant
    sandbox: Sandbox
    door: InProcessDoor
    workspace: WorkspaceId = field(init=False)
    app: AppId = field(init=False)
    connection: ConnectionId = field(init=False)
    token: str = ""
    audiences: list[SimulatedAudience] = field(default_factory=list)
    canvas: CanvasId = field(init=False)
    version: VersionId = field(init=False)
    graphs: dict[VersionId, Graph] = field(default_factory=dict)
    """Of every launched version."""
    launches: int = 0
    """How often somebody meant to launch."""
    publication: Publication | None = None
    """The edit that was published last, until it was looked at."""
    asked: Counter[int] = field(default_factory=Counter)
    """How often people did, or were asked to do, what lets them in."""
    merged: dict[int, int] = field(default_factory=dict)
    gone: PeopleSet = field(default_factory=people)
    """Who was merged away or deleted."""
    deleted: PeopleSet = field(default_factory=people)
    healthy_since: Instant | None = None
    """From when on all is well and nobody waits for anything else (I-41)."""
    names: dict[str, int] = field(default_factory=dict)
    """People by external id."""
    keys: dict[int, dict[MatchField, bytes]] = field(default_factory=dict)
    everybody: PeopleSet = field(default_factory=people)
    granted: PeopleSet = field(default_factory=people)
    withdrawn: PeopleSet = field(default_factory=people)
    sharing: dict[Key, PeopleSet] = field(default_factory=dict)
    """Keys with two holders or more."""
    lost: PeopleSet = field(default_factory=people)
    """Who lost a key."""
    register: Register | None = None
    """Who is who, in an upheaval."""
    steady_since: Instant = START
    beat_at: Instant = START
    deadlines_quiet: bool = False
    probe_refused_at: Instant | None = None
    hits: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)

    def tell(self, what: str) -> None:
        """Note what happens, for whoever reads the trace of a failure."""
        after = (self.now - START).total_seconds()
        self.trace.append(f"{after:>11.3f} s  {what}")

    def epoch_s(self) -> float:
        """The time as TikTok's clock shows it."""
        return self.now.timestamp()

    def keys_of(self, members: PeopleSet, fields: Sequence[MatchField]) -> set[Key]:
        """The keys that these people hold, of these fields."""
        return {
            (name, self.keys[number][name])
            for number in members
            for name in fields
            if name in self.keys[number]
        }

    @property
    def graph(self) -> Graph:
        """The newest version's graph."""
        return self.graphs[self.version]

    def holders(self, key: Key) -> PeopleSet:
        """Everybody who holds the key."""
        name, digest = key
        return people(n for n, held in self.keys.items() if held.get(name) == digest)

    def note_sharing(self) -> None:
        """Find the keys that several people hold."""
        for key in self.keys_of(self.everybody, tuple(MatchField)):
            if len(holders := self.holders(key)) > 1:
                self.sharing[key] = holders

    def beat(self) -> None:
        """Deadlines are looked at: since when without an outage of ours (rule 8)?"""
        if self.now - self.beat_at > timedelta(seconds=OUTAGE_S):
            self.steady_since = self.now
        self.beat_at = self.now

    def blocked(self, key: Key) -> bool:
        """Has a holder of the key withdrawn consent?"""
        return bool(self.holders(key) & self.withdrawn)


def make(setting: Setting, chance: Random, db: Db) -> World:
    """A clean database with this world in it, and its sandbox."""
    snapshots.wipe(db)
    windows = setting.windows
    rules = Rules(
        processing_s=windows.processing.total_seconds(),
        # What TikTok accepts late may have arrived as late as a worker may send.
        acceptance_s=(windows.acceptance + windows.request_deadline).total_seconds(),
        slow_s=windows.request_deadline.total_seconds() * 1.2,
        mapping_per_s=setting.permits,
        other_per_s=1_000,
        audience_per_advertiser_per_s=1_000,
        ids_per_request=setting.keys_per_request,
        rows_per_request=setting.people_per_request,
    )
    seed = chance.getrandbits(32)
    sandbox = Sandbox(seed, START.timestamp, rules)
    world = World(setting, chance, db, START, sandbox, InProcessDoor(sandbox))
    sandbox.faults.set(setting.fault_rate, setting.faults)
    sandbox.clock = world.epoch_s
    _connect(world)
    _people(world)
    return world


def _connect(world: World) -> None:
    db, setting, sandbox = world.db, world.setting, world.sandbox
    caller = Caller(sandbox)
    world.workspace = workspaces.ensure_default(db, world.now).id
    world.app = apps.ensure(db, "tiktok", sandbox.world.app_id, setting.permits)
    permits.ensure(db, world.app, "streaming", setting.permits, world.now)
    world.connection = connections.ensure(
        db,
        world.workspace,
        world.app,
        "main",
        people_per_request_max=setting.people_per_request,
        keys_per_request_max=setting.keys_per_request,
    )
    world.token = sandbox.world.token
    connections.set_token(db, KEYS, world.workspace, world.connection, world.token, world.now)
    connections.accept_terms(db, world.workspace, world.connection, "simulator", world.now)
    for place in range(setting.audiences):
        account_ref = PartnerRef(caller.advertisers[place])
        account = connections.ensure_ad_account(
            db, world.workspace, world.connection, account_ref, f"account {place}"
        )
        ref = PartnerRef(caller.create(f"audience {place}", place))
        foreign = setting.foreign and place == 0
        made = audiences.ensure(
            db,
            world.workspace,
            account,
            ref,
            f"audience {place}",
            created_here=not foreign,
            now=world.now,
        )
        world.audiences.append(SimulatedAudience(made, ref, account, account_ref, foreign))


def _people(world: World) -> None:
    for block, some in enumerate(world.setting.people):
        start = max(block * (1 << BLOCK_BITS) - 3, 0)
        snapshots.skip_numbers(world.db, start)
        profiles.upsert(world.db, world.workspace, _batch(some), world.now)
        for number, person in enumerate(some, start):
            world.keys[number] = dict(person.digests)
            world.names[person.name] = number
            if person.consent is ConsentState.GRANTED:
                world.granted.add(number)
            elif person.consent is ConsentState.WITHDRAWN:
                world.withdrawn.add(number)
    world.everybody = people(world.keys)
    world.note_sharing()
    if world.setting.upheaval:
        world.register = _register(world)
    for audience in world.audiences:
        if audience.foreign:
            there = [
                key
                for key in sorted(world.keys_of(world.everybody, tuple(MatchField)))
                if world.chance.random() < 0.4
            ]
            audience.there_before = frozenset(there)
            for name, digest in there:
                world.sandbox.world.membership.add(audience.ref, name.value, digest)


def _register(world: World) -> Register:
    found = Register()
    for number, person in zip(sorted(world.keys), chain(*world.setting.people), strict=True):
        found.names[number], found.values[number] = person.name, dict(person.texts)
        if person.consent is not ConsentState.GRANTED:
            found.bar(number, world.now)
            if person.consent is ConsentState.WITHDRAWN:
                found.opted_out.add(number)
    found.note_keys()
    world.keys = defaultdict(dict, world.keys)  # old keys get numbers of their own
    return found


def _batch(some: Sequence[Person]) -> PeopleBatch:
    nothing = [None] * len(some)

    def identifiers(name: MatchField) -> list[Identifier | None]:
        found = [one.digests.get(name) for one in some]
        return [
            None if digest is None else Identifier(one.texts.get(name), digest)
            for one, digest in zip(some, found, strict=True)
        ]

    return PeopleBatch(
        number=[*nothing],
        external_id=[one.name for one in some],
        email=identifiers(MatchField.EMAIL),
        phone=identifiers(MatchField.PHONE),
        idfa=[*nothing],
        gaid=[*nothing],
        tracking_allowed=[*nothing],
        country=[*nothing],
        language=[*nothing],
        first_name=[*nothing],
        last_name=[*nothing],
        time_zone=[*nothing],
        birth_date=[*nothing],
        attributes=[{"orders": place % 4} for place in range(len(some))],
        consent=[Consent(one.consent, "simulated", None) for one in some],
    )
