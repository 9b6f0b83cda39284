"""Canvases over HTTP: drafted, checked, launched by the count shown, edited while running."""

from typing import Any

import httpx
import pytest
from tests.engine.crowd import people_batch

from towpath.cli.compose import windows
from towpath.clock import Instant
from towpath.engine.advance import Advance
from towpath.engine.entrance import Entrance
from towpath.ids import WorkspaceId
from towpath.settings import Settings
from towpath.store import profiles
from towpath.store.database import Db, database_now

WALK: dict[str, Any] = {
    "canvas": "Walk",
    "entry": {"at": "launch", "filter": {"attribute": "even", "is": True}, "first": "wait"},
    "steps": {
        "wait": {"kind": "delay", "for": "1h", "next": "more"},
        "more": {"kind": "delay", "for": "1d"},
    },
}


@pytest.fixture
def hundred(db: Db, workspace: WorkspaceId, now: Instant) -> int:
    """A hundred people, every other one even."""
    profiles.upsert(db, workspace, people_batch(100, now), now)
    return 100


async def drafted(client: httpx.AsyncClient, draft: dict[str, Any] = WALK) -> str:
    answer = await client.post("/v1/canvases", json={"draft": draft})
    assert answer.status_code == 201, answer.text
    return f"/v1/canvases/{answer.json()['id']}"


async def launched(client: httpx.AsyncClient, db: Db) -> str:
    """A Canvas that fifty people have entered."""
    place = await drafted(client)
    answer = await client.post(f"{place}/launch", json={"revision": 1, "people": 50})
    assert answer.status_code == 201, answer.text
    assert Entrance(db).tick(database_now(db))
    return place


async def test_a_draft_is_read_back_and_saved_only_over_what_was_read(
    client: httpx.AsyncClient,
) -> None:
    place = await drafted(client)
    found = (await client.get(place)).json()
    assert (found["name"], found["state"], found["version"]) == ("Walk", "draft", None)
    assert found["draft"]["steps"] == WALK["steps"]
    half = {"canvas": "Walk", "steps": {}}
    saved = await client.put(f"{place}/draft", json={"revision": 1, "draft": half})
    assert saved.json()["revision"] == 2
    again = await client.put(f"{place}/draft", json={"revision": 1, "draft": WALK})
    assert again.status_code == 409
    assert again.json()["field"] == "revision"
    taken = await client.post("/v1/canvases", json={"draft": WALK})
    assert taken.status_code == 409


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        ({}, "canvas"),
        ({"canvas": "X", "stepz": {}}, "stepz"),
        ({"canvas": "X", "steps": {"a": {"kind": "delay", "for": "soon"}}}, "steps.a.for"),
        ({"canvas": "X", "steps": {"a": {"kind": "dance"}}}, "steps.a.kind"),
    ],
)
async def test_a_draft_that_cannot_be_read_is_refused_by_its_place(
    client: httpx.AsyncClient, draft: dict[str, Any], field: str
) -> None:
    answer = await client.post("/v1/canvases", json={"draft": draft})
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert (await client.get("/v1/canvases")).json()["items"] == []


async def test_findings_are_told_all_at_once_and_keep_it_from_launching(
    client: httpx.AsyncClient,
) -> None:
    sync = {"canvas": "S", "entry": {"at": "launch", "first": "a"}}
    draft = sync | {"steps": {"a": {"kind": "audience_sync"}}}
    told = (await client.post("/v1/canvases/validate", json={"draft": draft})).json()
    assert not told["launchable"]
    assert {one["place"] for one in told["findings"]} >= {"steps.a.partner", "steps.a.fields"}
    place = await drafted(client, draft)
    refused = await client.post(f"{place}/launch", json={"revision": 1, "people": 0})
    assert refused.status_code == 422
    assert refused.json()["field"].startswith("steps.a.")
    assert (await client.get(place)).json()["state"] == "draft"


async def test_a_launch_asks_for_the_count_that_its_preview_showed(
    client: httpx.AsyncClient, hundred: int
) -> None:
    place = await drafted(client)
    preview = (await client.get(f"{place}/launch")).json()
    assert (preview["people"], preview["launchable"], preview["revision"]) == (50, True, 1)
    other = await client.post(f"{place}/launch", json={"revision": 1, "people": hundred})
    assert other.status_code == 409
    assert other.json()["field"] == "people"
    done = await client.post(f"{place}/launch", json={"revision": 1, "people": 50})
    assert done.json() == {"version": 1}
    twice = await client.post(f"{place}/launch", json={"revision": 1, "people": 50})
    assert twice.status_code == 409
    versions = (await client.get(f"{place}/versions")).json()["items"]
    assert [one["number"] for one in versions] == [1]


async def test_what_runs_is_edited_with_a_preview_and_goes_back_again(
    client: httpx.AsyncClient, db: Db, hundred: int
) -> None:
    place = await launched(client, db)
    other = WALK | {"steps": {"rest": {"kind": "delay", "for": "2h"}}}
    other = other | {"entry": WALK["entry"] | {"first": "rest"}}
    await client.put(f"{place}/draft", json={"revision": 1, "draft": other})
    preview = (await client.post(f"{place}/publish/preview", json={"revision": 2})).json()
    assert [(one["step"], one["people"], one["how"]) for one in preview["moves"]] == [
        ("wait", 50, "leaves")
    ]
    assert {one["place"] for one in preview["differences"]} == {
        "entry.first",
        "steps.rest",
        "steps.wait",
        "steps.more",
    }
    wrong = {"revision": 2, "redirects": {"wait": "nowhere"}}
    refused = await client.post(f"{place}/publish", json=wrong)
    assert (refused.status_code, refused.json()["field"]) == (422, "redirects.wait")
    led = {"revision": 2, "redirects": {"wait": "rest"}}
    done = (await client.post(f"{place}/publish", json=led)).json()
    assert (done["version"], done["moves"][0]["to"]) == (2, "rest")
    assert Advance(db, windows(Settings())).tick(database_now(db))
    assert (await client.get(place)).json()["standing"] == {"rest": 50}
    restored = await client.post(f"{place}/restore", json={"revision": 2, "version": 1})
    assert restored.json()["revision"] == 3
    back = {"revision": 3, "redirects": {"rest": "more"}}
    assert (await client.post(f"{place}/publish", json=back)).json()["version"] == 3
    differences = await client.get(f"{place}/differences", params={"old": 1, "new": 3})
    assert differences.json() == []


async def test_counters_are_summed_over_versions(
    client: httpx.AsyncClient, db: Db, hundred: int
) -> None:
    place = await launched(client, db)
    longer = WALK | {"steps": WALK["steps"] | {"more": {"kind": "delay", "for": "2d"}}}
    await client.put(f"{place}/draft", json={"revision": 1, "draft": longer})
    await client.post(f"{place}/publish", json={"revision": 2})
    found = (await client.get(place)).json()
    assert found["counters"]["wait"]["entered"] == 50
    assert found["standing"] == {"wait": 50}
    assert (found["version"]["number"], found["version"]["inside"]) == (2, 50)
    (row,) = (await client.get("/v1/canvases")).json()["items"]
    assert (row["name"], row["version"], row["inside"]) == ("Walk", 2, 50)


async def test_it_is_paused_resumed_and_stopped(
    client: httpx.AsyncClient, db: Db, hundred: int
) -> None:
    place = await launched(client, db)
    assert (await client.post(f"{place}/pause")).json() == {"state": "paused"}
    resumed = await client.post(f"{place}/resume", json={"overdue": "exit"})
    assert resumed.json() == {"state": "running", "exiting": 0}
    assert (await client.post(f"{place}/stop")).json() == {"state": "stopped"}
    assert (await client.post(f"{place}/stop")).status_code == 409


async def test_a_canvas_of_another_workspace_is_not_there(
    client: httpx.AsyncClient, other_client: httpx.AsyncClient
) -> None:
    place = await drafted(client)
    for path in ("", "/versions", "/launch", "/versions/1"):
        theirs = await other_client.get(f"{place}{path}")
        never = await other_client.get(f"/v1/canvases/999999{path}")
        assert theirs.status_code == never.status_code == 404
        assert theirs.json()["detail"] == never.json()["detail"]


async def test_a_filter_that_names_what_is_not_there_is_a_finding(
    client: httpx.AsyncClient,
) -> None:
    """D32: a missing segment, wherever it is asked for."""
    split = {"kind": "decision_split", "if": {"segment": "vips"}, "yes": "wait"}
    steps = {"split": split, "wait": {"kind": "delay", "for": "1h"}}
    entry = {"on": [{"segment": "loyal"}], "first": "split"}
    draft = {"canvas": "Names", "entry": entry, "steps": steps}
    told = (await client.post("/v1/canvases/validate", json={"draft": draft})).json()
    assert {(one["place"], one["code"]) for one in told["findings"]} == {
        ("entry.on[0].segment", "filter_names_unknown"),
        ("steps.split.if", "filter_names_unknown"),
    }
