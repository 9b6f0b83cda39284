"""`towpath serve`: the API and the engine, until it is told to stop.

SIGTERM and Ctrl-C end it cleanly: nothing new is taken or claimed, what is in flight is settled. A
database that is lost is opened again for as long as it takes, and an embedded one started again if
need be; the API says 503 meanwhile. Whatever is cut short, leases make good.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from enum import StrEnum
from typing import Annotated

import typer
import uvloop

from towpath import telemetry
from towpath.cli import compose, output
from towpath.cli.answering import address_of, answering, listen
from towpath.engine.worker import Worker
from towpath.errors import StoreError, TowpathError
from towpath.net.door import HttpDoor
from towpath.settings import Settings
from towpath.store import secrets
from towpath.store.database import DatabaseLost, database_now
from towpath.telemetry import Event

REOPEN_S = 1.0
LOOK_S = 1.0


class Role(StrEnum):
    """What a process does."""

    ALL = "all"
    API = "api"
    WORKER = "worker"


def serve_command(
    role: Annotated[Role, typer.Option(help="The API, the engine (worker), or both.")] = Role.ALL,
    host: Annotated[str | None, typer.Option(help="Where the API listens.")] = None,
    port: Annotated[int | None, typer.Option(help="Its port; 0: any that is free.")] = None,
) -> None:
    """Answer, let people enter, move and be synced, until told to stop."""
    settings = compose.read_settings(listen_host=host, listen_port=port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, role))
    raise typer.Exit(0)


async def _serve(settings: Settings, role: Role) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    listening = None if role is Role.WORKER else listen(settings)
    lost: StoreError | None = None
    served = False
    async with AsyncExitStack() as api:
        while not stop.is_set():
            try:
                async with _database(settings) as url:
                    if lost is not None:
                        telemetry.tell(Event.DATABASE_READY)
                    elif not served:
                        await _begin(settings, role, url, listening, api, stop)
                    lost, served = None, True
                    await (_watch(url, stop) if role is Role.API else _work(settings, url, stop))
                    if stop.is_set():
                        await api.aclose()  # what is open still has the database
            except StoreError as error:
                if not served:  # the first time it is the settings that are wrong
                    raise
                if lost is None or lost.message != error.message:
                    telemetry.tell(Event.DATABASE_LOST, level=logging.ERROR, why=error.message)
                lost = error
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), REOPEN_S)
    telemetry.tell(Event.SERVICE_STOPPED)


async def _begin(
    settings: Settings,
    role: Role,
    url: str,
    listening: socket.socket | None,
    api: AsyncExitStack,
    stop: asyncio.Event,
) -> None:
    """The API answers from now on; say so."""
    workers = 0 if role is Role.API else settings.workers
    with_workers = f"with {workers} worker(s)" if workers else "without a worker"
    where = ""
    if listening is not None:
        parts = compose.api_parts(settings, url, compose.key_ring(settings))
        await api.enter_async_context(answering(settings, parts, listening, stop))
        where = f" on {address_of(listening)}"
    telemetry.tell(Event.SERVICE_STARTED, workers=workers, role=role.value)
    output.note(f"Serving {with_workers}{where}. Ctrl-C ends it.")


async def _watch(url: str, stop: asyncio.Event) -> None:
    """Without a worker: see whether the database is there. Raises StoreError when it is not."""
    with compose.connect(url) as db:
        while not stop.is_set():
            try:
                await asyncio.to_thread(database_now, db)
            except DatabaseLost as error:
                raise StoreError("The connection to the database was lost.") from error
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_S)


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
