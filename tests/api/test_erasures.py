"""Erasures over HTTP and at the terminal's door."""

import httpx
from tests.api.test_users import post


async def test_an_erasure_is_asked_for_read_and_kept(client: httpx.AsyncClient) -> None:
    ana = {"external_id": "ana", "email": "ana@example.com"}
    await post(client, "track", {"attributes": [ana]}, 201)
    asked = {"external_ids": ["ana", "nobody"]}
    made = await client.post("/v1/erasures", json=asked)
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["people"], told["unknown"], told["audiences"]) == (1, 1, [])
    assert (await client.get(f"/v1/erasures/{told['id']}")).json() == told
    assert [one["id"] for one in (await client.get("/v1/erasures")).json()["items"]] == [told["id"]]
    assert (await client.post("/v1/erasures", json=asked)).status_code == 404
    trail = (await client.get("/v1/audit-trail")).json()["items"]
    assert [(one["action"], one["details"]) for one in trail] == [("people.erased", {"people": 1})]
    assert "ana" not in str(trail)


async def test_nobody_erased_comes_back(client: httpx.AsyncClient) -> None:
    """By track under the old name, by another name with the address, or by identify."""
    ana = {"external_id": "ana", "email": "ana@example.com"}
    bought = {"external_id": "ana", "name": "order", "time": "2026-11-01T00:00:00Z"}
    await post(client, "track", {"attributes": [ana]}, 201)
    assert (await client.post("/v1/erasures", json={"external_ids": ["ana"]})).status_code == 201
    again = {"attributes": [ana, ana | {"external_id": "bia"}], "events": [bought]}
    answer = await client.post("/users/track", json=again)
    told = [(one["input_array"], one["index"]) for one in answer.json()["errors"]]
    assert sorted(told) == [("attributes", 0), ("attributes", 1), ("events", 0)]
    assert "towpath erase lift" in answer.text
    assert "ana" not in str(answer.json()["errors"])
    shop = {"alias_label": "shop", "alias_name": "a-1"}
    await post(client, "alias/new", {"user_aliases": [shop]}, 201)
    named = {"aliases_to_identify": [{"external_id": "ana", "user_alias": shop}]}
    told = await post(client, "identify", named, 201)
    assert told["errors"][0]["field"] == "external_id"
    found = await post(client, "export/ids", {"external_ids": ["ana", "bia"]}, 200)
    assert found["users"] == []
