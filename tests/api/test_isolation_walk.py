"""Workspaces never see each other, through the engine too: the same names and ids in two of them,
and what happens in one moves nobody in the other."""

from typing import Any

import httpx
import pytest

from towpath.cli.compose import windows
from towpath.engine.acting import Acting
from towpath.engine.advance import Advance
from towpath.engine.converting import Converting
from towpath.engine.entrance import Entrance
from towpath.engine.intake import Intake
from towpath.engine.looking import Looking
from towpath.settings import Settings
from towpath.store import audit
from towpath.store.database import Db, database_now

DOORS: dict[str, dict[str, Any]] = {
    "Event": {"on": [{"event": "order"}], "exit_on": [{"event": "bye"}]},
    "Change": {"on": [{"attribute": "plan", "to": "gold"}]},
    "Segment": {"on": [{"segment": "Gold"}]},
    "Launch": {"at": "launch", "filter": {"segment": "Gold"}},
    "Api": {"by": "api"},
}
STEPS = {
    "wait": {
        "kind": "action_paths",
        "within": "1d",
        "else": "end",
        "paths": [{"name": "seen", "on": [{"event": "seen"}], "next": "end"}],
    },
    "end": {"kind": "exit"},
}
GOLD = {"name": "Gold", "filter": {"attribute": "plan", "is": "gold"}}


@pytest.fixture
async def both(client: httpx.AsyncClient, other_client: httpx.AsyncClient) -> None:
    """Two workspaces in which everything has the same name, Ana too."""
    for one in (client, other_client):
        assert (await one.post("/v1/segments", json=GOLD)).status_code == 201
        await track(one, attributes=[{"external_id": "ana", "email": "ana@example.com"}])
        for name, entry in DOORS.items():
            draft = {"canvas": name, "entry": entry | {"first": "wait"}, "steps": STEPS}
            made = (await one.post("/v1/canvases", json={"draft": draft})).json()
            place = f"/v1/canvases/{made['id']}/launch"
            done = await one.post(place, json={"revision": 1, "people": 1})
            assert done.status_code == 201, done.text


async def track(client: httpx.AsyncClient, **body: list[dict[str, Any]]) -> None:
    """A call that is taken whole."""
    answer = await client.post("/users/track", json=body)
    assert (answer.status_code, answer.json().get("errors")) == (201, None)


def work(db: Db) -> None:
    """The engine's services, some rounds of them."""
    services: list[Any] = [
        Intake(db, (Acting(), Converting())),
        Looking(db),
        Entrance(db),
        Advance(db, windows(Settings())),
    ]
    for _ in range(3):
        for service in services:
            service.tick(database_now(db))


async def standing(client: httpx.AsyncClient) -> dict[str, tuple[int, int]]:
    """Of each Canvas: how many entered at `wait`, and how many stand there."""
    found = {}
    for one in (await client.get("/v1/canvases")).json()["items"]:
        shown = (await client.get(f"/v1/canvases/{one['id']}")).json()
        entered = shown["counters"].get("wait", {}).get("entered", 0)
        found[one["name"]] = (entered, shown["standing"].get("wait", 0))
    return found


def did(name: str, **more: Any) -> dict[str, Any]:
    """Ana did it just now."""
    return {"external_id": "ana", "name": name, "id": name, **more}


@pytest.mark.usefixtures("both")
async def test_what_happens_in_one_moves_nobody_in_the_other(
    client: httpx.AsyncClient, other_client: httpx.AsyncClient, db: Db
) -> None:
    """Ana orders, turns gold and is called for here; over there her namesake stands still. Then she
    orders over there too, and what she does there moves her there only."""
    work(db)
    nobody = dict.fromkeys(DOORS, (0, 0))
    assert await standing(client) == await standing(other_client) == nobody
    moment = database_now(db).isoformat()
    await track(client, events=[did("order", time=moment)])
    await track(client, attributes=[{"external_id": "ana", "plan": "gold"}])
    called = {"canvas_name": "Api", "recipients": [{"external_user_id": "ana"}]}
    assert (await client.post("/canvas/trigger/send", json=called)).status_code == 201
    work(db)
    assert await standing(client) == nobody | dict.fromkeys(("Api", "Change", "Event"), (1, 1))
    assert await standing(other_client) == nobody

    await track(other_client, events=[did("order", time=moment)])
    work(db)
    assert await standing(other_client) == nobody | {"Event": (1, 1)}
    await track(other_client, events=[did("seen", time=database_now(db).isoformat())])
    work(db)
    assert await standing(other_client) == nobody | {"Event": (1, 0)}
    assert (await standing(client))["Event"] == (1, 1), "she has seen nothing here"
    await track(other_client, events=[did("bye", time=database_now(db).isoformat())])
    work(db)
    assert (await standing(client))["Event"] == (1, 1), "nor said good-bye"
    await track(client, events=[did("seen", time=database_now(db).isoformat())])
    work(db)
    assert (await standing(client)) == nobody | {"Api": (1, 0), "Change": (1, 0), "Event": (1, 0)}
    assert audit.run(db) == []
