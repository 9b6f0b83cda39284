"""The demo's run: sandbox, database, people, Canvas and worker, until everything has come to rest.

Everything here is the product's own, as in production; only TikTok is the sandbox, the spans are
short, and the database lives in a folder of its own.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from towpath.api import launching
from towpath.api.launching import Reach
from towpath.canvas.graph import Graph
from towpath.canvas.parse import parse_canvas
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.canvas.steps.delay import Delay
from towpath.cli import compose
from towpath.cli.answering import address_of, answering, listen
from towpath.cli.demo.people_file import write_people
from towpath.cli.demo.reading import CANVAS_FILE
from towpath.cli.import_counts import ImportResult
from towpath.cli.people_file import Asked, import_people
from towpath.engine.paced_door import PacedDoor
from towpath.engine.worker import Worker
from towpath.errors import SettingsError, StoreError
from towpath.ids import PartnerRef, StepId, VersionId, WorkspaceId
from towpath.net.door import HttpDoor
from towpath.sandbox.clock import SettableClock
from towpath.sandbox.core import Sandbox
from towpath.sandbox.rules import Rules
from towpath.sandbox.server import running
from towpath.settings import Settings
from towpath.store import (
    apps,
    arrivals,
    audiences,
    canvases,
    connections,
    members,
    people_door,
    permits,
    requests,
    resends,
    sessions,
    tallies,
    waves,
    workspaces,
)
from towpath.store import (
    ledgers as ledger_store,
)
from towpath.store.database import Db, database_now
from towpath.store.members import Role
from towpath.store.secrets import KeyRing
from towpath.store.tallies import Change

PEOPLE_PER_REQUEST = 10_000  # the document's figure
KEYS_PER_REQUEST = 40_000
LOOK_S = 0.25
VISITOR_S = 60.0  # so long the Canvas waits for somebody who opens the link
TIME_TO_LOOK = timedelta(seconds=4)  # then so long until the first people move
AT_REST = "at rest"
SPANS: dict[str, object] = {
    "request_deadline_s": 2.0,
    "lease_s": 4.0,
    "processing_s": 5.0,
    "acceptance_s": 5.0,
    "retry_first_s": 1.0,
    "retry_max_s": 5.0,
    "pause_max_s": 3.0,
    "people_per_request_max": PEOPLE_PER_REQUEST,
    "keys_per_request_max": KEYS_PER_REQUEST,
}
"""Architecture 5: request deadline 2 s, lease 4 s, P = D = 5 s, backoff 1 to 5 s. A maintenance,
five minutes at TikTok, is three seconds here."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the demo was asked for."""

    folder: Path
    people: int
    seed: int
    fault_rate: float
    once: bool


@dataclass(slots=True)
class Stage:
    """The demo as it stands: what a picture of it needs."""

    wanted: Wanted
    sandbox: Sandbox
    db: Db
    workspace: WorkspaceId
    version: VersionId | None = None
    steps: list[StepId] = field(default_factory=list)
    audience_ref: str = ""
    address: str = ""  # of the sandbox
    dashboard: str = ""  # of our own pages
    token: str = ""  # of a link to them, which signs in once
    phase: str = "starting"
    imported: ImportResult | None = None
    began: float = field(default_factory=time.monotonic)
    waited_s: float = 0.0  # for whoever opens the link

    @property
    def csv(self) -> Path:
        """The made-up people."""
        return self.wanted.folder / "people.csv"

    @property
    def link(self) -> str:
        """The one address to open: it signs in once, and shows the Canvas."""
        return f"{self.dashboard}/sign-in/link?token={self.token}" if self.token else ""

    def counters(self) -> dict[StepId, Change]:
        """The seven counters of each step, in the order in which people walk."""
        if self.version is None:
            return {}
        found = tallies.read(self.db, self.version)
        return {step: found.get(step, Change()) for step in self.steps}


Show = Callable[[Stage], None]


async def run(settings: Settings, url: str, wanted: Wanted, show: Show) -> Stage:
    """Run the demo and give its stage at rest. Unless it is wanted once it goes on until cancelled,
    and has the API with its pages."""
    rules = Rules(
        ids_per_request=KEYS_PER_REQUEST,
        rows_per_request=PEOPLE_PER_REQUEST,
        processing_s=settings.processing_s,
        acceptance_s=settings.acceptance_s,
    )
    sandbox = Sandbox(wanted.seed, SettableClock(time.time), rules)
    sandbox.faults.set(wanted.fault_rate)
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(running(sandbox))
        door = await stack.enter_async_context(HttpDoor())
        settings = settings.model_copy(update={"tiktok_base_url": address})
        db = stack.enter_context(compose.connect(url))
        keys = compose.key_ring(settings)
        stage = _connect(settings, db, keys, sandbox, wanted)
        stage.address = address
        if not wanted.once:
            await stack.enter_async_context(_dashboard(settings, url, keys, stage))
        show(stage)
        await _people(stage, show)
        if not wanted.once:
            await _visitor(stage, show)
        await _launch(stage, Reach(partial(PacedDoor, door), {"tiktok": address}, keys))
        worker = Worker(compose.worker_parts(settings, url, door, keys))
        working = asyncio.create_task(worker.run())
        try:
            await _until_rest(stage, working, show)
            if not wanted.once:
                await working
        finally:
            worker.stop.set()
            await working
    return stage


@asynccontextmanager
async def _dashboard(
    settings: Settings, url: str, keys: KeyRing, stage: Stage
) -> AsyncIterator[None]:
    """The API with its pages, and an owner who signs in by a link. The Canvas is there as a draft
    from the first moment on: there is something to look at while people are imported."""
    listening = _listen(settings)
    parts = compose.api_parts(settings, url, keys)
    async with answering(settings, parts, listening, asyncio.Event()):
        now = database_now(stage.db)
        owner = members.create(stage.db, "demo@example.com", "Demo", None, now)
        members.join(stage.db, owner.id, stage.workspace, Role.OWNER)
        launching.save(stage.db, stage.workspace, _graph(stage), now)
        stage.dashboard = address_of(listening)
        stage.token = sessions.create_link(stage.db, owner.id, now)
        yield


async def _visitor(stage: Stage, show: Show) -> None:
    """Wait for a while for whoever opens the link: they should see the first people enter."""
    stage.phase = f"waiting at most {VISITOR_S:.0f} s for you to open it"
    show(stage)
    began = time.monotonic()
    while sessions.link_stands(stage.db, stage.token) and stage.waited_s < VISITOR_S:
        await asyncio.sleep(LOOK_S)
        stage.waited_s = time.monotonic() - began


def _listen(settings: Settings) -> socket.socket:
    """On the usual port, or on any when that is taken: a demo stands beside what runs."""
    try:
        return listen(settings)
    except SettingsError:
        return listen(settings.model_copy(update={"listen_port": 0}))


def _connect(settings: Settings, db: Db, keys: KeyRing, sandbox: Sandbox, wanted: Wanted) -> Stage:
    """A workspace that is connected to the sandbox, as after OAuth."""
    now = database_now(db)
    workspace = workspaces.ensure_default(db, now).id
    if people_door.highest_number(db, workspace) >= 0:
        raise StoreError(
            "This database holds people already; the demo would mix its own with them.",
            remedy="Leave TOWPATH_DATABASE_URL out, or name an empty database.",
            field="database_url",
        )
    world = sandbox.world
    app = apps.ensure(db, "tiktok", world.app_id, settings.requests_per_second)
    permits.ensure(db, app, "streaming", settings.requests_per_second, now)
    permits.ensure(db, app, "other", min(settings.requests_per_second, 10), now)
    connection = connections.ensure(
        db,
        workspace,
        app,
        "TikTok (sandbox)",
        people_per_request_max=settings.people_per_request_max,
        keys_per_request_max=settings.keys_per_request_max,
    )
    connections.set_token(db, keys, workspace, connection, world.token, now)
    connections.accept_terms(db, workspace, connection, "the demo", now)
    for account in world.advertisers.values():
        connections.ensure_ad_account(
            db, workspace, connection, PartnerRef(account.advertiser_id), account.name
        )
    return Stage(wanted, sandbox, db, workspace)


async def _people(stage: Stage, show: Show) -> None:
    """Write the file and import it."""
    stage.phase = "writing people.csv"
    show(stage)
    await asyncio.to_thread(write_people, stage.csv, stage.wanted.people, stage.wanted.seed)
    stage.phase = "importing people.csv"
    show(stage)
    now = database_now(stage.db)
    workspace = workspaces.read(stage.db, stage.workspace)
    stage.imported = await asyncio.to_thread(
        import_people, stage.db, workspace, stage.csv, now, Asked()
    )
    # A first import of this size leaves the planner without statistics.
    stage.db.execute(b"analyze")


async def _launch(stage: Stage, reach: Reach) -> None:
    """Apply the Canvas file and launch it."""
    stage.phase = "launching the Canvas"
    db, workspace = stage.db, stage.workspace
    graph = _graph(stage)
    canvas, _ = launching.save(db, workspace, graph, database_now(db))
    version, findings = await launching.launch(
        db, workspace, canvases.read(db, workspace, canvas), reach, database_now(db)
    )
    if version is None:
        raise StoreError("The demo's Canvas cannot be launched: " + findings[0].message)
    stage.version = version
    stage.steps = list(graph.walk())
    made = await launching.make_audiences(db, workspace, graph, reach, database_now(db))
    (audience,) = set(made.values())
    stage.audience_ref = audiences.read(db, workspace, audience).partner_ref


def _graph(stage: Stage) -> Graph:
    """The Canvas with the sandbox's ad account, whose ids are made of the seed; where somebody may
    look on, the first delay is long enough to open the page."""
    graph = parse_canvas(CANVAS_FILE.read_bytes())
    account = PartnerRef(next(iter(stage.sandbox.world.advertisers)))
    steps = dict(graph.steps)
    for step, settings in graph.steps.items():
        if isinstance(settings, AudienceSync):
            steps[step] = replace(settings, ad_account=account)
        elif isinstance(settings, Delay) and step == graph.entry.first and not stage.wanted.once:
            steps[step] = replace(settings, span=TIME_TO_LOOK)
    return replace(graph, steps=steps)


async def _until_rest(stage: Stage, working: asyncio.Task[None], show: Show) -> None:
    """Show what happens until nothing is left to happen, or the worker fails."""
    while not at_rest(stage.db):
        stage.phase = "people walk"
        show(stage)
        done, _ = await asyncio.wait({working}, timeout=LOOK_S)
        if done:
            working.result()
    stage.phase = AT_REST
    show(stage)


def at_rest(db: Db) -> bool:
    """Nobody is pending, nothing is in flight or due, no resend is scheduled, and every window has
    ended: what the partner holds now is what it will hold."""
    now = database_now(db)
    open_now = requests.count_open(db, now)
    return (
        not canvases.waiting_to_enter(db)
        and waves.count(db) == (0, 0)
        and arrivals.next_deadline(db) is None
        and open_now == requests.OpenCount(0, 0, 0)
        and resends.count_waiting(db) == 0
        and ledger_store.next_look(db) is None
    )
