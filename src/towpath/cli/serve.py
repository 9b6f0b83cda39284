"""`towpath serve`: the engine, until it is told to stop.

SIGTERM and Ctrl-C end it cleanly: nothing new is claimed, what is in flight is settled. A database
that is lost is opened again for as long as it takes, and an embedded one started again if need be.
Whatever is cut short, leases make good.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import typer
import uvloop

from towpath import telemetry
from towpath.cli import compose, output
from towpath.engine.worker import Worker
from towpath.errors import StoreError, TowpathError
from towpath.net.door import HttpDoor
from towpath.settings import Settings
from towpath.store import secrets
from towpath.telemetry import Event

REOPEN_S = 1.0


def serve_command() -> None:
    """Let people enter, move and be synced, until told to stop."""
    settings = compose.read_settings()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))
    raise typer.Exit(0)


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    lost: StoreError | None = None
    served = False
    while not stop.is_set():
        try:
            async with _database(settings) as url:
                if lost is not None:
                    telemetry.tell(Event.DATABASE_READY)
                elif not served:
                    telemetry.tell(Event.SERVICE_STARTED, workers=settings.workers)
                    output.note(f"Serving with {settings.workers} worker(s). Ctrl-C ends it.")
                lost, served = None, True
                await _work(settings, url, stop)
        except StoreError as error:
            if not served:  # the first time it is the settings that are wrong
                raise
            if lost is None or lost.message != error.message:
                telemetry.tell(Event.DATABASE_LOST, level=logging.ERROR, why=error.message)
            lost = error
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), REOPEN_S)
    telemetry.tell(Event.SERVICE_STOPPED)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[str]:
    """The database's URL; opened and left in a thread, so that signals are heard meanwhile."""
    opening = compose.open_database(settings)
    url = await asyncio.to_thread(opening.__enter__)
    try:
        yield url
    finally:
        await asyncio.to_thread(opening.__exit__, None, None, None)


async def _work(settings: Settings, url: str, stop: asyncio.Event) -> None:
    """Run the workers until stopped. Raises StoreError when the database cannot be had any more,
    and TowpathError when something failed that beginning again would not mend."""
    keys = compose.key_ring(settings)
    with compose.connect(url) as db:
        secrets.check_keys(db, keys)
    try:
        async with HttpDoor() as door, asyncio.TaskGroup() as running:
            for _ in range(settings.workers):
                worker = Worker(compose.worker_parts(settings, url, door, keys), stop)
                running.create_task(worker.run())
    except BaseExceptionGroup as failed:
        causes = list(_causes(failed))
        for cause in causes:
            if not isinstance(cause, StoreError):
                raise TowpathError(
                    f"The engine stopped, because something failed inside it "
                    f"({type(cause).__name__}). Nothing is lost: the next start goes on.",
                    remedy="Run it again as `towpath --debug serve` and report what it shows.",
                ) from failed
        raise causes[0] from failed


def _causes(failed: BaseExceptionGroup) -> Iterator[BaseException]:
    """What lies in the groups, however deep."""
    for one in failed.exceptions:
        if isinstance(one, BaseExceptionGroup):
            yield from _causes(one)
        else:
            yield one
