"""The paced door: calls keep the app's pace, and nobody waits an hour at a terminal."""

from pathlib import Path

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import BASE_URL, Stage, stage

from towpath.clock import seconds
from towpath.engine.paced_door import PacedDoor
from towpath.errors import PartnerError
from towpath.ids import AppId
from towpath.net.door import NoAnswer
from towpath.store import connections, permits
from towpath.store.database import Db, database_now


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Stage:
    """A stage that is connected."""
    with stage(db, tmp_path) as found:
        found.connect()
    return found


def app(told: Stage) -> AppId:
    (connection,) = connections.list_all(told.db, told.workspace)
    return connection.app


async def test_a_call_takes_a_permit_and_gives_it_back(told: Stage) -> None:
    door = PacedDoor(told.door, told.db, app(told))
    asked = "select count(*) from permit where endpoint_class = 'other' and free_at > %s"
    before = database_now(told.db)
    (of_connecting,) = told.db.execute(asked, (before,)).fetchone() or (0,)
    reply = await door.get(f"{BASE_URL}/open_api/v1.3/user/info/", {}, 1.0)
    assert reply.status == 200
    assert told.db.execute(asked, (before,)).fetchone() == (of_connecting + 1,)


@pytest.mark.parametrize("span", [40, 3_600])
async def test_a_long_pause_is_told_at_once(told: Stage, span: int) -> None:
    now = database_now(told.db)
    permits.pause(told.db, app(told), now + seconds(span), "throttled app (40100)", now)
    door = PacedDoor(told.door, told.db, app(told))
    asked = len(told.sandbox.log.rows)
    with pytest.raises(NoAnswer, match="calls rest until") as failed:
        await door.get(f"{BASE_URL}/open_api/v1.3/user/info/", {}, 1.0)
    assert failed.value.before_first_byte
    assert len(told.sandbox.log.rows) == asked


async def test_a_short_pause_is_waited_for(told: Stage) -> None:
    now = database_now(told.db)
    permits.pause(told.db, app(told), now + seconds(0.3), "throttled app (40100)", now)
    door = PacedDoor(told.door, told.db, app(told))
    await door.get(f"{BASE_URL}/open_api/v1.3/user/info/", {}, 1.0)
    assert database_now(told.db) >= now + seconds(0.3)


def test_whoever_applies_a_canvas_meanwhile_reads_it(db: Db, tmp_path: Path) -> None:
    with stage(db, tmp_path) as told:
        told.connect()
        now = database_now(told.db)
        permits.pause(told.db, app(told), now + seconds(3_600), "throttled app (40100)", now)
        with pytest.raises(PartnerError, match="calls rest until"):
            told.apply(canvas(add=sync()))
