"""The sandbox over HTTP: one aiohttp handler that carries calls in, and replies out as they end."""

import asyncio
import ipaddress
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from towpath.sandbox import admin
from towpath.sandbox.call import Call, Reply
from towpath.sandbox.core import PREFIX, Sandbox
from towpath.sandbox.pages import door as doors

UPLOAD = f"{PREFIX}dmp/custom_audience/file/upload/"
FORM_BYTES = 2**16
"""What an upload may hold beside its file."""
DRAINED_TIMES = 2
_READ_BYTES = 2**20


def is_loopback(host: str) -> bool:
    """May only this machine reach an address that is served at `host`?"""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@asynccontextmanager
async def running(
    sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0, *, open_to_all: bool = False
) -> AsyncIterator[str]:
    """Serve the sandbox and give its address, as "http://127.0.0.1:8900". Port 0 takes a free one.

    Raises ValueError for a host that others can reach, unless `open_to_all`: the sandbox hands its
    members to whoever asks.
    """
    if not (open_to_all or is_loopback(host)):
        raise ValueError(f"{host} can be reached from outside, and the sandbox keeps no secrets")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _Door(sandbox).answer)
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,  # a caller who left is no longer in flight
        shutdown_timeout=0.1,  # else a hanging reply would hold up the end
        read_bufsize=_READ_BYTES,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        at = runner.addresses[0]
        shown = f"[{at[0]}]" if ":" in at[0] else at[0]
        yield f"http://{shown}:{at[1]}"
    finally:
        await runner.cleanup()


async def serve(sandbox: Sandbox, host: str, port: int, *, open_to_all: bool = False) -> None:
    """Serve until cancelled."""
    async with running(sandbox, host, port, open_to_all=open_to_all):
        await asyncio.Event().wait()


class _Door:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def answer(self, request: web.Request) -> web.StreamResponse:
        arrived = self._sandbox.clock()
        body = await self._read(request)
        oversize = body is None
        if oversize and request.path != UPLOAD:
            raise web.HTTPRequestEntityTooLarge(self._sandbox.rules.body_bytes_max, 0)
        path, query = request.path, request.query_string
        call = Call(request.method, path, query, request.headers, body or b"", arrived, oversize)
        if call.path.startswith(admin.PREFIX):
            return _whole(admin.answer(self._sandbox, call))
        shown = doors.answer(self._sandbox, call)
        if shown is not None:
            return _whole(shown)
        reply = self._sandbox.begin(call)
        try:
            return await _carry(request, reply)
        finally:
            self._sandbox.finish(reply.number)

    async def _read(self, request: web.Request) -> bytes | None:
        """The body; None of one that is too large, which is read to its end and thrown away: a
        caller who still writes would not see the answer."""
        rules, pieces, size = self._sandbox.rules, [], 0
        most = rules.file_bytes_max + FORM_BYTES if request.path == UPLOAD else rules.body_bytes_max
        async for piece in request.content.iter_any():
            size += len(piece)
            if size <= most:
                pieces.append(piece)
            elif size > DRAINED_TIMES * most:
                return None
        return b"".join(pieces) if size <= most else None


def _whole(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, headers=reply.headers, body=reply.body)


async def _carry(request: web.Request, reply: Reply) -> web.StreamResponse:
    """Let the reply end as it must."""
    if reply.delay_s:
        await asyncio.sleep(reply.delay_s)
    if reply.ending == "hang":
        await asyncio.Event().wait()
    if reply.ending == "whole" or request.transport is None:
        return _whole(reply)
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    if reply.ending == "reset":
        pipe: socket.socket = request.transport.get_extra_info("socket")
        # Lingering for no time makes closing send RST instead of FIN.
        pipe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
        return response
    await response.prepare(request)
    await response.write(reply.body)
    request.transport.close()
    return response
