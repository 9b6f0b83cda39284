"""Segments over HTTP."""

from typing import Any

import httpx
from tests.store.filter_crowd import NOBODY_SPECIAL, insert

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.store.database import Db

BRAZIL = {"attribute": "country", "is": "BR"}


def crowd(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    people = [NOBODY_SPECIAL | {"country": ("BR", "PT")[n % 2]} for n in range(10)]
    insert(db, workspace, people, now)


async def saved(client: httpx.AsyncClient, name: str, tree: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post("/v1/segments", json={"name": name, "filter": tree})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_segment_lives(client: httpx.AsyncClient, other_client: httpx.AsyncClient) -> None:
    made = await saved(client, "Brazil", BRAZIL)
    place = f"/v1/segments/{made['id']}"
    assert (await client.get(place)).json() == made
    assert (await other_client.get(place)).status_code == 404
    change = {"name": "Brasil", "filter": BRAZIL, "revision": 1}
    assert (await client.put(place, json=change)).json()["revision"] == 2
    assert (await client.put(place, json=change)).status_code == 409
    user = await saved(client, "User", {"segment": "Brasil"})
    page = (await client.get("/v1/segments", params={"limit": 1})).json()
    assert [one["name"] for one in page["items"]] == ["Brasil"]
    rest = await client.get("/v1/segments", params={"cursor": page["next"]})
    assert [one["name"] for one in rest.json()["items"]] == ["User"]
    refused = await client.delete(place)
    assert refused.status_code == 409
    assert "segment User" in refused.json()["detail"]
    assert (await client.delete(f"/v1/segments/{user['id']}")).status_code == 204
    assert (await client.delete(place)).status_code == 204
    assert (await client.delete(place)).status_code == 404


async def test_a_filter_is_asked_about(
    client: httpx.AsyncClient, db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    crowd(db, workspace, now)
    await saved(client, "Brazil", BRAZIL)
    for tree in (BRAZIL, {"segment": "Brazil"}):
        asked = {"filter": tree}
        answer = (await client.post("/v1/segments/count", json=asked)).json()
        assert answer == {"people": 5}
        found = (await client.post("/v1/segments/estimate", json=asked)).json()
        assert found["low"] <= found["people"] == 5 <= found["high"]
        shown = (await client.post("/v1/segments/sample", json=asked | {"people": 2})).json()
        assert [one["external_id"] for one in shown["people"]] == ["p…", "p…"]
        for how in ({}, {"exact": True}):
            told = (await client.post("/v1/segments/explain", json=asked | how)).json()
            assert (told["asked"], told["rules"][0]["keeps"]) == (10, 5)
        one = (await client.post("/v1/segments/explain", json=asked | {"external_id": "p1"})).json()
        assert (one["asked"], one["rules"][0]["keeps"]) == (1, 0)


async def test_what_cannot_be_read_is_refused_with_its_place(client: httpx.AsyncClient) -> None:
    deep: dict[str, Any] = BRAZIL
    for _ in range(17):
        deep = {"not": deep}
    refused: list[tuple[dict[str, Any], str]] = [
        ({"all": [{"atribute": "x", "is": 1}]}, "filter.all[0]"),
        ({"segment": "missing"}, "filter"),
        ({"attribute": "x", "regex": "(a+)+$"}, "filter"),
        ({"attribute": "country", "above": 3}, "filter"),
        (deep, "filter" + ".not" * 16),
    ]
    for tree, field in refused:
        answer = await client.post("/v1/segments/count", json={"filter": tree})
        assert answer.status_code == 422
        assert answer.json()["field"] == field
    missing = {"filter": {"canvas": "x", "inside": True}}
    assert (await client.post("/v1/segments/count", json=missing)).status_code == 404
    nobody = {"filter": BRAZIL, "external_id": "nobody"}
    assert (await client.post("/v1/segments/explain", json=nobody)).status_code == 404
