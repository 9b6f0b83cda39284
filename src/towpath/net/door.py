"""The one door out for HTTP: deadlines, size caps, redaction.

Every call to a partner goes through a `Door`. The real one is here; the simulator and the tests put
the sandbox behind another. What a door must tell apart is whether a request can have taken effect:
only a failure before its first byte left is surely without effect.
"""

import asyncio
import contextvars
import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

import aiohttp
from aiohttp.client import ClientTimeout
from aiohttp.connector import Connection
from aiohttp.payload import BytesPayload, Payload
from yarl import URL

from towpath.limits import ANSWER_BYTES_MAX, REQUEST_DEADLINE_S_MAX

KEEP_ALIVE_S = 15
"""Shorter than servers keep idle connections, or a POST would meet a closed one and be unknown."""

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing drops what is unsent and resets the peer
_GRACEFUL = struct.pack("ii", 0, 0)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer: header names in lower case, at most ANSWER_BYTES_MAX of body.

    `cut`: there was more, which was not read. Headers and body stay out of logs.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    cut: bool


class NoAnswer(Exception):  # noqa: N818 - it is a fact about the world, handled by value
    """No whole answer came. `why` names the failure without address, header or body.

    `before_first_byte`: nothing of the request left (DNS, refused, TLS), so it was surely not
    applied. Otherwise it may have been.
    """

    def __init__(self, before_first_byte: bool, why: str) -> None:
        super().__init__(why)
        self.before_first_byte = before_first_byte
        self.why = why


class Door(Protocol):
    """Sends one request and reads one answer. Each call is one arrival at the partner: no retries,
    no redirects. Raises NoAnswer, at the latest after `deadline_s` seconds in all."""

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> HttpReply:
        """POST these bytes."""
        ...

    async def get(self, url: str, headers: Mapping[str, str], deadline_s: float) -> HttpReply:
        """GET a URL whose query is encoded already."""
        ...


@dataclass(slots=True)
class _Flight:
    """The connection that one call took, so that a failure can reset it."""

    transport: asyncio.Transport | None = None

    def take(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        _linger(transport, _RESET)

    def land(self) -> None:
        """All went well: the connection may be kept, and closed politely one day."""
        if self.transport is not None:
            _linger(self.transport, _GRACEFUL)

    def abort(self) -> None:
        """Reset the connection: bytes that did not leave yet must never arrive."""
        if self.transport is not None:
            self.transport.abort()


_flight: contextvars.ContextVar[_Flight] = contextvars.ContextVar("flight")


def _linger(transport: asyncio.Transport, how: bytes) -> None:
    found = transport.get_extra_info("socket")
    if found is not None and not transport.is_closing():
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)


class _Connector(aiohttp.TCPConnector):
    """Tells the call which connection it got: from then on bytes may have left."""

    async def connect(self, *args: Any, **kwargs: Any) -> Connection:
        flight = _flight.get()
        if flight.transport is not None:  # aiohttp repeats a GET by itself: a second arrival
            raise aiohttp.ServerDisconnectedError
        connection = await super().connect(*args, **kwargs)
        transport = connection.transport
        if transport is not None:
            flight.take(transport)
        return connection


class _Body(BytesPayload):
    """Bytes that are meant to be large: aiohttp's own class warns above 1 MB."""

    def __init__(self, value: bytes) -> None:
        Payload.__init__(self, value, content_type="application/json")
        self._size = len(value)


class HttpDoor:
    """The real door: one aiohttp session with keep-alive. Use: `async with HttpDoor() as door`.

    How many requests are in flight is the caller's bound. `tls` replaces the system's trusted
    certificates, for a sandbox with its own; checking is never switched off.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = _Connector(
            limit=0, ssl=self._tls or True, keepalive_timeout=KEEP_ALIVE_S, ttl_dns_cache=60
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity", "User-Agent": "towpath"},
            auto_decompress=False,
            timeout=ClientTimeout(total=None, sock_connect=None),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> HttpReply:
        """POST `body`, which is JSON. See `Door`."""
        return await self._call("POST", url, headers, _Body(body), deadline_s)

    async def get(self, url: str, headers: Mapping[str, str], deadline_s: float) -> HttpReply:
        """GET a URL whose query is encoded already. See `Door`."""
        return await self._call("GET", url, headers, None, deadline_s)

    async def _call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: _Body | None,
        deadline_s: float,
    ) -> HttpReply:
        assert self._session is not None, "the door is used inside `async with`"
        assert 0 < deadline_s <= REQUEST_DEADLINE_S_MAX
        flight = _Flight()
        _flight.set(flight)
        whole = False
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._session.request(
                    method,
                    URL(url, encoded=True),
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                ) as response,
            ):
                reply = await _read(response)
            whole = not reply.cut
        except (OSError, aiohttp.ClientError, ValueError, EOFError) as error:
            raise NoAnswer(flight.transport is None, _why(error)) from None
        finally:  # a cancelled call too must not go on sending
            if whole:
                flight.land()
            else:
                flight.abort()
        return reply


async def _read(response: aiohttp.ClientResponse) -> HttpReply:
    """The answer, its body cut at the bound: a hostile one must not fill the memory."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            response.close()
            break
    headers = {name.lower(): value for name, value in response.headers.items()}
    body = b"".join(parts)[:ANSWER_BYTES_MAX]
    return HttpReply(response.status, headers, body, cut=size > ANSWER_BYTES_MAX)


_FAILURES: tuple[tuple[type[Exception], str], ...] = (  # the first that fits
    (TimeoutError, "no whole answer within the deadline"),
    (aiohttp.ClientConnectorDNSError, "the server's name does not resolve"),
    (aiohttp.ClientConnectorSSLError, "no TLS connection"),
    (aiohttp.ClientConnectorError, "no connection"),
    (aiohttp.InvalidURL, "the address is no HTTP address"),
)


def _why(error: Exception) -> str:
    """The failure in words that hold no address and no secret: a query may carry one."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "") or "no reason given"
        return f"the server's certificate is not trusted: {reason}"
    text = next((text for kind, text in _FAILURES if isinstance(error, kind)), "connection lost")
    if isinstance(error, TimeoutError):
        return text
    reason = getattr(error, "strerror", None) or type(error).__name__
    return f"{text}: {reason}"
