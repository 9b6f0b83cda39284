"""Connecting over HTTP: the consent page's answer counts once, for who began, and never more.

The comments O01 … are the bad inputs of an OAuth callback; all of them but the load are here.
"""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from tests.api.conftest import ADDRESS, SEAL, calling, key_of
from tests.stories.stage_door import StageDoor

from towpath.api.app import ApiParts, build
from towpath.api.callers import COOKIE, Scope
from towpath.api.connections import CALLBACK
from towpath.api.launching import Reach
from towpath.api.our_app import OurApp
from towpath.clock import Instant
from towpath.engine.paced_door import PacedDoor
from towpath.ids import WorkspaceId
from towpath.net.door import HttpReply, NoAnswer
from towpath.sandbox.core import Sandbox
from towpath.sandbox.rules import Rules
from towpath.store import audit_trail, connections, database, members, sessions, workspaces
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
            if self.desk.exchange_fails:
                raise NoAnswer(before_first_byte=False, why="no whole answer within the deadline")
            if self.desk.exchange_says is not None:
                return HttpReply(200, {}, self.desk.exchange_says, cut=False)
        return await super().post(url, headers, body, deadline_s)


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
    return asked["state"][0]


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


async def test_the_consent_page_connects_and_ad_accounts_are_chosen(
    olga: httpx.AsyncClient, desk: Desk, db: Db, workspace: WorkspaceId
) -> None:
    """S024, S025, S027; O19: of the two codes auth_code counts; O50: no referrer names it."""
    state = await begin(olga)
    kept = db.execute("select authorisation::text from authorisation").fetchall()
    assert state not in str(kept)
    answer = await back(olga, state=state, auth_code=desk.code(), code="x", id="1", next="//evil")
    assert answer.headers["location"] == "/connections/1"  # O20 to O22: never where `next` says
    assert answer.headers["referrer-policy"] == "no-referrer"
    (one,) = await shown(olga)
    assert (one["state"], one["person"]) == ("ready", "Tess Towpath")
    assert [each["chosen"] for each in one["ad_accounts"]] == [False] * 3
    chosen = await olga.put(
        "/v1/connections/1/ad-accounts", json={"ad_accounts": desk.accounts[:2]}
    )
    used = {each["ad_account"] for each in chosen.json()["ad_accounts"] if each["chosen"]}
    assert used == set(desk.accounts[:2])
    trail = [
        (one.actor, one.action) for one in audit_trail.read_page(db, workspace, after=0, limit=9)
    ]
    assert trail == [
        ("member 1 (Olga)", "connection.connected"),
        ("member 1 (Olga)", "connection.ad_accounts_chosen"),
    ]


async def test_the_portal_is_tiktoks(olga: httpx.AsyncClient, desk: Desk) -> None:
    answer = await olga.post("/v1/connections/authorisations", json={})
    assert answer.json()["url"].startswith(f"{URL}/portal/auth?app_id={desk.sandbox.world.app_id}&")


LONG = "x" * 43


@pytest.mark.parametrize(
    ("query", "status", "why"),
    [
        ("", 400, "nothing to connect"),  # O01
        ("auth_code=a", 400, "no connecting"),  # O02
        (f"state={LONG}&auth_code=a", 400, "no connecting"),  # O03
        (f"state={LONG}", 400, "no usable auth_code"),  # O10
        (f"state={LONG}&auth_code=", 400, "no usable auth_code"),  # O11
        (f"state={LONG}&auth_code={'a' * 3_000}", 400, "no usable auth_code"),  # O12
        (f"state={LONG}&state={LONG}&auth_code=a", 400, "state twice"),  # O18
        (f"state={LONG}&auth_code=a&auth_code=b", 400, "auth_code twice"),
        ("state=%zz&auth_code=a", 400, "broken"),  # O43
        (f"state={LONG}%00&auth_code=a", 400, "broken"),  # O44
        (f"state={LONG}=&auth_code=a", 400, "no connecting"),  # O54
        ("state=" + "x" * 64_000, 414, "too long"),  # O42
    ],
)
async def test_what_no_consent_page_sends_is_refused(
    olga: httpx.AsyncClient, desk: Desk, query: str, status: int, why: str
) -> None:
    answer = await olga.get(f"{CALLBACK}?{query}" if query else CALLBACK)
    assert answer.status_code == status
    assert why in answer.text
    assert "Start again" in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]  # O49
    assert desk.exchanges == []


async def test_a_state_counts_once(olga: httpx.AsyncClient, desk: Desk) -> None:
    """O04, O14: the second time nothing is exchanged; O45: one bit is enough to be unknown."""
    state = await begin(olga)
    changed = state[:-1] + ("A" if state[-1] != "A" else "B")
    assert (await back(olga, state=changed, auth_code=desk.code())).status_code == 400
    assert (await back(olga, state=state, auth_code=desk.code())).status_code == 303
    again = await back(olga, state=state, auth_code=desk.code())
    assert (again.status_code, len(desk.exchanges)) == (400, 1)
    assert "used already" in again.text


async def test_a_state_ends_after_ten_minutes(olga: httpx.AsyncClient, desk: Desk, db: Db) -> None:
    """O05."""
    state = await begin(olga)
    late = timedelta(minutes=10, seconds=1)
    db.execute("update authorisation set expires_at = expires_at - %s", (late,))
    answer = await back(olga, state=state, auth_code=desk.code())
    assert (answer.status_code, desk.exchanges) == (400, [])
    assert "over after 10 min" in answer.text


async def test_only_who_began_can_finish(
    app: FastAPI, olga: httpx.AsyncClient, owner: str, desk: Desk, db: Db, workspace: WorkspaceId
) -> None:
    """O06 (audited), O07, O08: the code is not used, and the right browser can still finish."""
    state, code = await begin(olga), desk.code()
    other = sessions.start(db, members.find(db, "olga@example.com").id, workspace, database_now(db))  # type: ignore[union-attr]
    async with browser(app, other) as elsewhere, browser(app, "nobody") as out:
        refused = await back(elsewhere, state=state, auth_code=code)
        assert (refused.status_code, "begun by somebody else" in refused.text) == (400, True)
        unknown = await back(out, state=state, auth_code=code)
        assert (unknown.status_code, "Sign in." in unknown.text) == (400, True)
    (entry,) = audit_trail.read_page(db, workspace, after=0, limit=9)
    assert entry.action == "connection.callback_refused"
    assert desk.exchanges == []
    assert (await back(olga, state=state, auth_code=code)).status_code == 303


async def test_who_lost_the_role_meanwhile_may_not(
    olga: httpx.AsyncClient, desk: Desk, db: Db
) -> None:
    """O09."""
    state = await begin(olga)
    db.execute("update membership set role = 'analyst'")
    answer = await back(olga, state=state, auth_code=desk.code())
    assert (answer.status_code, desk.exchanges) == (403, [])


async def test_it_is_stored_where_it_was_begun(
    olga: httpx.AsyncClient,
    desk: Desk,
    db: Db,
    workspace: WorkspaceId,
    other_workspace: WorkspaceId,
) -> None:
    """O53: the session looks at another workspace when the answer comes."""
    state = await begin(olga)
    (member,) = db.execute("select id from member").fetchall()
    members.join(db, member[0], other_workspace, Role.OWNER)
    db.execute("update session set workspace = %s", (other_workspace,))
    assert (await back(olga, state=state, auth_code=desk.code())).status_code == 303
    assert len(connections.list_all(db, workspace)) == 1
    assert connections.list_all(db, other_workspace) == []


async def test_declined(olga: httpx.AsyncClient, desk: Desk) -> None:
    """O16, O17: a word we do not know is not shown, markup least of all."""
    answer = await back(olga, state=await begin(olga), error="access_denied")
    assert (answer.status_code, "declined" in answer.text) == (400, True)
    odd = await back(olga, state=await begin(olga), error="<script>", error_description="<b>hi</b>")
    assert "<script>" not in odd.text
    assert "<b>" not in odd.text
    assert (await shown(olga), desk.exchanges) == ([], [])


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (b'{"code": 40110, "message": "canceled", "request_id": "1"}', "used before"),  # O14
        (b'{"code": 40101, "message": "secret", "request_id": "1"}', "APP_ID"),  # O15, O38
        (b"<html>502</html>", "Connect again"),  # O25
        (
            b'{"code": 0, "message": "OK", "request_id": "1", "data": {"scope": [1]}}',
            "no access_token",
        ),  # O26
        (
            b'{"code": 0, "message": "OK", "request_id": "1", "data": {"access_token": null}}',
            "no access",
        ),  # O27
        (
            b'{"code": 0, "message": "OK", "request_id": "1", "data": {"access_token": 1}}',
            "no access",
        ),  # O27
        (b'{"code": 0, "data": {"access_token": "%s"}}' % (b"x" * 100_000), "Connect"),  # O28
        (
            b'{"code": 0, "request_id": "1", "data": {"access_token": "a", "scope": [1],%s}}'
            % b' "advertiser_ids": "7"',
            "advertiser_ids",
        ),  # O31
        (
            b'{"code": 0, "request_id": "1", "data": {"access_token": "a", "scope": "1,3"}}',
            "granted",
        ),  # O35
    ],
)
async def test_an_exchange_that_fails_stores_nothing(
    olga: httpx.AsyncClient, desk: Desk, says: bytes, why: str
) -> None:
    desk.exchange_says = says
    state = await begin(olga)
    answer = await back(olga, state=state, auth_code="a&b\n'")  # O13: any text may be a code
    assert answer.status_code == 502
    assert why in answer.text
    assert await shown(olga) == []
    assert (await back(olga, state=state, auth_code="a")).status_code == 400


async def test_a_lost_exchange_says_what_may_be_left(olga: httpx.AsyncClient, desk: Desk) -> None:
    """O24: nothing is stored, the state is spent, and where an orphan token can be removed."""
    desk.exchange_fails = True
    answer = await back(olga, state=await begin(olga), auth_code=desk.code())
    assert answer.status_code == 502
    assert "ads.tiktok.com/ac/page/authorizations" in answer.text
    assert await shown(olga) == []


async def test_two_callbacks_at_once_exchange_once(
    app: FastAPI, olga: httpx.AsyncClient, owner: str, desk: Desk
) -> None:
    """O23: one connects, the other is told in words."""
    state, code, told = await begin(olga), desk.code(), []

    def call() -> None:
        async def go() -> int:
            async with browser(app, owner) as one:
                return (await back(one, state=state, auth_code=code)).status_code

        told.append(asyncio.run(go()))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(told) == [303, 400, 400, 400]
    assert len(desk.exchanges) == 1


async def test_no_ad_accounts_and_too_few_permissions_are_flagged(
    olga: httpx.AsyncClient, desk: Desk
) -> None:
    """O29, O34: connected, and what is missing is said."""
    where = await connect(olga, desk.code([], scopes=(1, 30)))
    points = (await olga.get(f"/v1/connections/{where}/checklist")).json()
    states = {one["name"]: one["state"] for one in points}
    assert states["permissions"] == states["ad_account"] == states["terms"] == "missing"
    assert "Create and Update (31)" in next(p["told"] for p in points if p["name"] == "permissions")


async def test_the_checklist_is_met_step_by_step(
    olga: httpx.AsyncClient, desk: Desk, db: Db, workspace: WorkspaceId
) -> None:
    """S016 to S019: ad account, Business Center, role, terms; who accepted is kept."""
    where = await connect(olga, desk.code())
    place = f"/v1/connections/{where}"
    await olga.put(f"{place}/ad-accounts", json={"ad_accounts": desk.accounts[:2]})
    desk.sandbox.world.advertisers[desk.accounts[1]].role = False
    assert (await olga.post(f"{place}/refresh")).status_code == 200
    points = {one["name"]: one for one in (await olga.get(f"{place}/checklist")).json()}
    assert points["role"]["state"] == "missing"
    assert "admin or operator" in points["role"]["remedy"]
    desk.sandbox.world.advertisers[desk.accounts[1]].role = True
    await olga.post(f"{place}/refresh")
    one = (await olga.post(f"{place}/terms")).json()
    assert one["terms_accepted_by"] == "member 1 (Olga)"
    await olga.post(f"{place}/terms")
    states = {one["name"]: one["state"] for one in (await olga.get(f"{place}/checklist")).json()}
    assert set(states.values()) == {"done"}
    trail = [one.action for one in audit_trail.read_page(db, workspace, after=0, limit=9)]
    assert trail.count("terms.accepted") == 1


async def test_reconnecting_keeps_the_connection(
    olga: httpx.AsyncClient, desk: Desk, db: Db, workspace: WorkspaceId
) -> None:
    """O39, O40: another person, with fewer ad accounts: the same rows, and the lost one is told."""
    where = await connect(olga, desk.code())
    await olga.put(f"/v1/connections/{where}/ad-accounts", json={"ad_accounts": desk.accounts})
    before = db.execute("select id, partner_ref from ad_account order by 1").fetchall()
    assert await connect(olga, desk.code(desk.accounts[:1])) == where
    assert db.execute("select id, partner_ref from ad_account order by 1").fetchall() == before
    (one,) = await shown(olga)
    assert [each["reached"] for each in one["ad_accounts"]].count(True) == 1
    assert all(each["chosen"] for each in one["ad_accounts"])
    points = {p["name"]: p for p in (await olga.get(f"/v1/connections/{where}/checklist")).json()}
    assert "no longer reaches" in points["ad_account"]["told"]
    trail = audit_trail.read_page(db, workspace, after=0, limit=9)
    assert trail[-1].action == "connection.reconnected"


async def test_several_connections_and_what_cannot_be_chosen(
    olga: httpx.AsyncClient, desk: Desk
) -> None:
    first = await connect(olga, desk.code(desk.accounts[:2]))
    second = await connect(olga, desk.code(desk.accounts[2:]), name="Books")
    assert first != second
    assert [one["name"] for one in await shown(olga)] == ["Books", "TikTok"]
    wrong = await olga.put(
        f"/v1/connections/{second}/ad-accounts", json={"ad_accounts": [desk.accounts[0]]}
    )
    assert (wrong.status_code, wrong.json()["field"]) == (422, "ad_accounts.0")


async def test_disconnecting_wants_the_preview_and_revokes(
    olga: httpx.AsyncClient, desk: Desk, db: Db, workspace: WorkspaceId
) -> None:
    """I-62: the token is dead at TikTok, and forgotten here."""
    where = await connect(olga, desk.code())
    token = list(desk.sandbox.world.grants)[-1]
    assert (await olga.get(f"/v1/connections/{where}/disconnect")).json() == []
    wrong = await olga.post(f"/v1/connections/{where}/disconnect", json={"canvases": [1]})
    assert wrong.status_code == 409
    done = await olga.post(f"/v1/connections/{where}/disconnect", json={"canvases": []})
    assert done.json() == {"done": True, "removals_left": 0, "token_left": None}
    assert not desk.sandbox.world.grants[token].alive
    assert db.execute("select count(*) from secret").fetchone() == (0,)
    assert (await shown(olga))[0]["broken_reason"] == "disconnected"
    again = await olga.post(f"/v1/connections/{where}/disconnect", json={"canvases": []})
    assert again.status_code == 409


async def test_a_key_begins_and_finishes_with_a_pasted_address(
    app: FastAPI, desk: Desk, db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    """Without a browser's session: only the key that began."""
    mine, other = (key_of(db, workspace, now) for _ in range(2))
    async with calling(app, mine) as client, calling(app, other) as stranger:
        address = f"{ADDRESS}{CALLBACK}?state={await begin(client)}&auth_code={desk.code()}"
        place = "/v1/connections/authorisations/finish"
        assert (await stranger.post(place, json={"address": address})).status_code == 400
        done = await client.post(place, json={"address": address})
        assert (done.status_code, done.json()["ad_accounts"]) == (200, 3)


async def test_without_an_app_nobody_is_sent_to_tiktok(olga: httpx.AsyncClient, desk: Desk) -> None:
    """O37."""
    desk.ours = None
    answer = await olga.post("/v1/connections/authorisations", json={})
    assert (answer.status_code, "TOWPATH_TIKTOK_APP_ID" in answer.json()["remedy"]) == (409, True)
    listed = (await olga.get("/v1/connections")).json()
    assert "TOWPATH_TIKTOK_APP_ID" in listed["cannot_connect"]


async def test_who_may_not_connect(
    app: FastAPI, db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    key = key_of(db, workspace, now, Scope.CANVASES_READ)
    async with calling(app, key) as reader:
        assert (await reader.get("/v1/connections")).status_code == 200
        assert (await reader.post("/v1/connections/authorisations", json={})).status_code == 403
        assert (await reader.get("/v1/audit-trail")).status_code == 403


async def test_the_trail_is_read_by_pages(
    olga: httpx.AsyncClient, db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    for number in range(5):
        audit_trail.append(db, workspace, "terminal", "tried", f"{number}", {}, now)
    first = (await olga.get("/v1/audit-trail?limit=3")).json()
    rest = (await olga.get(f"/v1/audit-trail?limit=3&cursor={first['next']}")).json()
    assert [one["object"] for one in first["items"] + rest["items"]] == list("01234")
    assert re.fullmatch("[0-9a-f]{64}", rest["items"][-1]["digest"])
    assert workspaces.read(db, workspace).id == workspace
