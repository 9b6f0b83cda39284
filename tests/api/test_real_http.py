"""The API on a real socket, under the server that `towpath serve` runs: what a client of ASGI would
not show, such as callers that fall silent, and calls that arrive at one moment."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.api.conftest import SEAL, key_of, unreachable
from tests.engine.crowd import people_batch

from towpath.api import track_body
from towpath.api.app import ApiParts
from towpath.cli.answering import address_of, answering
from towpath.clock import Instant
from towpath.engine.entrance import Entrance
from towpath.ids import WorkspaceId
from towpath.settings import Settings
from towpath.store import api_keys, database, profiles
from towpath.store.database import Db, database_now

SILENT = 40
"""More callers that say nothing than there are threads and connections."""
LAUNCHES = 20
WAIT_S = 0.5
WALK = {
    "canvas": "Walk",
    "entry": {"at": "launch", "first": "wait"},
    "steps": {"wait": {"kind": "delay", "for": "1d"}},
}


@pytest.fixture
def address(database_url: str) -> Iterator[str]:
    """Where it listens: a loop of its own in a thread, as it is in the process."""
    listening = socket.create_server(("127.0.0.1", 0))
    pool = database.open_pool(database_url, 8, name="test")
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with answering(Settings(), ApiParts(pool, SEAL, unreachable), listening, stop):
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    yield address_of(listening)
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    loop.close()


@pytest.fixture
def key(db: Db, workspace: WorkspaceId, now: Instant) -> str:
    """The header of a key of all scopes."""
    return f"Bearer {key_of(db, workspace, now)}"


def is_answered(address: str, key: str) -> bool:
    """Whether a call that is all right gets its answer, and soon."""
    event = {"external_id": "ana", "name": "seen", "time": "2026-03-01T11:58:00Z"}
    headers = {"Authorization": key}
    answer = httpx.post(f"{address}/users/track", json={"events": [event]}, headers=headers)
    return answer.status_code == 201 and answer.elapsed.total_seconds() < 5


def two_bytes(caller: socket.socket) -> None:
    """T10: ten bytes are promised, and two come."""
    caller.sendall(b"Content-Length: 10\r\n\r\n{}")


def chunks_without_end(caller: socket.socket) -> None:
    """T11: one chunk after another, never the last."""
    caller.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
    end = time.monotonic() + WAIT_S / 2
    while time.monotonic() < end:
        caller.sendall(b"1\r\n \r\n")
        time.sleep(0.02)


@pytest.mark.parametrize("body", [two_bytes, chunks_without_end])
def test_who_falls_silent_is_told_and_holds_nobody_up(
    address: str, key: str, monkeypatch: pytest.MonkeyPatch, body: Callable[[socket.socket], None]
) -> None:
    """T10, T11: 408 when the time is over (30 s, here less), the connection is closed, and others
    are answered meanwhile, however many are silent."""
    monkeypatch.setattr(track_body, "TRACK_BODY_S_MAX", WAIT_S)
    host, port = address.removeprefix("http://").split(":")
    head = f"POST /users/track HTTP/1.1\r\nHost: {host}\r\nAuthorization: {key}\r\n"
    head += "Content-Type: application/json\r\n"

    def call(_: int) -> bytes:
        with socket.create_connection((host, int(port)), timeout=20) as caller:
            caller.sendall(head.encode())
            body(caller)
            said = b""
            while more := caller.recv(65_536):
                said += more
            return said

    with ThreadPoolExecutor(SILENT) as pool:
        calls = [pool.submit(call, place) for place in range(SILENT)]
        assert is_answered(address, key)
        for one in calls:
            said = one.result(20)
            assert said.startswith(b"HTTP/1.1 408 "), said[:80]
            assert b"The body did not come within" in said
    assert is_answered(address, key)


def test_twenty_launches_at_one_moment_are_one_run(
    address: str, key: str, db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    """I-14: one is answered 201, the others that it runs already; people enter once."""
    profiles.upsert(db, workspace, people_batch(100, now), now)
    headers = {"Authorization": key}
    made = httpx.post(f"{address}/v1/canvases", json={"draft": WALK}, headers=headers)
    place = f"{address}/v1/canvases/{made.json()['id']}"
    gate = threading.Barrier(LAUNCHES)

    def launch(_: int) -> int:
        gate.wait()
        asked = {"revision": 1, "people": 100}
        return httpx.post(f"{place}/launch", json=asked, headers=headers, timeout=30).status_code

    with ThreadPoolExecutor(LAUNCHES) as pool:
        answers = sorted(pool.map(launch, range(LAUNCHES)))
    assert answers == [201] + [409] * (LAUNCHES - 1)
    while Entrance(db).tick(database_now(db)):
        pass
    found = httpx.get(place, headers=headers).json()
    assert found["version"]["number"] == 1
    assert found["counters"]["wait"]["entered"] == 100
    assert found["standing"] == {"wait": 100}


def test_a_revoked_key_opens_nothing_a_second_later(
    address: str, db: Db, workspace: WorkspaceId
) -> None:
    """I-71: over a connection that stays open, with the key in use all the time."""
    now = database_now(db)
    made, text = api_keys.create(db, workspace, "till", (), now)
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {text}"}) as client:
        assert client.get("/v1/me").status_code == 200
        api_keys.revoke(db, workspace, made.id, now)
        end = time.monotonic() + 1
        while client.get("/v1/me").status_code == 200:
            assert time.monotonic() < end
        assert {client.get("/v1/me").status_code for _ in range(20)} == {401}
