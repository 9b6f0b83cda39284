"""The API in process, over a real database: a caller with every scope, and one of elsewhere."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial

import httpx
import pytest
from fastapi import FastAPI

from towpath.api.app import ApiParts, build
from towpath.api.callers import Scope
from towpath.api.launching import Reach
from towpath.clock import Instant
from towpath.engine.paced_door import PacedDoor
from towpath.ids import WorkspaceId
from towpath.net.door import HttpDoor
from towpath.store import api_keys, database, workspaces
from towpath.store.database import Db
from towpath.store.secrets import KeyRing

ADDRESS = "http://towpath.test"
NOWHERE = "http://127.0.0.1:9"
SEAL = KeyRing({"test": bytes(32)}, "test")


@pytest.fixture
def app(database_url: str) -> Iterator[FastAPI]:
    """The app over a fresh migrated database."""
    pool = database.open_pool(database_url, 8, name="test")
    yield build(ApiParts(pool, SEAL, unreachable))
    pool.close()


@pytest.fixture
def workspace(db: Db, now: Instant) -> WorkspaceId:
    """The workspace named "default"."""
    return workspaces.ensure_default(db, now).id


@pytest.fixture
def other_workspace(db: Db, now: Instant) -> WorkspaceId:
    """Another workspace, of somebody else."""
    return workspaces.create(db, "elsewhere", now).id


@pytest.fixture
async def client(
    app: FastAPI, db: Db, workspace: WorkspaceId, now: Instant
) -> AsyncIterator[httpx.AsyncClient]:
    """Calls with a key of all scopes of the workspace."""
    async with calling(app, key_of(db, workspace, now)) as found:
        yield found


@pytest.fixture
async def other_client(
    app: FastAPI, db: Db, other_workspace: WorkspaceId, now: Instant
) -> AsyncIterator[httpx.AsyncClient]:
    """Calls with a key of all scopes of the other workspace."""
    async with calling(app, key_of(db, other_workspace, now)) as found:
        yield found


@pytest.fixture
async def nobody(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Calls without a key."""
    async with calling(app, None) as found:
        yield found


@asynccontextmanager
async def unreachable() -> AsyncIterator[Reach]:
    """The way to partners where none answers."""
    async with HttpDoor() as door:
        yield Reach(partial(PacedDoor, door), {"tiktok": NOWHERE}, SEAL)


def key_of(db: Db, workspace: WorkspaceId, now: Instant, *scopes: Scope) -> str:
    """The text of a new key with these scopes, or all."""
    return api_keys.create(db, workspace, "test", scopes or tuple(Scope), now)[1]


def calling(app: FastAPI, key: str | None) -> httpx.AsyncClient:
    """A client of the app that shows this key."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers)
