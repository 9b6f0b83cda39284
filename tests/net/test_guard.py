"""The guarded door: it connects only where it may, whatever names and redirects say (I-70)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from towpath.net.guard import CallFailed, GuardedDoor

ANSWER = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"


@asynccontextmanager
async def listening(answer: bytes = ANSWER) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server on this machine; gives its port and what it heard."""
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(65_536))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


def nowhere(_: str) -> bool:
    return False


def everywhere(_: str) -> bool:
    return True


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "[::ffff:127.0.0.1]"])
async def test_nothing_is_sent_to_an_address_inside(host: str) -> None:
    async with listening() as (port, heard), GuardedDoor(nowhere, nowhere) as door:
        with pytest.raises(CallFailed) as failed:
            await door.call("POST", f"http://{host}:{port}/", {}, b"x", 5)
        assert failed.value.refused
        assert heard == []


async def test_a_name_that_leads_elsewhere_a_moment_later_is_refused() -> None:
    """Rebinding: each call looks at the addresses that it connects to, and none is remembered."""
    seen: list[str] = []

    def first_only(address: str) -> bool:
        seen.append(address)
        return len(seen) == 1

    async with listening() as (port, heard), GuardedDoor(first_only, nowhere) as door:
        await door.call("POST", f"http://127.0.0.1:{port}/", {}, b"x", 5)
        with pytest.raises(CallFailed):
            await door.call("POST", f"http://127.0.0.1:{port}/", {}, b"x", 5)
        assert len(heard) == 1


async def test_a_redirect_is_not_followed_and_is_what_the_call_answers() -> None:
    async with listening() as (port, heard), GuardedDoor(everywhere, nowhere) as door:
        status, _ = await door.call("POST", f"http://127.0.0.1:{port}/a", {"X-A": "b"}, b"hi", 5)
        assert status == 302
        assert len(heard) == 1
        assert heard[0].startswith(b"POST /a HTTP/1.1")


async def test_an_allowed_name_may_lead_inside() -> None:
    async with listening() as (port, heard), GuardedDoor(nowhere, "localhost".__eq__) as door:
        await door.call("GET", f"http://localhost:{port}/", {}, b"", 5)
        assert len(heard) == 1


async def test_a_server_that_is_not_there_or_says_nothing_fails_within_the_deadline() -> None:
    async with GuardedDoor(everywhere, nowhere) as door:
        with pytest.raises(CallFailed) as failed:
            await door.call("POST", "http://127.0.0.1:1/", {}, b"x", 5)
        assert not failed.value.refused
    async with listening(b"") as (port, _), GuardedDoor(everywhere, nowhere) as door:
        with pytest.raises(CallFailed):
            await door.call("POST", f"http://127.0.0.1:{port}/", {}, b"x", 0.5)
