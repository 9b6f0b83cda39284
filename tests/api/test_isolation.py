"""Workspaces never see each other: another's id is answered like one that never was (I-65).

Every operation of the document that has an id in its address is asked, so a new route is in the
matrix by itself; what its body needs stands in BODIES. Ids inside bodies are asked below.
"""

from typing import Any

import httpx
import pytest

from towpath.api.app import document
from towpath.canvas.segment_sync import SegmentSync
from towpath.clock import Instant
from towpath.ids import PartnerRef, WorkspaceId
from towpath.store import apps, audiences, connections, segment_syncs
from towpath.store.database import Db

REF = PartnerRef("73")

DRAFT = {
    "canvas": "Welcome",
    "entry": {"by": "api", "first": "end"},
    "steps": {"end": {"kind": "exit"}},
}
FILTER = {"has": "email"}
REQUEST = """
insert into request (workspace, audience, action, fields, members, people, sharing, coholders,
  omitted, low, high, worker, started_at, lease_until, tries, state)
select workspace, id, 0, 1, '', 1, '', '', '{}', 0, 0, 'test', %(now)s, %(now)s, 1, 'in flight'
from audience where id = %(audience)s returning id
"""
BODIES: dict[str, dict[str, Any]] = {
    "ChangedDraft": {"revision": 1, "draft": DRAFT},
    "Resuming": {"overdue": "go_on"},
    "Launching": {"revision": 1, "people": 0},
    "Publishing": {"revision": 1},
    "Restoring": {"revision": 1, "version": 1},
    "ChangedSegment": {"name": "x", "filter": FILTER, "revision": 1},
    "NewAudience": {"name": "x"},
    "NewLookalike": {"name": "x", "source": "1", "locations": ["1"]},
    "Chosen": {"ad_accounts": []},
    "Disconnecting": {"canvases": []},
    "Stopping": {},
    "DryRun": {},
    "WorkspaceChange": {"default_country": "BR"},
}
NEVER = {
    "connection": 99_999,
    "ad_account": 99_999,
    "audience": 99_999,
    "canvas": 99_999,
    "erasure": 99_999,
    "sync": 99_999,
    "segment": 99_999,
    "key": 99_999,
    "name": "never",
    "number": 1,
    "request": 99_999,
    "external_id": "never",
    "step": "never",
}
OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in document().openapi()["paths"].items()
    if "{" in path
    for method, operation in methods.items()
]


@pytest.fixture
async def theirs(
    other_client: httpx.AsyncClient, db: Db, other_workspace: WorkspaceId, now: Instant
) -> dict[str, Any]:
    """Ids of another workspace, of which each is real there."""
    found: dict[str, Any] = {"name": "elsewhere", "number": 1}
    sizes = {"people_per_request_max": 10, "keys_per_request_max": 10}
    app = apps.ensure(db, "tiktok", "70", 50)
    connection = connections.ensure(db, other_workspace, app, "TikTok", **sizes)
    account = connections.ensure_ad_account(db, other_workspace, connection, REF, "Shop")
    found["connection"], found["ad_account"] = connection, account
    found["audience"] = audiences.ensure(
        db, other_workspace, account, REF, "Buyers", created_here=True, now=now
    )
    mine = {"external_id": "ana", "email": "ana@example.com"}
    track = {"attributes": [mine, {"external_id": "bye"}]}
    assert (await other_client.post("/users/track", json=track)).status_code == 201
    for name, path, body in (
        ("canvas", "/v1/canvases", {"draft": DRAFT}),
        ("segment", "/v1/segments", {"name": "s", "filter": FILTER}),
        ("key", "/v1/api-keys", {"name": "k", "scopes": ["track"]}),
        ("erasure", "/v1/erasures", {"external_ids": ["bye"]}),
    ):
        answer = await other_client.post(path, json=body)
        assert answer.status_code == 201, answer.text
        found[name] = answer.json()["id"]
    plan = SegmentSync.parse(
        {"sync": "s", "segment": "s", "partner": "tiktok", "ad_account": REF, "fields": ["email"]}
        | {"audience": {"id": REF}}
    )
    found["sync"] = segment_syncs.create(db, other_workspace, plan, found["audience"], now)
    (made,) = db.execute(REQUEST, {"audience": found["audience"], "now": now}).fetchall()
    found["request"] = made[0]
    found |= {"external_id": "ana", "step": "end"}
    for path in (
        "/v1/canvases/{canvas}",
        "/v1/users/{external_id}/audiences",
        "/v1/requests/{request}",
        "/v1/segments/{segment}",
        "/v1/segment-syncs/{sync}",
        "/v1/workspaces/{name}",
    ):
        assert (await other_client.get(path.format(**found))).status_code == 200
    return found


def _body(operation: dict[str, Any]) -> dict[str, Any] | None:
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return BODIES[schema["$ref"].rpartition("/")[2]]


def _query(operation: dict[str, Any]) -> dict[str, int]:
    asked = operation.get("parameters", [])
    return {one["name"]: 1 for one in asked if one["in"] == "query" and one["required"]}


@pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[f"{one[0]} {one[1]}" for one in OPERATIONS]
)
async def test_an_id_of_another_workspace_is_as_if_it_never_was(
    client: httpx.AsyncClient,
    theirs: dict[str, Any],
    method: str,
    path: str,
    operation: dict[str, Any],
) -> None:
    told = []
    for ids in (theirs, NEVER):
        answer = await client.request(
            method, path.format(**ids), json=_body(operation), params=_query(operation)
        )
        assert answer.status_code == 404, answer.text
        told.append(answer.json() | {"request_id": ""})
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("path", "name", "make"),
    [
        ("/canvas/trigger/send", "canvas", lambda one: {"canvas_id": str(one), "broadcast": False}),
        ("/users/export/ids", "profile", lambda one: {"profile_ids": [str(one)]}),
        ("/users/delete", "profile", lambda one: {"profile_ids": [str(one)]}),
        ("/users/track", "profile", lambda one: {"attributes": [{"profile_id": str(one)}]}),
        (
            "/users/merge",
            "profile",
            lambda one: {
                "merge_updates": [
                    {
                        "identifier_to_merge": {"profile_id": str(one)},
                        "identifier_to_keep": {"external_id": "mine"},
                    }
                ]
            },
        ),
    ],
)
async def test_an_id_in_a_body_is_as_if_it_never_was(
    client: httpx.AsyncClient, theirs: dict[str, Any], path: str, name: str, make: Any
) -> None:
    mine = {"attributes": [{"external_id": "mine"}]}
    assert (await client.post("/users/track", json=mine)).status_code == 201
    told = []
    for one in ({"profile": 0, **theirs}[name], 99_999):
        answer = await client.post(path, json=make(one))
        told.append((answer.status_code, answer.json() | {"request_id": ""}))
    assert told[0] == told[1]


async def test_names_are_their_own(client: httpx.AsyncClient, theirs: dict[str, Any]) -> None:
    """What is called alike elsewhere is neither found nor in the way."""
    for path, body in (
        ("/v1/canvases", {"draft": DRAFT}),
        ("/v1/segments", {"name": "s", "filter": FILTER}),
    ):
        assert (await client.get(path)).json()["items"] == []
        assert (await client.post(path, json=body)).status_code == 201
    counted = await client.post("/v1/segments/count", json={"filter": {"segment": "s"}})
    assert counted.json()["people"] == 0
    found = await client.post("/users/export/ids", json={"external_ids": ["ana"]})
    assert found.json()["users"] == []
