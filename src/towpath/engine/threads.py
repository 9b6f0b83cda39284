"""How the loops of a worker run synchronous services: in threads, a tick at a time, by the
database's clock."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, TypeVar

from towpath import telemetry
from towpath.clock import Instant
from towpath.errors import TowpathError
from towpath.ids import CanvasId
from towpath.store.database import DatabaseCollision, DatabaseHitch, Db, database_now, is_lost
from towpath.telemetry import Event

T = TypeVar("T")

HITCH_S = 1.0
CLOCK_KEPT_S = 1.0


class Service(Protocol):
    """A moving part."""

    def tick(self, now: Instant) -> bool:
        """Do one bounded piece of work; says whether there is more."""
        ...


@dataclass(slots=True)
class Clock:
    """The database's clock, asked once a second: between, the time that passed here is added. A
    loop of eight services that asked before each made most of the queries of an idle worker."""

    db: Db
    _read: Instant | None = field(default=None, init=False)
    _read_at: float = field(default=0.0, init=False)

    def now(self) -> Instant:
        """The time; raises DatabaseLost."""
        passed_s = time.monotonic() - self._read_at
        if self._read is None or passed_s >= CLOCK_KEPT_S:
            self._read, passed_s = database_now(self.db), 0.0
            self._read_at = time.monotonic()
        return self._read + timedelta(seconds=passed_s)


async def in_thread(pool: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
    """Run a service's synchronous work in a thread."""
    return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)


async def tick(pool: ThreadPoolExecutor, service: Service, now: Instant) -> bool:
    """One tick. Two workers that wait for each other are parted by the database: there is more.
    Raises DatabaseLost when the connection is gone; whatever else fails, fails this tick alone."""
    try:
        return await in_thread(pool, service.tick, now)
    except DatabaseCollision:
        return True
    except Exception as error:
        if is_lost(error):
            raise
        # Such as a filter that names what was deleted: its wave waits for its lease, others go on.
        tell_failed(error)
        if isinstance(error, DatabaseHitch):  # such as a full disk: trying faster makes no room
            await asyncio.sleep(HITCH_S)
        return False


@contextmanager
def passed_over(canvas: CanvasId) -> Iterator[None]:
    """A filter that cannot be asked, such as one that names what was deleted or renamed, keeps its
    own people out (or in), and nobody else's."""
    try:
        yield
    except TowpathError as error:
        failed = type(error).__name__
        telemetry.tell(Event.SERVICE_FAILED, level=logging.ERROR, error=failed, canvas=canvas)


def tell_failed(failure: BaseException) -> None:
    """Tell that a service failed, by the kind of its failure: its text may hold personal data."""
    name = type(failure).__name__
    telemetry.tell(Event.SERVICE_FAILED, level=logging.ERROR, error=name)


async def sleep(stop: asyncio.Event, span_s: float) -> None:
    """Sleep, but wake at once when stopped."""
    await wait_for_first([stop], span_s)


async def wait_for_first(events: Sequence[asyncio.Event], span_s: float) -> None:
    """Wait for the first of these events, so long at most."""
    waits = [asyncio.ensure_future(one.wait()) for one in events]
    try:
        await asyncio.wait(waits, timeout=span_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
