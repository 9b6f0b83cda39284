"""What is done to Canvases and keys stands in the audit trail: who, what, and to which."""

import httpx
from tests.api.test_canvases import WALK, drafted

from towpath.ids import WorkspaceId
from towpath.store import audit_trail, workspaces
from towpath.store.database import Db


async def test_the_life_of_a_canvas_is_told(
    client: httpx.AsyncClient, db: Db, workspace: WorkspaceId
) -> None:
    place = await drafted(client)
    assert (await client.post(f"{place}/pause")).status_code == 409
    await client.post(f"{place}/launch", json={"revision": 1, "people": 0})
    await client.post(f"{place}/pause")
    await client.post(f"{place}/resume", json={})
    await client.put(f"{place}/draft", json={"revision": 1, "draft": WALK})
    published = await client.post(f"{place}/publish", json={"revision": 2})
    assert published.status_code == 200, published.text
    await client.post(f"{place}/stop")
    made = await client.post("/v1/api-keys", json={"name": "shop", "scopes": ["track"]})
    await client.delete(f"/v1/api-keys/{made.json()['id']}")
    told = audit_trail.read_page(db, workspace, after=0, limit=99)
    assert [one.action for one in told] == [
        "canvas.launched",
        "canvas.paused",
        "canvas.resumed",
        "canvas.published",
        "canvas.stopped",
        "key.created",
        "key.revoked",
    ]
    assert {one.object for one in told[:5]} == {f"canvas {place.rsplit('/', 1)[1]}"}
    assert {one.actor.split()[0] for one in told} == {"key"}
    assert made.json()["key"] not in str(told)
    assert audit_trail.verify(db, workspace).broken is None
    for other in workspaces.list_all(db):
        if other.id != workspace:
            assert audit_trail.read_page(db, other.id, after=0, limit=9) == []
