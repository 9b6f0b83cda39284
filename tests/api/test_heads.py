"""Heads of requests on a real socket: who trickles, sends too much, or nothing, holds nobody up."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.api.conftest import SEAL, unreachable

from towpath.api import heads
from towpath.api.app import ApiParts
from towpath.cli.answering import answering
from towpath.limits import HEAD_BYTES_MAX, HEAD_FIELDS_MAX
from towpath.settings import Settings
from towpath.store import database

HEAD_S = 0.5
LONGEST_S = 5.0
PATH = "/healthz"


@pytest.fixture
def port(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where the API of `towpath serve` listens; a head has half a second there."""
    monkeypatch.setattr(heads, "HEAD_S_MAX", HEAD_S)
    listening = socket.create_server(("127.0.0.1", 0))
    pool = database.open_pool(database_url, 2, name="test")
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with answering(Settings(), ApiParts(pool, SEAL, unreachable), listening, stop):
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    yield listening.getsockname()[1]
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    loop.close()


def told(port: int, *parts: bytes, every_s: float = 0.0) -> tuple[bytes, float]:
    """What is answered to these parts until the connection is closed, and how long that took."""
    began, said = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST_S) as caller:
        try:
            for part in parts:
                caller.sendall(part)
                if every_s:
                    time.sleep(every_s)
            while more := caller.recv(65_536):
                said += more
        except ConnectionError:  # closed while we still spoke
            caller.settimeout(0.1)
    return said, time.monotonic() - began


def is_answered(port: int) -> bool:
    return httpx.get(f"http://127.0.0.1:{port}{PATH}", timeout=LONGEST_S).status_code == 200


def test_a_head_that_trickles_is_cut_off_in_time(port: int) -> None:
    head = f"GET {PATH} HTTP/1.1\r\nHost: a\r\nX-Slow: ".encode()
    with ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(told, port, head) for _ in range(20)]
        assert is_answered(port)
        for one in calls:
            said, spent_s = one.result()
            assert said.startswith(b"HTTP/1.1 408 Request Timeout\r\n"), said[:80]
            assert b"application/problem+json" in said
            assert HEAD_S * 0.8 < spent_s < LONGEST_S
    drops = [b"a"] * 40
    _, spent_s = told(port, head, *drops, every_s=0.05)
    assert spent_s < 40 * 0.05, "each byte bought more time"


@pytest.mark.parametrize("first", [b"", b"\r\n"])
def test_who_says_nothing_is_hung_up_on(port: int, first: bytes) -> None:
    said, spent_s = told(port, first)
    assert said == b""
    assert spent_s < LONGEST_S


def test_empty_lines_keep_no_connection_open_after_an_answer(port: int) -> None:
    """uvicorn forgets its own time-out at any byte."""
    request = f"GET {PATH} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    said, spent_s = told(port, request, b"", b"\r\n", every_s=0.1)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert spent_s < 2.0


@pytest.mark.parametrize(
    "fields",
    [
        b"X-Long: " + b"a" * (HEAD_BYTES_MAX + 100) + b"\r\n",
        b"X-Endless: " + b"a" * 600_000,
        b"".join(b"X-%d: a\r\n" % number for number in range(HEAD_FIELDS_MAX + 10)),
    ],
    ids=["long", "endless", "many"],
)
def test_a_head_that_is_too_large_is_refused(port: int, fields: bytes) -> None:
    head = f"GET {PATH} HTTP/1.1\r\nHost: a\r\n".encode()
    pieces = [fields[at : at + 10_000] for at in range(0, len(fields), 10_000)]
    said, _ = told(port, head, *pieces, b"\r\n\r\n", every_s=0.001)
    assert said == b"" or said.startswith(b"HTTP/1.1 431 "), said[:80]
    assert is_answered(port)


def test_a_long_address_and_many_fields_within_bounds_are_answered(port: int) -> None:
    fields = {f"x-{number}": "a" * 200 for number in range(80)}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=fields) as client:
        for _ in range(3):
            assert client.get(f"{PATH}?a={'b' * 8_000}").status_code == 200
            time.sleep(HEAD_S / 2)


def test_what_is_no_http_is_a_problem_too(port: int) -> None:
    said, _ = told(port, b"\x16\x03\x01 hello\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in said


def test_requests_that_come_together_are_answered_in_turn(port: int) -> None:
    request = f"GET {PATH} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    closing = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    said, _ = told(port, request + request[:20], request[20:] + closing, every_s=0.05)
    assert said.count(b"HTTP/1.1 200 ") == 3
