"""A worker: the services of one process, and the loops that call them.

Five loops share a process: the walk (events, entry, waves, deadlines), the sending (claim,
couriers, settle), the webhooks, the probes, and the alerts. Services are synchronous and run in
threads, a database connection each; only HTTP is asynchronous, so nothing waits for anybody outside
while a transaction is open. A loop with nothing to do sleeps until it is woken (store/wakes.py), or
until the next moment that it knows of, and looks by itself once a second.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from typing import TypeVar

from towpath import telemetry
from towpath.clock import Instant
from towpath.engine.acting import Acting
from towpath.engine.advance import Advance
from towpath.engine.alerting import Teller, keep_alerting
from towpath.engine.carrier import Carrier
from towpath.engine.claim import Claimant, Claimed
from towpath.engine.converting import Converting
from towpath.engine.deadlines import Deadlines
from towpath.engine.entrance import Entrance
from towpath.engine.intake import Intake
from towpath.engine.looking import Looking
from towpath.engine.paced_door import PacedDoor
from towpath.engine.prober import Prober
from towpath.engine.retention import Retention
from towpath.engine.segment_sync import SegmentSyncs
from towpath.engine.sender import Sender
from towpath.engine.settler import Settler
from towpath.engine.standing import Standing
from towpath.engine.sweep import Sweep
from towpath.engine.threads import (
    Clock,
    Service,
    in_thread,
    sleep,
    tell_failed,
    tick,
    wait_for_first,
)
from towpath.engine.webhook_calls import call_webhooks
from towpath.engine.webhooks import Webhooks
from towpath.errors import TowpathError
from towpath.ids import PartnerRef, RequestId
from towpath.ledger.windows import Windows
from towpath.limits import EVENTS_KEPT_DAYS, SETTLE_REQUESTS_MAX, SETTLE_WAIT_MS
from towpath.net.door import Door
from towpath.net.mail import Post
from towpath.partners.protocol import Partner
from towpath.store import connections, ledgers, wakes
from towpath.store.connections import Probe, StreamingAsk
from towpath.store.database import DatabaseLost, Db, database_now
from towpath.store.secrets import KeyRing
from towpath.telemetry import Event

T = TypeVar("T")

IDLE_S = 1.0
SHORTEST_S = 0.01
BUSY_S = 0.1
RECONNECT_S = 1.0
DEADLINES_EVERY_S = 1.0
PERMIT_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is made of; `cli/compose.py` builds the real ones, tests build theirs."""

    connect: Callable[[], Db]
    partners: dict[str, Partner]
    base_urls: dict[str, str]
    door: Door
    keys: KeyRing
    windows: Windows
    name: str
    seed: int
    with_permits: bool = True
    in_flight_max: int = 16
    readers: int = 3
    webhook_hosts: tuple[str, ...] = ()
    events_kept: timedelta = timedelta(days=EVENTS_KEPT_DAYS)
    post: Post | None = None


@dataclass(slots=True)
class Worker:
    """Runs until `stop` is set; then claims nothing new, and settles what is in flight."""

    parts: Parts
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _walk_wake: asyncio.Event = field(default_factory=asyncio.Event)
    _in_flight: set[asyncio.Task[None]] = field(default_factory=set)
    _answered_at: deque[float] = field(default_factory=deque)
    _claimed_at: dict[RequestId, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Work until stopped. When the database is lost the loops end, and begin again a moment
        later: what they held is free again when its lease ends."""
        while not self.stop.is_set():
            try:
                await self._run(self._walk, self._send, self._probe, self._call, self._alert)
            except* DatabaseLost:
                telemetry.tell(Event.DATABASE_LOST, level=logging.ERROR, worker=self.parts.name)
                await self._drop()

    async def _drop(self) -> None:
        """Forget what was in hand when the database was lost, and wait a moment."""
        for task in self._in_flight:
            task.cancel()
        await asyncio.gather(*self._in_flight, return_exceptions=True)
        self._answered_at.clear()
        self._claimed_at.clear()
        await sleep(self.stop, RECONNECT_S)

    async def run_sending(self) -> None:
        """Only claim, send and settle: what is left of `run` when nobody enters or moves."""
        await self._run(self._send)

    async def _run(
        self, *loops: Callable[[ThreadPoolExecutor], Coroutine[None, None, None]]
    ) -> None:
        threads = self.parts.readers + 5
        with ThreadPoolExecutor(threads, thread_name_prefix="towpath") as pool:
            async with asyncio.TaskGroup() as running:
                for loop in loops:
                    running.create_task(loop(pool))

    async def _walk(self, pool: ThreadPoolExecutor) -> None:
        """Let people enter, move waves, and let time do its part."""
        db = self.parts.connect()
        clock = Clock(db)
        standing = Standing()
        services: list[Service] = [
            Intake(db, (Acting(standing), Converting(self.parts.windows)), standing),
            Looking(db, standing, self.parts.windows),
            Entrance(db),
            Advance(db, self.parts.windows),
            SegmentSyncs(db, self.parts.windows),
            Sweep(db, self.parts.windows, standing),
            Retention(db, self.parts.events_kept),
        ]
        deadlines = Deadlines(db, self.parts.windows, Random(self.parts.seed))
        deadlines_at = 0.0
        try:
            with self._listening():
                while not self.stop.is_set():
                    self._walk_wake.clear()
                    more = False
                    for service in services:
                        more |= await tick(pool, service, await in_thread(pool, clock.now))
                    if time.monotonic() >= deadlines_at:
                        if await tick(pool, deadlines, await in_thread(pool, clock.now)):
                            more = True
                        else:
                            deadlines_at = time.monotonic() + DEADLINES_EVERY_S
                    if more:
                        self._wake.set()
                    else:
                        await self._sleep(pool, clock)
        finally:
            db.close()

    async def _sleep(self, pool: ThreadPoolExecutor, clock: Clock) -> None:
        """Nothing to walk: sleep until something is due, a wake, or IDLE_S have passed."""
        now = await in_thread(pool, clock.now)
        due = await in_thread(pool, wakes.next_due, clock.db, now)
        span_s = IDLE_S if due is None else min((due - now).total_seconds(), IDLE_S)
        await wait_for_first([self._walk_wake, self.stop], max(span_s, SHORTEST_S))

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Let wakes of any process wake the walk, without a thread that waits for them."""
        db = self.parts.connect()
        wakes.listen(db)
        loop, handle = asyncio.get_running_loop(), db.fileno()

        def ready() -> None:
            try:
                if wakes.heard(db):
                    self._walk_wake.set()
            except DatabaseLost:  # the loops find out for themselves
                loop.remove_reader(handle)

        loop.add_reader(handle, ready)
        try:
            yield
        finally:
            loop.remove_reader(handle)
            db.close()

    async def _send(self, pool: ThreadPoolExecutor) -> None:
        """Claim, hand to couriers, settle; until stopped and nothing is in flight any more."""
        db = self.parts.connect()
        clock = Clock(db)
        readers = [self.parts.connect() for _ in range(self.parts.readers)]
        filing = self.parts.connect()
        claimant = Claimant(self.parts.name, self.parts.windows, self.parts.with_permits)
        sender = Sender(db, claimant)
        settler = Settler(db, self.parts.windows, Random(self.parts.seed))
        ready: deque[Claimed] = deque()
        parts = self.parts
        carrier = Carrier(
            pool,
            readers,
            filing,
            parts.base_urls,
            parts.door,
            parts.keys,
            parts.windows,
        )
        start = partial(self._start, ready, partial(self._carry, carrier, settler))
        try:
            while not self.stop.is_set() or self._in_flight or settler.inbox:
                self._wake.clear()
                worked = await self._settle(pool, clock, settler)
                worked |= await self._claim(pool, clock, sender, ready)
                start()
                if not worked:
                    await self._rest(pool, clock, settler)
        finally:
            ready.clear()
            for connection in (db, filing, *readers):
                connection.close()

    async def _claim(
        self, pool: ThreadPoolExecutor, clock: Clock, sender: Sender, ready: deque[Claimed]
    ) -> bool:
        """Claim when fewer than half of the couriers have something to carry next."""
        if len(ready) >= self.parts.in_flight_max // 2 or self.stop.is_set():
            return False
        before = time.monotonic()
        now = await in_thread(pool, clock.now)
        worked = await tick(pool, sender, now)
        while sender.outbox:
            claimed = sender.outbox.popleft()
            self._claimed_at[claimed.id] = before
            ready.append(claimed)
        return worked

    def _start(
        self,
        ready: deque[Claimed],
        carry: Callable[[Claimed], Coroutine[None, None, None]],
        landed: asyncio.Task[None] | None = None,
    ) -> None:
        """Keep the couriers busy: whoever lands, even while a claim or a settle runs, sets off the
        next one."""
        if landed is not None:
            self._landed(landed)
        while ready and len(self._in_flight) < self.parts.in_flight_max:
            task = asyncio.create_task(carry(ready.popleft()))
            self._in_flight.add(task)
            task.add_done_callback(partial(self._start, ready, carry))

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._wake.set()
        if not task.cancelled() and (failure := task.exception()) is not None:
            tell_failed(failure)

    async def _settle(self, pool: ThreadPoolExecutor, clock: Clock, settler: Settler) -> bool:
        """Settle when enough answers are there, the oldest has waited, or nothing else is out."""
        if not settler.inbox:
            return False
        oldest = self._answered_at[0] if self._answered_at else 0.0
        waited_ms = (time.monotonic() - oldest) * 1000
        full = len(settler.inbox) >= SETTLE_REQUESTS_MAX
        if not (full or waited_ms >= SETTLE_WAIT_MS or not self._in_flight):
            return False
        now = await in_thread(pool, clock.now)
        for _ in range(min(len(self._answered_at), SETTLE_REQUESTS_MAX)):
            self._answered_at.popleft()
        await tick(pool, settler, now)
        return True

    async def _rest(self, pool: ThreadPoolExecutor, clock: Clock, settler: Settler) -> None:
        """Nothing to do: wait for an answer, a wake, or the next time to look, a second at most."""
        span_s = SETTLE_WAIT_MS / 1000
        if not settler.inbox:
            look_at = await in_thread(pool, ledgers.next_look, clock.db)
            now = await in_thread(pool, clock.now)
            span_s = IDLE_S if look_at is None else (look_at - now).total_seconds()
            # What is due already waits for a permit, or for another worker.
            span_s = min(span_s, IDLE_S) if span_s > 0 else BUSY_S
        ending = [] if self.stop.is_set() else [self.stop]
        await wait_for_first([self._wake, *ending], max(span_s, SHORTEST_S))

    async def _carry(self, carrier: Carrier, settler: Settler, claimed: Claimed) -> None:
        """One request; its answer goes to the settler."""
        answered = await carrier.carry(claimed, self._claimed_at.pop(claimed.id))
        settler.inbox.append(answered)
        self._answered_at.append(time.monotonic())

    async def _probe(self, pool: ThreadPoolExecutor) -> None:
        """Try broken connections again, once a minute each."""
        db = self.parts.connect()
        clock, prober = Clock(db), Prober(db)
        try:
            while not self.stop.is_set():
                now = await in_thread(pool, clock.now)
                for probe in await in_thread(pool, prober.due, now):
                    try:
                        await self._try(pool, db, prober, probe)
                    except (TowpathError, TimeoutError) as error:  # it is due again in a minute
                        tell_failed(error)
                for ask in await in_thread(pool, prober.asks, now):
                    await self._ask(pool, db, prober, ask)
                await sleep(self.stop, 1.0)
        finally:
            db.close()

    async def _ask(
        self, pool: ThreadPoolExecutor, db: Db, prober: Prober, ask: StreamingAsk
    ) -> None:
        """May the app of a connection by files stream by now? It is asked again in a day."""
        parts, partner = self.parts, self.parts.partners[ask.partner]
        deadline_s = parts.windows.request_deadline.total_seconds()
        try:
            opened = partial(connections.open_token, db, parts.keys, ask.workspace, ask.token)
            token = await in_thread(pool, opened)
            async with asyncio.timeout(deadline_s + PERMIT_WAIT_S):
                may = await partner.may_stream(
                    PacedDoor(parts.door, db, ask.app),
                    parts.base_urls[partner.name],
                    token,
                    ad_account_ref=ask.ad_account_ref or PartnerRef(""),
                    deadline_s=deadline_s,
                )
        except (TowpathError, TimeoutError) as error:
            tell_failed(error)
        else:
            now: Instant = await in_thread(pool, database_now, db)
            await in_thread(pool, prober.note_asked, ask, may, now)

    async def _call(self, pool: ThreadPoolExecutor) -> None:
        """Make the calls of people who stand at webhooks."""
        parts = self.parts
        db = parts.connect()
        hooks = Webhooks(db, parts.keys, parts.windows, Random(parts.seed))
        try:
            await call_webhooks(pool, db, hooks, parts.webhook_hosts, self.stop, self._walk_wake)
        finally:
            db.close()

    async def _alert(self, pool: ThreadPoolExecutor) -> None:
        """Tell people what stops their syncs, and when it is over."""
        parts, db = self.parts, self.parts.connect()
        teller = Teller(db, parts.keys, parts.post)
        try:
            await keep_alerting(pool, db, teller, parts.webhook_hosts, self.stop)
        finally:
            db.close()

    async def _try(self, pool: ThreadPoolExecutor, db: Db, prober: Prober, probe: Probe) -> None:
        """One probe, under a permit. Raises TimeoutError when none is free for long: the app
        rests."""
        partner = self.parts.partners[probe.partner]
        opened = partial(connections.open_token, db, self.parts.keys, probe.workspace, probe.token)
        token = await in_thread(pool, opened)
        deadline_s = self.parts.windows.request_deadline.total_seconds()
        url = self.parts.base_urls[partner.name]
        door = PacedDoor(self.parts.door, db, probe.app) if self.parts.with_permits else None
        async with asyncio.timeout(deadline_s + PERMIT_WAIT_S):
            answer = await partner.probe(door or self.parts.door, url, token, deadline_s)
        now: Instant = await in_thread(pool, database_now, db)
        await in_thread(pool, prober.note, probe, answer, now)
