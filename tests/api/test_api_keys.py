"""API keys: shown once, kept as digests, scoped, revoked within a second (I-71)."""

import asyncio

import httpx
from fastapi import FastAPI
from tests.api.conftest import calling, key_of

from towpath.api.callers import Scope
from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.store import api_keys
from towpath.store.database import Db, database_now


async def test_made_listed_revoked(client: httpx.AsyncClient, app: FastAPI) -> None:
    answer = await client.post("/v1/api-keys", json={"name": "till", "scopes": ["track"]})
    assert answer.status_code == 201
    made = answer.json()
    assert made["key"].startswith("tp_")
    assert len(made["key"]) == 46
    assert made["key"].startswith(made["hint"])
    listed = (await client.get("/v1/api-keys", params={"limit": 1})).json()
    rest = (await client.get("/v1/api-keys", params={"cursor": listed["next"]})).json()
    assert [row["name"] for row in listed["items"] + rest["items"]] == ["test", "till"]
    assert made["key"] not in str(rest)
    assert rest["next"] is None
    async with calling(app, made["key"]) as till:
        assert (await till.get("/v1/api-keys")).status_code == 403
        assert (await client.delete(f"/v1/api-keys/{made['id']}")).json()["revoked_at"]
        await asyncio.sleep(0.6)
        assert (await till.get("/v1/api-keys")).status_code == 401


async def test_only_digests_are_kept(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    text = key_of(db, workspace, now)
    row = db.execute("select k::text, digest from api_key k").fetchone()
    assert row is not None
    assert text not in row[0]
    assert text[3:] not in row[0]
    assert row[1] == api_keys.digest_of(text)


async def test_unknown_and_revoked_are_told_alike(
    app: FastAPI, db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    revoked = key_of(db, workspace, now)
    for key in api_keys.list_all(db, workspace):
        api_keys.revoke(db, workspace, key.id, now)
    told = []
    for text in (revoked, "tp_" + "x" * 43, "tp_" * 2000, ""):
        async with calling(app, None) as caller:
            caller.headers["Authorization"] = f"Bearer {text}"
            answer = await caller.get("/v1/api-keys")
        told.append((answer.status_code, answer.json() | {"request_id": ""}))
    assert told[0] == told[1] == told[2]
    assert told[3][0] == 401


async def test_use_is_noted_once_a_minute(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    text = key_of(db, workspace, now)
    first = database_now(db)
    assert api_keys.holder(db, text, first) is not None
    assert api_keys.holder(db, text, database_now(db)) is not None
    assert [key.used_at for key in api_keys.list_all(db, workspace)] == [first]


async def test_nobody_gives_away_what_they_lack(
    app: FastAPI, db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    async with calling(app, key_of(db, workspace, now, Scope.WORKSPACE_ADMIN)) as caller:
        given = {"name": "more", "scopes": ["workspace:admin", "track"]}
        answer = await caller.post("/v1/api-keys", json=given)
    assert answer.status_code == 403
    assert answer.json()["field"] == "scopes"


async def test_another_workspace_s_key_is_not_there(
    client: httpx.AsyncClient, other_client: httpx.AsyncClient
) -> None:
    mine = (await client.get("/v1/api-keys")).json()["items"][0]["id"]
    foreign = await other_client.delete(f"/v1/api-keys/{mine}")
    never = await other_client.delete("/v1/api-keys/999999")
    assert foreign.status_code == never.status_code == 404
    assert foreign.json() | {"request_id": ""} == never.json() | {"request_id": ""}


async def test_a_misspelt_scope_and_a_misspelt_field(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/api-keys", json={"name": "x", "scopes": ["user:read"]})
    assert answer.status_code == 422
    assert answer.json()["remedy"] == "Did you mean users:read?"
    answer = await client.post("/v1/api-keys", json={"nme": "x", "scopes": ["track"]})
    assert (answer.json()["field"], answer.json()["remedy"]) == ("nme", "Did you mean name?")
