"""The stage of the stories: a workspace, a TikTok of its own, and time that jumps when told.

Everything is the product's own on a real PostgreSQL: files are read, Canvases launched and people
synced by the code that runs in production. Only the clock is set by hand, the services are ticked
by hand, and TikTok is the sandbox in this process, on the same clock.
"""

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from msgspec import structs
from tests.stories.stage_door import StageDoor

from towpath.api import launching, syncing, troubles
from towpath.api.launching import Reach
from towpath.canvas.findings import Finding
from towpath.canvas.parse import parse_canvas, read_data
from towpath.canvas.segment_sync import SegmentSync
from towpath.cli.compose import windows
from towpath.cli.connect import Connected, connect
from towpath.cli.people_file import Asked, import_people
from towpath.clock import Instant
from towpath.engine import courier
from towpath.engine.acting import Acting
from towpath.engine.advance import Advance
from towpath.engine.claim import Claimant
from towpath.engine.converting import Converting
from towpath.engine.courier import Answered
from towpath.engine.deadlines import Deadlines
from towpath.engine.entrance import Entrance
from towpath.engine.intake import Intake
from towpath.engine.looking import Looking
from towpath.engine.paced_door import PacedDoor
from towpath.engine.prober import Prober
from towpath.engine.segment_sync import SegmentSyncs
from towpath.engine.sender import Sender
from towpath.engine.settler import Settler
from towpath.engine.sweep import Sweep
from towpath.ids import PartnerRef, StepId, VersionId, WorkspaceId
from towpath.partners.protocol import PartnerAudience, ready
from towpath.partners.registry import PARTNERS, adapter
from towpath.people.events import EventKind, EventName, Happening
from towpath.sandbox.core import MAPPING, Sandbox
from towpath.sandbox.rules import Rules
from towpath.sandbox.witness import LogRow
from towpath.settings import Settings
from towpath.store import (
    arrivals,
    audit,
    canvases,
    connections,
    events,
    ledgers,
    pauses,
    requests,
    resends,
    segment_syncs,
    tallies,
    wakes,
    waves,
    workspaces,
)
from towpath.store.database import Db, database_now
from towpath.store.events import Event
from towpath.store.secrets import KeyRing
from towpath.store.tallies import Change

T = TypeVar("T")

BASE_URL = "https://tiktok.example"
LONGEST_STEP = timedelta(seconds=50)
"""Services tick at least so often: a longer silence would be an outage of ours."""
LONG_WAIT = timedelta(minutes=10)
SHORTEST_STEP = timedelta(milliseconds=100)
KEYS = KeyRing({"stories": bytes(32)}, "stories")


@dataclass(frozen=True, slots=True)
class Errored:
    """People who were given up, with the last answer that they got."""

    reason: str
    code: int | None
    partner_request_ref: str | None
    people: int


@dataclass(slots=True)
class Stage:
    """What a story tells on. `now` is the time of everybody, TikTok included."""

    db: Db
    folder: Path
    settings: Settings
    sandbox: Sandbox
    now: Instant
    runner: asyncio.Runner
    workspace: WorkspaceId = field(init=False)
    door: StageDoor = field(init=False)
    reach: Reach = field(init=False)
    services: tuple[Any, ...] = field(init=False)
    sender: Sender = field(init=False)
    settler: Settler = field(init=False)
    prober: Prober = field(init=False)
    emails: dict[str, str] = field(default_factory=dict)
    files: int = 0

    def __post_init__(self) -> None:
        """Set up the engine's services, one of each."""
        spans = windows(self.settings)
        self.sandbox.clock = self._clock
        self.workspace = workspaces.ensure_default(self.db, self.now).id
        self.door = StageDoor(self.sandbox)
        self.reach = Reach(partial(PacedDoor, self.door), {"tiktok": BASE_URL}, KEYS)
        self.sender = Sender(self.db, Claimant("stage", spans))
        self.settler = Settler(self.db, spans, Random(1))
        self.prober = Prober(self.db)
        self.services = (
            Intake(self.db, (Acting(), Converting())),
            Looking(self.db),
            Entrance(self.db),
            Advance(self.db, spans),
            Sweep(self.db, spans),
            SegmentSyncs(self.db, spans),
            Deadlines(self.db, spans, Random(1)),
        )

    # What people at the desk do.

    def service(self, kind: type[T]) -> T:
        """The service of that class."""
        return next(one for one in self.services if isinstance(one, kind))

    def connect(self, token: str | None = None) -> Connected:
        """An admin connects to TikTok, with the sandbox's token or another."""
        wanted = token or self.sandbox.world.token
        done = self._await(connect(self.db, self.workspace, self.settings, self.reach, wanted))
        connections.accept_terms(self.db, self.workspace, done.id, "the admin", self.now)
        # A command goes by the database's clock, and so do the permits that it makes.
        self.now = max(self.now, database_now(self.db))
        return done

    def disconnect(self) -> None:
        """The token is forgotten."""
        (connection,) = connections.list_all(self.db, self.workspace)
        connections.set_token(self.db, KEYS, self.workspace, connection.id, None, self.now)

    def import_people(self, text: str) -> None:
        """A people file; whoever has an e-mail is known by external id in `at_tiktok`."""
        self.files += 1
        path = self.folder / f"people{self.files}.csv"
        path.write_text(text, encoding="utf-8")
        workspace = workspaces.read(self.db, self.workspace)
        import_people(self.db, workspace, path, self.now, Asked())
        lines = (line.split(",") for line in text.strip().splitlines())
        self._keep_names(next(lines), lines)

    def _keep_names(self, columns: list[str], rows: Iterator[list[str]]) -> None:
        for row in rows:
            person = dict(zip(columns, row, strict=True))
            if person.get("email"):
                key = hashlib.sha256(person["email"].encode()).hexdigest()
                self.emails[key] = person["external_id"]

    def people(self, *names: str) -> None:
        """People of whom all is known that is needed."""
        rows = (f"{name},{name.lower()}@example.com,granted" for name in names)
        self.import_people("\n".join(["external_id,email,consent", *rows]))

    def apply(self, text: str) -> str:
        """`canvas apply`: save the file, and create its audiences. Gives the Canvas' name."""
        graph = parse_canvas(text.replace("ACCOUNT", self.account).encode())
        launching.save(self.db, self.workspace, graph, self.now)
        self._await(launching.make_audiences(self.db, self.workspace, graph, self.reach, self.now))
        return graph.name

    def findings(self, text: str) -> list[Finding]:
        """`canvas validate`, but for the warning that a crowd as small as a story's is worth little
        in ads."""
        graph = parse_canvas(text.replace("ACCOUNT", self.account).encode())
        found = launching.findings(self.db, self.workspace, graph, self.reach, self.now)
        return [one for one in self._await(found) if one.code != "audience_small"]

    def launch(self, text: str) -> VersionId:
        """Apply the file and launch it; nothing has moved yet."""
        canvas = self.canvas(self.apply(text))
        version, found = self._await(
            launching.launch(self.db, self.workspace, canvas, self.reach, self.now)
        )
        assert version is not None, found
        return version

    def sync(self, text: str) -> segment_syncs.Sync:
        """`sync apply`: begin to keep an audience equal to a segment."""
        data = read_data(text.replace("ACCOUNT", self.account).encode())
        plan = SegmentSync.parse(data)
        sync, found = self._await(
            syncing.begin(self.db, self.workspace, plan, self.reach, self.now)
        )
        assert sync is not None, found
        return segment_syncs.read(self.db, self.workspace, sync)

    def pause(self, name: str) -> None:
        """`canvas pause`."""
        canvases.pause(self.db, self.workspace, self.canvas(name).id, self.now)

    def resume(self, name: str, *, exit_overdue: bool = False) -> int:
        """`canvas resume`; gives how many overdue people left."""
        canvas = self.canvas(name).id
        return pauses.resume(
            self.db, self.workspace, canvas, exit_overdue=exit_overdue, now=self.now
        )

    def stop(self, name: str) -> None:
        """`canvas stop`."""
        canvases.stop(self.db, self.workspace, self.canvas(name).id, self.now)

    def did(self, name: str, event: str, **properties: object) -> None:
        """Somebody did something, and it was received at once."""
        asked = "select number from profile where external_id = %s"
        ((number,),) = self.db.execute(asked, (name,)).fetchall()
        what = Happening(EventName(EventKind.EVENT, event), self.now, json.dumps(properties))
        with self.db.transaction():
            workspaces.lock(self.db, self.workspace)
            events.append(self.db, self.workspace, [Event(number, what)], self.now)

    # Time.

    def wait(self, **span: float) -> None:
        """Time passes: `seconds=5`, `hours=13`. Whatever becomes due meanwhile is done in time, or
        in a long wait less than a minute late."""
        end = self.now + timedelta(**span)
        exact = timedelta(**span) <= LONG_WAIT
        self.work()
        while self.now < end:
            self.now = min(end, self._next() if exact else self.now + LONGEST_STEP)
            self.work()

    def work(self) -> None:
        """Do all that is due now."""
        more = True
        while more:
            more = self.send()
            for service in self.services:
                more |= service.tick(self.now)
        for probe in self.prober.due(self.now):
            token = connections.open_token(self.db, KEYS, probe.workspace, probe.token)
            partner = PARTNERS[probe.partner]
            answer = self._await(partner.probe(self.door, BASE_URL, token, 1.0))
            self.prober.note(probe, answer, self.now)

    def send(self) -> bool:
        """Claim, send and settle once; says whether anything was claimed."""
        claimed = self.sender.tick(self.now)
        outbox: deque[Any] = self.sender.outbox
        while outbox:
            one = outbox.popleft()
            partner = adapter(one.route.partner, by_files=one.route.by_files)
            token = connections.open_token(self.db, KEYS, one.route.workspace, one.route.token)
            pieces = courier.pieces(one, partner.people_per_body)
            loads = [courier.load(self.db, piece, partner) for piece in pieces]
            lost = [each.found_keyless for each in loads]
            bodies = ready(*(each.body for each in loads if each.body is not None))
            order = courier.order(one)
            answer = self._await(partner.send(self.door, BASE_URL, token, order, bodies, 1.0))
            self.settler.inbox.append(Answered(one.id, one, answer, courier.joined(lost)))
        while self.settler.inbox:
            self.settler.tick(self.now)
        return claimed

    def _next(self) -> Instant:
        found = [
            waves.next_due(self.db),
            wakes.next_due(self.db, self.now),
            ledgers.next_look(self.db),
            requests.next_lease(self.db),
            resends.next_due(self.db),
            arrivals.next_deadline(self.db),
            segment_syncs.next_due(self.db),
        ]
        ahead = [max(one, self.now + SHORTEST_STEP) for one in found if one is not None]
        return min([*ahead, self.now + LONGEST_STEP])

    # What is seen.

    @property
    def account(self) -> str:
        """The first ad account of the sandbox."""
        return next(iter(self.sandbox.world.advertisers))

    def canvas(self, name: str) -> canvases.Canvas:
        """The Canvas of that name."""
        found = canvases.find(self.db, self.workspace, name)
        assert found is not None
        return found

    def listed(self) -> dict[str, PartnerAudience]:
        """The audiences that TikTok's own list shows, by name."""
        token, account = self.sandbox.world.token, PartnerRef(self.account)
        found = self._await(
            PARTNERS["tiktok"].list_audiences(
                self.door, BASE_URL, token, ad_account_ref=account, deadline_s=1.0
            )
        )
        return {one.name: one for one in found.audiences}

    def at_tiktok(self, name: str) -> set[str]:
        """Who is in TikTok's audience of that name, by external id."""
        held = self.sandbox.members(self.audience_ref(name))
        return {self.emails[key] for key in held.get("email", set())}

    def audience_ref(self, name: str) -> str:
        """TikTok's id of the audience."""
        (found,) = (one for one in self.sandbox.world.audiences.values() if one.name == name)
        return found.audience_id

    def counters(self, version: VersionId, step: str) -> Change:
        """The seven counters of a step."""
        return tallies.read(self.db, version).get(StepId(step), Change())

    def reasons(self, version: VersionId, step: str) -> dict[str, dict[str, int]]:
        """Why people are counted where they are."""
        return arrivals.reasons(self.db, version).get(StepId(step), {})

    def errored(self, version: VersionId) -> list[Errored]:
        """Why people are errored, as it is kept."""
        rows = self.db.execute(
            "select o.reason, o.code, o.partner_request_ref, o.people from outcome o"
            " join arrival a on a.id = o.arrival where a.version = %s and o.state = 'errored'",
            (version,),
        ).fetchall()
        return [Errored(*row) for row in rows]

    def trouble(self, version: VersionId, step: str) -> troubles.Trouble | None:
        """What `canvas show` says is in the way of a step."""
        graph = canvases.version(self.db, version).graph
        return troubles.troubles(self.db, graph, self.now).get(StepId(step))

    def sent(self) -> list[LogRow]:
        """The mapping requests that reached TikTok."""
        return [row for row in self.sandbox.log.rows if row.path == MAPPING]

    def _clock(self) -> float:
        return self.now.timestamp()

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)


@contextmanager
def stage(db: Db, folder: Path, rules: Rules | None = None, **settings: object) -> Iterator[Stage]:
    """A stage with TikTok at its quickest unless `rules` say otherwise; `settings` as in
    towpath.toml. At the end every sum must hold, and no promise to TikTok may be broken."""
    played = rules or Rules(ids_per_request=40_000)
    # The clock stands while somebody works at the desk, so desk calls need no pace here.
    played = structs.replace(played, other_per_s=1_000, audience_per_advertiser_per_s=1_000)
    now = database_now(db)
    sandbox = Sandbox(7, now.timestamp, played)
    given = {
        "tiktok_app_id": sandbox.world.app_id,
        "tiktok_app_secret": sandbox.world.secret,
        "keys_per_request_max": 40_000,
        "processing_s": played.processing_s,
    }
    found = Settings.model_validate(given | settings)
    with asyncio.Runner() as runner:
        told = Stage(db, folder, found, sandbox, now, runner)
        yield told
        _check(told)


def _check(told: Stage) -> None:
    """What must hold at the end of every story: all counters, and one request a key at a time."""
    assert audit.run(told.db) == []
    assert told.sandbox.overlaps() == []
    assert told.sandbox.log.broken.total() == 0
