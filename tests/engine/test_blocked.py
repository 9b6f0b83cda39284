"""Blocked people are counted, and whoever is due behind them is sent all the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage, stage

from towpath.engine.advance import Advance
from towpath.engine.entrance import Entrance
from towpath.store.database import Db
from towpath.store.tallies import Change

BLOCKED = 45


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """A stage where each person is a request."""
    with stage(db, tmp_path, None, people_per_request_max=1) as found:
        found.connect()
        yield found


def test_many_who_are_blocked_do_not_hide_those_behind_them(told: Stage) -> None:
    """More of them than a claim has room for: it must look again, or the others wait for ever."""
    blocked = [f"a{place},k{place}@example.com,granted" for place in range(BLOCKED)]
    free = [f"z{place},z{place}@example.com,granted" for place in range(5)]
    told.import_people("\n".join(["external_id,email,consent", *blocked, *free]))
    version = told.launch(canvas(add=sync()))
    told.service(Entrance).tick(told.now)
    while told.service(Advance).tick(told.now):
        pass
    others = [f"b{place},k{place}@example.com,withdrawn" for place in range(BLOCKED)]
    told.import_people("\n".join(["external_id,email,consent", *others]))
    told.wait(minutes=1)
    done = Change(50, 50, synced=5, not_synced=BLOCKED, exited=50)
    assert told.counters(version, "add") == done
