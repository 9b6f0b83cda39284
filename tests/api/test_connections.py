"""Connections over HTTP: connected, looked at, changed, cut."""

import re

import httpx
from fastapi import FastAPI
from tests.api.conftest import ADDRESS, calling, key_of
from tests.api.consent import (
    URL,
    Desk,
    app,
    back,
    begin,
    connect,
    desk,
    olga,
    owner,
    shown,
)

from towpath.api.callers import Scope
from towpath.api.connections import CALLBACK
from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.store import audit_trail, workspaces
from towpath.store.database import Db

__all__ = ["app", "desk", "olga", "owner"]


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
    assert (wrong.status_code, wrong.json()["field"]) == (422, "ad_accounts[0]")


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
