"""Workspaces over HTTP: made by owners, changed by admins, invisible to others; idempotency."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.store import members, sessions
from towpath.store.database import Db, database_now
from towpath.store.members import Role


@pytest.fixture
def owner(app: FastAPI, db: Db, workspace: WorkspaceId, now: Instant) -> httpx.AsyncClient:
    """An owner who is signed in."""
    member = members.create(db, "ana@example.com", "Ana", None, now)
    members.join(db, member.id, workspace, Role.OWNER)
    token = sessions.start(db, member.id, workspace, database_now(db))
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(
        transport=transport,
        base_url="https://towpath.test",
        cookies={"__Host-towpath": token},
    )


async def test_settings_change_one_by_one(client: httpx.AsyncClient) -> None:
    path = "/v1/workspaces/default"
    assert (await client.get(path)).json()["default_country"] is None
    assert (await client.patch(path, json={"default_country": "br"})).status_code == 200
    answer = await client.patch(path, json={"unknown_consent_is_sent": True})
    expected = {
        "name": "default",
        "default_country": "BR",
        "unknown_consent_is_sent": True,
        "fields_allowed": ["email", "phone", "idfa", "gaid"],
        "age_min": None,
        "purposes": [],
    }
    assert answer.json() == expected
    answer = await client.patch(path, json={"purposes": ["profiling", "Ads"]})
    assert (answer.status_code, answer.json()["field"]) == (422, "purposes")
    answer = await client.patch(path, json={"default_country": "UK"})
    assert (answer.status_code, answer.json()["field"]) == (422, "default_country")
    answer = await client.patch(path, json={"id": 7})
    assert (answer.status_code, answer.json()["field"]) == (422, "id")
    assert (await client.get(path)).json() == expected


async def test_a_key_sees_its_own_workspace_only(
    client: httpx.AsyncClient, other_client: httpx.AsyncClient
) -> None:
    listed = (await other_client.get("/v1/workspaces")).json()
    assert [one["name"] for one in listed["items"]] == ["elsewhere"]
    for method in ("GET", "PATCH"):
        foreign = await client.request(method, "/v1/workspaces/elsewhere", json={})
        never = await client.request(method, "/v1/workspaces/never", json={})
        assert foreign.status_code == never.status_code == 404
        assert foreign.json() | {"request_id": ""} == never.json() | {"request_id": ""}
    answer = await client.post("/v1/workspaces", json={"name": "mine"})
    assert answer.status_code == 403


async def test_the_same_key_makes_it_once(owner: httpx.AsyncClient) -> None:
    async def make(key: str, name: str) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        return await owner.post("/v1/workspaces", json={"name": name}, headers=headers)

    answers = await asyncio.gather(*(make("k1", "shop") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 3
    other = await make("k1", "other")
    assert (other.status_code, other.json()["field"]) == (409, "Idempotency-Key")
    assert (await make("k2", "shop")).status_code == 409
    assert (await make("k2", "shop two")).status_code == 201  # a refused one kept nothing
    assert (await make("a key", "x")).status_code == 422
