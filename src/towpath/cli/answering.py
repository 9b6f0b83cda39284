"""The API over HTTP inside `towpath serve`: uvicorn on the loop that is there, ended with it."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address

import uvicorn

from towpath.api.app import ApiParts, build, collect_seldom
from towpath.api.heads import BoundedHeads
from towpath.cli import output
from towpath.errors import SettingsError
from towpath.settings import Settings

DRAIN_S = 2
"""How long open requests have when the process is told to end."""


class _Server(uvicorn.Server):
    """Leaves signals to `towpath serve`."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(settings: Settings) -> socket.socket:
    """The socket that the settings name. Raises SettingsError when it cannot be had."""
    host, port = settings.listen_host, settings.listen_port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        found = socket.create_server((host, port), family=family)
    except OSError as error:
        why = (error.strerror or "").partition(" (while")[0]
        raise SettingsError(
            f"Nothing can listen on {host}, port {port}: {why}.",
            remedy="Name another with --host and --port (0: any that is free); `--role worker`"
            " needs none.",
            field="listen_port",
        ) from error
    if not _is_here(host):
        output.note("It can be reached from elsewhere without TLS: put https in front of it.")
    return found


def address_of(listening: socket.socket) -> str:
    """Where a browser finds it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@asynccontextmanager
async def answering(
    settings: Settings, parts: ApiParts, listening: socket.socket, stop: asyncio.Event
) -> AsyncIterator[None]:
    """The API answers while this is open. When stopped, nothing new is taken, streams end, and what
    is open has DRAIN_S."""
    collect_seldom()
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    proxies = [each.strip() for each in settings.trusted_proxies.split(",") if each.strip()]
    server = _Server(
        uvicorn.Config(
            build(parts),
            http=BoundedHeads,
            ws="none",
            lifespan="auto",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            timeout_graceful_shutdown=DRAIN_S,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    ending = asyncio.create_task(_end(server, parts, stop))
    try:
        yield
    finally:
        parts.stopping.set()
        server.should_exit = True
        ending.cancel()
        await asyncio.gather(serving, ending, return_exceptions=True)
        await asyncio.to_thread(parts.pool.close)


async def _end(server: uvicorn.Server, parts: ApiParts, stop: asyncio.Event) -> None:
    await stop.wait()
    parts.stopping.set()
    server.should_exit = True


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
