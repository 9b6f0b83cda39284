"""Signing in: with a password, by a link, from this site only, not by guessing (I-67 to I-69)."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from tests.api.conftest import ADDRESS, calling

from towpath.api import passwords
from towpath.clock import Instant
from towpath.ids import MemberId, WorkspaceId
from towpath.limits import SIGN_IN_ATTEMPTS_MAX
from towpath.store import members, sessions
from towpath.store.database import Db, database_now
from towpath.store.members import Role

PASSWORD = "three words together"
ANA = {"email": "ana@example.com", "password": PASSWORD}
HASHED = passwords.hashed(PASSWORD)


@pytest.fixture
def ana(db: Db, workspace: WorkspaceId, now: Instant) -> MemberId:
    """An owner with a password."""
    member = members.create(db, "Ana@Example.com", "Ana", HASHED, now)
    members.join(db, member.id, workspace, Role.OWNER)
    return member.id


@pytest.fixture
def browser(app: FastAPI) -> httpx.AsyncClient:
    """Keeps cookies, as over https."""
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="https://towpath.test")


async def test_a_password_opens_a_session_and_signing_out_ends_it(
    browser: httpx.AsyncClient, ana: MemberId
) -> None:
    answer = await browser.post("/v1/sign-in", json=ANA | {"email": "ANA@example.com "})
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"]
    for part in ("__Host-towpath=", "HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    me = (await browser.get("/v1/me")).json()
    assert (me["name"], me["email"], me["role"]) == ("Ana", "ana@example.com", "owner")
    assert "workspace:admin" in me["scopes"]
    kept = dict(browser.cookies)
    assert (await browser.post("/v1/sign-out")).status_code == 204
    assert not browser.cookies
    browser.cookies.update(kept)
    assert (await browser.get("/v1/me")).status_code == 401


async def test_signing_in_again_takes_another_id_and_ends_the_first(
    browser: httpx.AsyncClient, ana: MemberId, db: Db
) -> None:
    await browser.post("/v1/sign-in", json=ANA)
    first = browser.cookies["__Host-towpath"]
    await browser.post("/v1/sign-in", json=ANA)
    assert browser.cookies["__Host-towpath"] != first
    row = db.execute("select count(*), max(s::text) from session s").fetchone()
    assert row is not None
    assert row[0] == 1
    assert first not in row[1]


async def test_who_is_unknown_and_who_is_wrong_are_told_alike(
    browser: httpx.AsyncClient, ana: MemberId
) -> None:
    told = []
    for email in ("ana@example.com", "nobody@example.com", "nul\0@example.com"):
        answer = await browser.post("/v1/sign-in", json={"email": email, "password": "wrong"})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        told.append(answer.json() | {"request_id": ""})
    assert told[0] == told[1] == told[2]


async def test_guessing_is_slow_whatever_address_is_claimed(
    browser: httpx.AsyncClient, ana: MemberId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "fits", lambda *_: False)
    codes = []
    for number in range(SIGN_IN_ATTEMPTS_MAX + 3):
        forged = {"X-Forwarded-For": f"203.0.113.{number}"}
        given = {"email": f"a{number % 2}@example.com", "password": "guess"}
        codes.append((await browser.post("/v1/sign-in", json=given, headers=forged)).status_code)
    assert codes == [401] * SIGN_IN_ATTEMPTS_MAX + [429] * 3
    answer = await browser.post("/v1/sign-in", json=ANA)
    assert answer.headers["retry-after"] == "60"


async def test_success_does_not_count_as_a_guess(
    browser: httpx.AsyncClient, ana: MemberId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "fits", lambda *_: True)
    for _ in range(SIGN_IN_ATTEMPTS_MAX + 3):
        assert (await browser.post("/v1/sign-in", json=ANA)).status_code == 204


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ADDRESS}, 403),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://["}, 403),
        ({"Sec-Fetch-Site": "same-site", "Authorization": "Basic cHJveHk6cHJveHk="}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Origin": "https://towpath.test"}, 204),
        ({}, 204),
    ],
)
async def test_another_site_cannot_act_for_a_visitor(
    browser: httpx.AsyncClient, headers: dict[str, str], code: int
) -> None:
    assert (await browser.post("/v1/sign-out", headers=headers)).status_code == code


async def test_plain_http_elsewhere_says_why_nobody_stays_signed_in(
    app: FastAPI, ana: MemberId
) -> None:
    async with calling(app, None) as browser:
        answer = await browser.post("/v1/sign-in", json=ANA, headers={"Origin": ADDRESS})
    assert answer.status_code == 403
    assert "plain http" in answer.json()["detail"]


async def test_a_link_works_once_and_looking_at_it_does_not_use_it(
    browser: httpx.AsyncClient, ana: MemberId, db: Db
) -> None:
    token = sessions.create_link(db, ana, database_now(db))
    page = await browser.get("/sign-in/link", params={"token": token})
    assert token in page.text
    assert "form" in page.text
    odd = await browser.get("/sign-in/link", params={"token": '"><script>'})
    assert "<script>" not in odd.text
    answer = await browser.post("/sign-in/link", params={"token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert (await browser.get("/v1/me")).status_code == 200
    answer = await browser.post("/sign-in/link", params={"token": token})
    assert answer.status_code == 401


async def test_a_link_s_time_is_over(browser: httpx.AsyncClient, ana: MemberId, db: Db) -> None:
    long_ago = database_now(db) - timedelta(minutes=16)
    token = sessions.create_link(db, ana, long_ago)
    assert (await browser.post("/sign-in/link", params={"token": token})).status_code == 401


def test_sessions_end_by_idling_and_by_age(
    db: Db, ana: MemberId, workspace: WorkspaceId, now: Instant
) -> None:
    token = sessions.start(db, ana, workspace, now)
    day = timedelta(hours=23)
    for count in range(1, 15):
        assert sessions.read(db, token, now + count * day) is not None
    assert sessions.read(db, token, now + 15 * day) is None  # older than 14 days
    token = sessions.start(db, ana, workspace, now)
    assert sessions.read(db, token, now + timedelta(hours=25)) is None


async def test_another_password_ends_the_other_sessions(
    app: FastAPI, browser: httpx.AsyncClient, ana: MemberId, db: Db, workspace: WorkspaceId
) -> None:
    elsewhere = sessions.start(db, ana, workspace, database_now(db))
    await browser.post("/v1/sign-in", json=ANA)
    given = {"current": "wrong", "password": "another three words"}
    answer = await browser.put("/v1/me/password", json=given)
    assert (answer.status_code, answer.json()["field"]) == (403, "current")
    given["current"] = PASSWORD
    short = await browser.put("/v1/me/password", json=given | {"password": "short"})
    assert short.status_code == 422
    assert (await browser.put("/v1/me/password", json=given)).status_code == 204
    assert (await browser.get("/v1/me")).status_code == 200
    assert sessions.read(db, elsewhere, database_now(db)) is None


async def test_a_member_sees_their_workspaces_only(
    browser: httpx.AsyncClient,
    ana: MemberId,
    db: Db,
    other_workspace: WorkspaceId,
) -> None:
    await browser.post("/v1/sign-in", json=ANA)
    named = {"X-Towpath-Workspace": "elsewhere"}
    assert (await browser.get("/v1/me", headers=named)).status_code == 404
    look = {"workspace": "elsewhere"}
    assert (await browser.put("/v1/me/workspace", json=look)).status_code == 404
    members.join(db, ana, other_workspace, Role.ANALYST)
    me = (await browser.get("/v1/me", headers=named)).json()
    assert (me["workspace"], me["role"]) == ("elsewhere", "analyst")
    assert (await browser.get("/v1/api-keys", headers=named)).status_code == 403
    assert (await browser.get("/v1/api-keys")).status_code == 200
    assert (await browser.put("/v1/me/workspace", json=look)).json()["role"] == "analyst"
    assert (await browser.get("/v1/me")).json()["workspace"] == "elsewhere"
    listed = (await browser.get("/v1/workspaces")).json()["items"]
    assert [one["name"] for one in listed] == ["default", "elsewhere"]
