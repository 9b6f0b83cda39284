"""The door for addresses that our users write: it reaches only where it may, whatever a name says.

A name is resolved here, every address it has is checked, and the connection goes to exactly one of
those: a name that answers otherwise a moment later (rebinding) leads nowhere, and redirects are not
followed. The environment's proxies are not used. Invariant I-70.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client import ClientTimeout
from yarl import URL

from towpath.limits import WEBHOOK_IN_FLIGHT_MAX

MayReach = Callable[[str], bool]
"""Whether a connection may go to an address, given as text."""


class Refused(OSError):  # noqa: N818 - a fact about the world
    """The name leads to an address that may not be reached."""


class CallFailed(Exception):  # noqa: N818 - a fact about the world, handled by value
    """No answer came. `refused`: the address may not be reached, and never will by trying again.
    `why` holds no address."""

    def __init__(self, why: str, *, refused: bool) -> None:
        super().__init__(why)
        self.why = why
        self.refused = refused


@dataclass(slots=True)
class _GuardedResolver(AbstractResolver):
    may_reach: MayReach
    may_name: MayReach

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Every address of the name, if all of them may be reached. Raises Refused, OSError."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        if not self.may_name(host) and not all(self.may_reach(str(one[4][0])) for one in found):
            raise Refused("an address inside")
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Nothing is kept."""


class _GuardedConnector(aiohttp.TCPConnector):
    """Numbers in an address are checked too: they do not go through the resolver."""

    def __init__(self, resolver: _GuardedResolver) -> None:
        super().__init__(
            limit=WEBHOOK_IN_FLIGHT_MAX, resolver=resolver, use_dns_cache=False, force_close=True
        )
        self._guard = resolver

    async def _resolve_host(
        self,
        host: str,
        port: int,
        traces: object = None,  # noqa: ARG002 - the signature is aiohttp's
    ) -> list[ResolveResult]:
        return await self._guard.resolve(host, port)


class GuardedDoor:
    """Calls to addresses that users wrote. Use: `async with GuardedDoor(...) as door`.

    `may_reach` says whether an address may be connected to, `may_name` whether a name may be
    reached wherever it leads.
    """

    def __init__(self, may_reach: MayReach, may_name: MayReach) -> None:
        self._resolver = (may_reach, may_name)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=_GuardedConnector(_GuardedResolver(*self._resolver)),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity", "User-Agent": "towpath"},
            auto_decompress=False,
            timeout=ClientTimeout(total=None),
            trust_env=False,
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

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> tuple[int, str | None]:
        """One call; gives the status and what Retry-After says. Its body is not read.

        Raises CallFailed, at the latest after `deadline_s`.
        """
        assert self._session is not None, "the door is used inside `async with`"
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._session.request(
                    method, URL(url), headers=headers, data=body or None, allow_redirects=False
                ) as response,
            ):
                return response.status, response.headers.get("Retry-After")
        except aiohttp.InvalidURL:
            raise CallFailed("the address is no HTTP address", refused=True) from None
        except TimeoutError:
            raise CallFailed("no answer within the deadline", refused=False) from None
        except (OSError, aiohttp.ClientError, ValueError, EOFError) as error:
            if _is_refused(error):
                raise CallFailed("the address leads inside", refused=True) from None
            raise CallFailed(f"no answer ({type(error).__name__})", refused=False) from None


def _is_refused(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, Refused) or isinstance(getattr(error, "os_error", None), Refused):
            return True
        error = error.__cause__
    return False
