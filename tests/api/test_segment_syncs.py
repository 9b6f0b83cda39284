"""Segment syncs over HTTP: listed, shown, paused and stopped; what is wrong is named."""

from typing import Any

import httpx

from towpath.canvas.segment_sync import SegmentSync
from towpath.clock import Instant
from towpath.ids import PartnerRef, WorkspaceId
from towpath.store import apps, audiences, connections, segment_syncs
from towpath.store.database import Db

REF = PartnerRef("73")
PLAN: dict[str, Any] = {
    "sync": "Brazil",
    "segment": "brazil",
    "partner": "tiktok",
    "ad_account": REF,
    "audience": {"id": REF},
    "fields": ["email"],
}


def _begin(db: Db, workspace: WorkspaceId, name: str, now: Instant) -> int:
    app = apps.ensure(db, "tiktok", "70", 50)
    sizes = {"people_per_request_max": 10, "keys_per_request_max": 10}
    connection = connections.ensure(db, workspace, app, "TikTok", **sizes)
    account = connections.ensure_ad_account(db, workspace, connection, REF, "Shop")
    audience = audiences.ensure(db, workspace, account, REF, "Brazil", created_here=True, now=now)
    plan = SegmentSync.parse(PLAN | {"sync": name})
    return segment_syncs.create(db, workspace, plan, audience, now)


async def test_a_life(
    client: httpx.AsyncClient, db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    first, second = (_begin(db, workspace, name, now) for name in ("A", "B"))
    page = (await client.get("/v1/segment-syncs?limit=1")).json()
    assert [one["id"] for one in page["items"]] == [first]
    page = (await client.get(f"/v1/segment-syncs?limit=1&cursor={page['next']}")).json()
    assert [one["id"] for one in page["items"]] == [second]
    path = f"/v1/segment-syncs/{first}"
    found = (await client.get(path)).json()
    assert found["plan"] == PLAN | {"sync": "A"}
    assert found["steps"]["add"]["entered"] == 0
    assert (await client.post(f"{path}/pause")).json()["state"] == "paused"
    assert (await client.post(f"{path}/resume")).json()["state"] == "running"
    emptying = (await client.post(f"{path}/stop", json={"remove_everyone": True})).json()
    assert (emptying["state"], emptying["emptying"]) == ("running", True)
    assert (await client.post(f"{path}/stop", json={})).json()["state"] == "stopped"
    assert (await client.post(f"{path}/stop", json={})).status_code == 409
    assert (await client.get("/v1/canvases")).json()["items"] == []
    assert (await client.get(f"/v1/canvases/{first}")).status_code == 404


async def test_what_is_wrong_is_named(client: httpx.AsyncClient) -> None:
    for plan, field in ((PLAN, "segment"), (PLAN | {"fields": ["fax"]}, "fields[0]")):
        answer = await client.post("/v1/segment-syncs", json={"plan": plan})
        assert answer.status_code == 422
        assert answer.json()["field"] == field
