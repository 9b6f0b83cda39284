"""Live numbers: a snapshot, then changes; one reader for all pages; streams end when told."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from tests.api.conftest import calling, key_of

from towpath.api import live
from towpath.api.live import Watch, Watches, difference
from towpath.canvas.graph import from_data
from towpath.clock import Instant
from towpath.errors import NotFoundError
from towpath.ids import CanvasId, StepId, VersionId, WorkspaceId
from towpath.store import canvases, tallies
from towpath.store.database import Db
from towpath.store.tallies import Change

GRAPH = from_data(
    {
        "canvas": "Winback",
        "entry": {"at": "launch", "first": "wait"},
        "steps": {"wait": {"kind": "delay", "for": "1m"}},
    }
)
WAIT = StepId("wait")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks every few milliseconds, and says often that it is still there."""
    monkeypatch.setattr(live, "LIVE_READ_S", 0.02)
    monkeypatch.setattr(live, "LIVE_ALIVE_S", 0.1)
    monkeypatch.setattr(live, "LINGER_S", 0.1)


@pytest.fixture
def canvas(db: Db, workspace: WorkspaceId, now: Instant) -> CanvasId:
    """A Canvas that was launched."""
    found = canvases.create(db, workspace, GRAPH, now)
    canvases.launch(db, workspace, found, revision=1, audiences={}, now=now)
    return found


@pytest.fixture
def version(db: Db, workspace: WorkspaceId, canvas: CanvasId) -> VersionId:
    """Its version."""
    return canvases.versions(db, workspace, canvas)[-1].id


async def _watch(app: FastAPI, workspace: WorkspaceId, canvas: CanvasId) -> Watch:
    parts = app.state.parts
    watches: Watches = app.state.watches
    return await watches.of(workspace, canvas, parts.pool, parts.stopping)


def _read(event: bytes) -> tuple[str, str, dict[str, Any]]:
    """The event's id, name and data."""
    fields = dict(line.split(": ", 1) for line in event.decode().strip().split("\n"))
    return fields["id"], fields["event"], json.loads(fields["data"])


async def _next(stream: AsyncIterator[bytes]) -> bytes:
    """The next event that is no comment."""
    async with asyncio.timeout(5):
        while (event := await anext(stream)).startswith(b":"):
            pass
    return event


def _come(db: Db, version: VersionId, people: int) -> None:
    tallies.add(db, {(version, WAIT): Change(entered=people)})


async def test_a_snapshot_then_changes(
    app: FastAPI, db: Db, workspace: WorkspaceId, canvas: CanvasId, version: VersionId
) -> None:
    _come(db, version, 5)
    stream = (await _watch(app, workspace, canvas)).stream(None)
    _, name, told = _read(await _next(stream))
    assert name == "snapshot"
    assert told["state"] == "running"
    assert told["version"] == 1
    assert told["counters"]["wait"]["entered"] == 5
    _come(db, version, 2)
    _, name, told = _read(await _next(stream))
    assert name == "change"
    assert told.keys() == {"counters"}
    assert told["counters"]["wait"]["entered"] == 7


async def test_it_goes_on_after_the_last_event(
    app: FastAPI, db: Db, workspace: WorkspaceId, canvas: CanvasId, version: VersionId
) -> None:
    first = await _watch(app, workspace, canvas)
    stream = first.stream(None)
    heard, _, _ = _read(await _next(stream))
    _come(db, version, 1)
    await _next(stream)
    again = first.stream(heard)
    _, name, told = _read(await _next(again))
    assert (name, told["counters"]["wait"]["entered"]) == ("change", 1)
    for unknown in ("", "elsewhere-0", f"{heard}9", "nonsense"):
        assert _read(await _next(first.stream(unknown)))[1] == "snapshot"


async def test_one_reader_for_all_pages_and_none_without(
    app: FastAPI, workspace: WorkspaceId, canvas: CanvasId
) -> None:
    watch = await _watch(app, workspace, canvas)
    assert await _watch(app, workspace, canvas) is watch
    streams = [watch.stream(None) for _ in range(3)]
    for stream in streams:
        await _next(stream)
    assert watch.pages == 3
    for stream in streams:
        await stream.aclose()  # type: ignore[attr-defined]
    async with asyncio.timeout(5):
        while not watch.over:  # noqa: ASYNC110 - the reader ends by itself
            await asyncio.sleep(0.02)
    assert await _watch(app, workspace, canvas) is not watch


async def test_it_ends_when_the_process_does(
    app: FastAPI, workspace: WorkspaceId, canvas: CanvasId
) -> None:
    stream = (await _watch(app, workspace, canvas)).stream(None)
    await _next(stream)
    app.state.parts.stopping.set()
    async with asyncio.timeout(5):
        assert [event async for event in stream if not event.startswith(b":")] == []


async def test_only_in_the_own_workspace(
    app: FastAPI,
    db: Db,
    workspace: WorkspaceId,
    other_workspace: WorkspaceId,
    canvas: CanvasId,
    now: Instant,
) -> None:
    await _watch(app, workspace, canvas)
    with pytest.raises(NotFoundError):
        await _watch(app, other_workspace, canvas)
    async with calling(app, key_of(db, other_workspace, now)) as elsewhere:
        assert (await elsewhere.get(f"/v1/canvases/{canvas}/live")).status_code == 404
    async with calling(app, None) as nobody:
        assert (await nobody.get(f"/v1/canvases/{canvas}/live")).status_code == 401


def test_the_difference_of_two_readings() -> None:
    was: dict[str, Any] = {
        "state": "running",
        "revision": 1,
        "version": 1,
        "counters": {"a": {"entered": 1}, "b": {"entered": 1}},
        "edges": [{"step": "a", "edge": "next", "people": 1}],
        "standing": {"a": 3, "b": 1},
    }
    now = was | {
        "state": "paused",
        "counters": {"a": {"entered": 2}, "b": {"entered": 1}},
        "edges": [*was["edges"], {"step": "b", "edge": "next", "people": 4}],
        "standing": {"b": 1},
    }
    assert difference(was, was) == {}
    assert difference(was, now) == {
        "state": "paused",
        "counters": {"a": {"entered": 2}},
        "edges": [{"step": "b", "edge": "next", "people": 4}],
        "standing": {"a": 0},
    }
