"""Stories of the log: each change is one line, however many requests notice it."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage, stage
from tests.stories.test_thirteen_hours import audience_deleted, role_lost, throttled

from towpath import telemetry
from towpath.store.database import Db


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What was said, one JSON object a line."""
    said = io.StringIO()
    telemetry.set_up("info", stream=said)
    yield said
    telemetry.set_up("critical")


def events(log: io.StringIO) -> list[dict[str, Any]]:
    """The lines that were said, in order."""
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_broken_connection_and_its_mending_are_a_line_each(told: Stage, log: io.StringIO) -> None:
    grant = told.sandbox.world.grants[told.sandbox.world.token]
    told.people("ana", "bruno")
    told.launch(canvas(add=sync()))
    grant.alive = False
    told.wait(minutes=3)
    grant.alive = True
    told.wait(minutes=2)
    said = events(log)
    assert [one["event"] for one in said] == [
        "canvas.entered",
        "connection.broken",
        "connection.ready",
    ]
    assert said[0]["people"] == 2
    assert "40105" in said[1]["reason"]
    assert "example.com" not in log.getvalue()


@pytest.mark.parametrize(
    ("befalls", "event", "code"),
    [
        (throttled, "scope.paused", 40100),
        (audience_deleted, "audience.trouble", 40007),
        (role_lost, "scope.paused", 40001),
    ],
)
def test_trouble_is_a_line_and_so_are_the_people_it_costs(
    db: Db,
    tmp_path: Path,
    log: io.StringIO,
    befalls: Callable[[Stage], None],
    event: str,
    code: int,
) -> None:
    with stage(db, tmp_path, window_s=1200.0) as told:
        told.connect()
        told.people("ana", "bruno")
        told.launch(canvas(add=sync()))
        befalls(told)
        told.wait(minutes=30)
    said = events(log)
    (trouble,) = [one for one in said if one["event"] == event]
    assert str(code) in str(trouble)
    (errored,) = [one for one in said if one["event"] == "people.errored"]
    assert (errored["people"], errored["code"]) == (2, code)
