"""What the tests of connecting share: TikTok in this process, and browsers of members."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from tests.api.conftest import ADDRESS, SEAL
from tests.stories.stage_door import StageDoor

from towpath.api.app import ApiParts, build
from towpath.api.callers import COOKIE
from towpath.api.connections import CALLBACK
from towpath.api.launching import Reach
from towpath.api.our_app import OurApp
from towpath.engine.paced_door import PacedDoor
from towpath.ids import WorkspaceId
from towpath.net.door import HttpReply, NoAnswer
from towpath.sandbox.core import Sandbox
from towpath.sandbox.rules import Rules
from towpath.store import database, members, sessions
from towpath.store.database import Db, database_now
from towpath.store.members import Role

URL = "https://tiktok.example"


@dataclass(slots=True)
class Desk:
    """TikTok, and what TikTok answers instead: the body of every exchange, or nothing at all."""

    sandbox: Sandbox
    ours: OurApp | None
    exchange_says: bytes | None = None
    exchange_fails: bool = False
    on_exchange: Callable[[], object] = lambda: None
    accounts_say: bytes | None = None
    exchanges: list[str] = field(default_factory=list)

    @property
    def accounts(self) -> list[str]:
        return list(self.sandbox.world.advertisers)

    def code(self, accounts: list[str] | None = None, scopes: tuple[int, ...] = (1, 3)) -> str:
        """What the consent page gives when a person confirms."""
        world = self.sandbox.world
        now = self.sandbox.clock()
        return world.new_auth_code(self.accounts if accounts is None else accounts, scopes, now)


class Door(StageDoor):
    """The way to the sandbox; exchanges can be answered by the test."""

    __slots__ = ("desk",)
    desk: Desk

    async def post(self, url: str, headers: Any, body: bytes, deadline_s: float) -> HttpReply:
        if "oauth2/access_token" in url:
            self.desk.exchanges.append(url)
            self.desk.on_exchange()
            if self.desk.exchange_fails:
                raise NoAnswer(before_first_byte=False, why="no whole answer within the deadline")
            if self.desk.exchange_says is not None:
                return HttpReply(200, {}, self.desk.exchange_says, cut=False)
        return await super().post(url, headers, body, deadline_s)

    async def get(self, url: str, headers: Any, deadline_s: float) -> HttpReply:
        if "oauth2/advertiser/get" in url and self.desk.accounts_say is not None:
            return HttpReply(200, {}, self.desk.accounts_say, cut=False)
        return await super().get(url, headers, deadline_s)


@pytest.fixture
def desk(db: Db) -> Desk:
    now = database_now(db)
    rules = Rules(other_per_s=1_000, audience_per_advertiser_per_s=1_000)
    sandbox = Sandbox(7, now.timestamp, rules)
    return Desk(sandbox, OurApp(sandbox.world.app_id, sandbox.world.secret))


@pytest.fixture
def app(database_url: str, desk: Desk) -> Iterator[FastAPI]:
    @asynccontextmanager
    async def reach() -> AsyncIterator[Reach]:
        door = Door(desk.sandbox)
        door.desk = desk
        yield Reach(partial(PacedDoor, door), {"tiktok": URL}, SEAL, ours=desk.ours)

    pool = database.open_pool(database_url, 8, name="test")
    yield build(ApiParts(pool, SEAL, reach))
    pool.close()


def browser(app: FastAPI, token: str) -> httpx.AsyncClient:
    """Somebody who is signed in."""
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(
        transport=transport, base_url=ADDRESS, headers={"Cookie": f"{COOKIE}={token}"}
    )


@pytest.fixture
def owner(db: Db, workspace: WorkspaceId) -> str:
    """The session of an owner."""
    now = database_now(db)
    member = members.create(db, "olga@example.com", "Olga", None, now)
    members.join(db, member.id, workspace, Role.OWNER)
    return sessions.start(db, member.id, workspace, now)


@pytest.fixture
async def olga(app: FastAPI, owner: str) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app, owner) as found:
        yield found


async def begin(client: httpx.AsyncClient, **body: str) -> str:
    """Begin; gives the state."""
    answer = await client.post("/v1/connections/authorisations", json=body)
    assert answer.status_code == 201, answer.text
    asked = parse_qs(urlsplit(answer.json()["url"]).query)
    assert asked["redirect_uri"] == [ADDRESS + CALLBACK]
    return str(asked["state"][0])


async def back(client: httpx.AsyncClient, **query: Any) -> httpx.Response:
    """TikTok sends the browser back."""
    return await client.get(f"{CALLBACK}?{urlencode(query, doseq=True)}")


async def shown(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/v1/connections")).json()["items"]
    return found


async def connect(client: httpx.AsyncClient, code: str, **body: str) -> int:
    """Connect over the consent page; gives the id."""
    answer = await back(client, state=await begin(client, **body), auth_code=code, code="other")
    assert answer.status_code == 303, answer.text
    return int(answer.headers["location"].rpartition("/")[2])
