"""`towpath serve`: the engine, until it is told to stop.

SIGTERM and Ctrl-C end it cleanly: nothing new is claimed, what is in flight is settled, and the
embedded PostgreSQL stops with it. Whatever is cut short, leases make good.
"""

import asyncio
import signal

import typer
import uvloop

from towpath import telemetry
from towpath.cli import compose, output
from towpath.engine.worker import Worker
from towpath.net.door import HttpDoor
from towpath.settings import Settings
from towpath.telemetry import Event


def serve_command() -> None:
    """Let people enter, move and be synced, until told to stop."""
    settings = compose.read_settings()
    with (
        compose.open_database(settings) as url,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(settings, url))
    raise typer.Exit(0)


async def _serve(settings: Settings, url: str) -> None:
    async with HttpDoor() as door:
        keys = compose.key_ring(settings)
        workers = [
            Worker(compose.worker_parts(settings, url, door, keys)) for _ in range(settings.workers)
        ]
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, _stop, workers)
        telemetry.tell(Event.SERVICE_STARTED, workers=len(workers))
        output.note(f"Serving with {len(workers)} worker(s). Ctrl-C ends it.")
        await asyncio.gather(*(worker.run() for worker in workers))
        telemetry.tell(Event.SERVICE_STOPPED)


def _stop(workers: list[Worker]) -> None:
    for worker in workers:
        worker.stop.set()
