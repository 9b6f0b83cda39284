"""What a Canvas tells of itself: refusals, the control group, conversions, one version or all."""

from typing import Any

import httpx
import pytest
from tests.api.test_canvases import drafted, hundred

from towpath.api import analytics
from towpath.cli import canvas_show
from towpath.engine.entrance import Entrance
from towpath.ids import CanvasId, StepId, VersionId, WorkspaceId
from towpath.people.people_set import people
from towpath.store import canvases, conversions, tallies
from towpath.store.database import Db, database_now

__all__ = ["hundred"]
GOALS: list[dict[str, Any]] = [{"purchase": "shoe"}, {"event": "signed_up", "within": "7d"}]
WALK: dict[str, Any] = {
    "canvas": "Walk",
    "entry": {"at": "launch", "first": "wait", "control": "50%", "limits": {"total": 20}},
    "conversions": GOALS,
    "steps": {"wait": {"kind": "delay", "for": "1h"}},
}


def shown(db: Db, workspace: WorkspaceId, place: str, number: int | None = None) -> dict[str, Any]:
    canvas = canvases.read(db, workspace, CanvasId(int(place.rpartition("/")[2])))
    return analytics.shown(db, workspace, canvas, database_now(db), number)


@pytest.mark.usefixtures("hundred")
async def test_one_meaning_in_the_page_the_command_and_the_api(
    client: httpx.AsyncClient,
    db: Db,
    workspace: WorkspaceId,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Counters, refusals, the control group and conversions, before and after a publication."""
    place = await drafted(client, WALK)
    answer = await client.post(f"{place}/launch", json={"revision": 1, "people": 100})
    assert answer.status_code == 201, answer.text
    assert Entrance(db).tick(database_now(db))
    canvas = CanvasId(int(place.rpartition("/")[2]))
    (first,) = canvases.versions(db, workspace, canvas)
    now = database_now(db)
    conversions.add(db, (canvas, first.id, 0), people([1, 2, 3, 4, 5]), now, control=False)
    conversions.add(db, (canvas, first.id, 0), people([9]), now, control=True)
    only = (await client.get(f"{place}/analytics")).json()
    door = only["door"]
    assert door["entered"] == 20
    assert door["refused"] == {"limit reached": 80 - door["control"]}
    assert 30 < door["control"] < 70
    assert [one["converted"] for one in only["conversions"]] == [5, 0]
    assert only["conversions"][0]["rate"] == 0.25
    assert only["conversions"][0]["control_rate"] == pytest.approx(1 / door["control"], abs=1e-6)

    # The second version has its goals in another order: they are the same goals.
    again = WALK | {"conversions": GOALS[::-1], "steps": {"wait": WALK["steps"]["wait"]}}
    saved = await client.put(f"{place}/draft", json={"revision": 1, "draft": again})
    answer = await client.post(f"{place}/publish", json={"revision": saved.json()["revision"]})
    assert answer.status_code == 200, answer.text
    second = VersionId(canvases.versions(db, workspace, canvas)[-1].id)
    conversions.add(db, (canvas, second, 1), people([6]), now, control=False)
    tallies.add(db, {(second, StepId("wait")): tallies.Change(entered=2)})
    whole = (await client.get(place)).json()
    every = (await client.get(f"{place}/analytics")).json()
    assert {name: whole[name] for name in every} == every
    assert every["versions"] == [1, 2]
    assert every["counters"]["wait"]["entered"] == 22
    assert [one["converted"] for one in every["conversions"]] == [0, 6]
    told = shown(db, workspace, place)
    assert told["steps"]["wait"]["entered"] == 22
    assert told["door"] == every["door"]
    canvas_show.show(told)
    said = capsys.readouterr().out.replace("\n", " ")
    assert "version 2; the counters of its 2 versions together" in said
    assert f"Refused at the door: limit reached {80 - door['control']}." in said
    assert f"Control group, kept out: {door['control']}; entered: 20." in said
    assert "6 entries converted (30.00%); control group 1 (" in said

    narrow = (await client.get(f"{place}/analytics", params={"version": 2})).json()
    assert narrow["counters"]["wait"]["entered"] == 22, "who stayed at the step went over"
    assert narrow["conversions"][1] | {"goal": None} == {
        "goal": None,
        "converted": 1,
        "rate": None,
        "control_converted": 0,
        "control_rate": None,
    }
    before = shown(db, workspace, place, 1)
    assert (before["steps"]["wait"]["entered"], before["door"]["entered"]) == (0, 20)


async def test_a_version_that_is_not_there(client: httpx.AsyncClient) -> None:
    place = await drafted(client, WALK)
    wrong = await client.get(f"{place}/analytics", params={"version": 3})
    assert (wrong.status_code, wrong.json()["field"]) == (404, "version")
