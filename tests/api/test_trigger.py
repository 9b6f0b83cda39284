"""`POST /canvas/trigger/send`: who is asked for, who is refused, and that it is durable."""

from typing import Any

import httpx
import pytest
from tests.store.people import Person, batch

from towpath.canvas.parse import parse_canvas
from towpath.clock import Instant
from towpath.engine.intake import Intake
from towpath.ids import CanvasId, WorkspaceId
from towpath.people.people_set import people
from towpath.store import aliases, api_entries, canvases, entry_contexts, merges, profiles, waves
from towpath.store.database import Db

PATH = "/canvas/trigger/send"
TEXT = """
canvas: Welcome
entry: {DOOR, first: wait, context: true}
steps: {wait: {kind: delay, for: 1h, next: end}, end: {kind: exit}}
"""
HALVES = [("ana", "attributes"), ("bruno", "context")]


@pytest.fixture
def canvas(db: Db, workspace: WorkspaceId, now: Instant) -> CanvasId:
    """A Canvas that people enter by API, ana (0), bruno (1), and carla (2), who has an alias."""
    crowd = batch(Person("ana"), Person("bruno", mail="b@example.com"), Person("carla"))
    profiles.upsert(db, workspace, crowd, now)
    aliases.add(db, workspace, {("shop", "c1"): 2})
    graph = parse_canvas(TEXT.replace("DOOR", "by: api"))
    found = canvases.create(db, workspace, graph, now)
    canvases.launch(db, workspace, found, revision=1, audiences={}, now=now)
    return found


async def send(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    """A call that is taken."""
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def inside(db: Db, canvas: CanvasId, now: Instant) -> list[set[int]]:
    """Who is inside once the intake has looked."""
    Intake(db).tick(now)
    return [set(one) for one in waves.inside(db, canvas)]


async def test_recipients_of_every_kind(
    client: httpx.AsyncClient, db: Db, canvas: CanvasId, now: Instant
) -> None:
    told = await send(
        client,
        canvas_id=str(canvas),
        context={"a": 1, "b": 2},
        recipients=[
            {"external_user_id": "ana", "context": {"b": 3}},
            {"email": "B@example.com"},
            {"user_alias": {"alias_label": "shop", "alias_name": "c1"}},
            {"external_user_id": "nobody"},
            {"external_user_id": "ana", "email": "x@example.com"},
            {},
        ],
    )
    assert told["recipients_accepted"] == 3
    assert len(told["dispatch_id"]) == 32
    assert [(one["index"], one["field"]) for one in told["errors"]] == [
        (3, "external_user_id"),
        (4, "email"),
        (5, "external_id"),
    ]
    assert inside(db, canvas, now) == [{0, 1, 2}]
    assert entry_contexts.read(db, canvas, 0, people([0, 1])) == {
        0: {"a": 1, "b": 3},
        1: {"a": 1, "b": 2},
    }


async def test_attributes_are_set_and_somebody_new_is_made(
    client: httpx.AsyncClient, db: Db, canvas: CanvasId, now: Instant
) -> None:
    told = await send(
        client,
        canvas_name="Welcome",
        recipients=[
            {"external_user_id": "dora", "send_to_existing_only": False},
            {"external_user_id": "eva", "attributes": {"plan": "gold"}},
            {"external_user_id": "ana", "attributes": {"plan": "gold", "country": "Nowhere"}},
        ],
    )
    assert told["recipients_accepted"] == 2
    assert {(one["index"], one["field"]) for one in told["errors"]} >= {
        (1, "external_user_id"),
        (2, "attributes.country"),
    }
    assert inside(db, canvas, now) == [{0, 3}]
    row = db.execute("select attributes from profile where number = 0").fetchone()
    assert row == ({"plan": "gold"},)


async def test_a_broadcast(
    client: httpx.AsyncClient, db: Db, canvas: CanvasId, now: Instant
) -> None:
    audience = {"attribute": "external_id", "in": ["ana", "carla"]}
    await send(client, canvas_name="Welcome", broadcast=True, audience=audience)
    assert inside(db, canvas, now) == [{0, 2}]


async def test_a_canvas_that_does_not_run_says_so(
    client: httpx.AsyncClient, db: Db, canvas: CanvasId, workspace: WorkspaceId, now: Instant
) -> None:
    canvases.pause(db, workspace, canvas, now)
    told = await send(client, canvas_id=canvas, recipients=[{"external_user_id": "ana"}])
    assert told["notice"] == "The Canvas is paused: nobody enters."
    canvases.resume(db, workspace, canvas, now)
    assert inside(db, canvas, now) == []
    canvases.stop(db, workspace, canvas, now)
    told = await send(client, canvas_id=canvas, broadcast=True)
    assert "stopped" in told["notice"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"recipients": [{"external_user_id": "ana"}]}, 422, "canvas_id"),
        ({"canvas_name": "Welcome"}, 422, "recipients"),
        ({"canvas_name": "Welcome", "broadcast": True, "recipients": [{}]}, 422, "recipients"),
        ({"canvas_name": "Welcome", "recipients": [{}], "audience": {}}, 422, "audience"),
        ({"canvas_name": "Welcome", "broadcast": True, "context": {"a": 1}}, 422, "context"),
        ({"canvas_name": "Welcome", "broadcast": True, "audience": {"b": 1}}, 422, "audience"),
        ({"canvas_name": "Elsewhere", "broadcast": True}, 404, "canvas_name"),
        ({"canvas_name": "Welcome", "recipients": [{}] * 51}, 422, "recipients"),
        ({"canvas_name": "Welcome", "recipient": []}, 422, "recipient"),
    ],
)
async def test_what_is_refused(
    client: httpx.AsyncClient, canvas: CanvasId, body: dict[str, Any], status: int, field: str
) -> None:
    answer = await client.post(PATH, json=body)
    assert answer.status_code == status
    assert field in answer.text


async def test_another_workspace_sees_nothing(
    other_client: httpx.AsyncClient, canvas: CanvasId
) -> None:
    body = {"canvas_id": canvas, "recipients": [{"external_user_id": "ana"}]}
    assert (await other_client.post(PATH, json=body)).status_code == 404


async def test_a_heavy_context_and_another_door(
    client: httpx.AsyncClient, db: Db, canvas: CanvasId, workspace: WorkspaceId, now: Instant
) -> None:
    heavy = {"external_user_id": "ana", "context": {"note": ["x" * 9_000] * 6}}
    nul = {"external_user_id": "ana", "context": {"note": "\0"}}
    told = await send(client, canvas_id=canvas, recipients=[heavy, nul])
    assert (told["recipients_accepted"], len(told["errors"])) == (0, 2)
    graph = parse_canvas(TEXT.replace("DOOR", "on: [{event: paid}]").replace("Welcome", "Paid"))
    paid = canvases.create(db, workspace, graph, now)
    canvases.launch(db, workspace, paid, revision=1, audiences={}, now=now)
    answer = await client.post(PATH, json={"canvas_name": "Paid", "broadcast": True})
    assert answer.status_code == 422
    assert "by: api" in answer.text


async def test_half_a_character_is_one_recipients_fault(
    client: httpx.AsyncClient, canvas: CanvasId
) -> None:
    half = '{"plan": ["\\ud800"]}'
    people = [f'{{"external_user_id": "{name}", "{field}": {half}}}' for name, field in HALVES]
    body = f'{{"canvas_id": {canvas}, "recipients": [{", ".join(people)}]}}'
    json = {"Content-Type": "application/json"}
    answer = await client.post(PATH, content=body, headers=json)
    assert answer.status_code == 201
    assert answer.json()["recipients_accepted"] == 0
    assert [one["field"] for one in answer.json()["errors"]] == ["attributes", "context"]


async def test_who_is_absorbed_while_the_call_is_taken_enters_as_the_survivor(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, now: Instant
) -> None:
    merges.merge(db, workspace, [(0, 1)], now)
    api_entries.write(db, workspace, canvas, "d", [(0, None)], now)
    assert inside(db, canvas, now) == [{1}]


async def test_an_empty_list_is_no_broadcast(client: httpx.AsyncClient, canvas: CanvasId) -> None:
    for more in ({}, {"broadcast": True}, {"broadcast": False}):
        body = {"canvas_id": str(canvas), "recipients": [], **more}
        answer = await client.post(PATH, json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, "recipients")
        assert "recipients is empty" in answer.json()["detail"]


async def test_a_wrong_name_is_told_with_a_near_one(
    client: httpx.AsyncClient, canvas: CanvasId
) -> None:
    wrong = {"canvas_name": "Welcom", "recipients": [{"external_user_id": "ana"}]}
    said = (await client.post(PATH, json=wrong)).json()
    assert (said["status"], said["field"]) == (404, "canvas_name")
    assert "'Welcom'" in said["detail"]
    assert "Welcome" in said["remedy"]
    wrong = {"canvas_id": str(canvas + 1), "recipients": [{"external_user_id": "ana"}]}
    said = (await client.post(PATH, json=wrong)).json()
    assert (said["status"], said["field"]) == (404, "canvas_id")
    assert str(canvas + 1) in said["detail"]
