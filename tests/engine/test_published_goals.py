"""After a new version was published: late events still let people in, and older goals count."""

from datetime import timedelta

import pytest
from tests.engine.crowd import Crowd, crowd
from tests.engine.test_publishing import publish

from towpath.canvas.parse import parse_canvas
from towpath.clock import Instant
from towpath.engine.converting import Converting
from towpath.engine.intake import Intake
from towpath.people.events import EventKind, EventName, Happening
from towpath.store import audit, canvases, conversions, events, waves, workspaces
from towpath.store.conversions import Count
from towpath.store.database import Db
from towpath.store.events import Event

HOUR = timedelta(hours=1)
TEXT = """
canvas: Walk
entry: {on: [{event: paid}], first: wait, reentry: always, control: CONTROL}
conversions: [{event: GOAL, within: 1d}]
steps:
  wait: {kind: delay, for: 20d}
"""


def text(goal: str = "read", control: str = "0%") -> str:
    return TEXT.replace("GOAL", goal).replace("CONTROL", control)


def did(told: Crowd, name: str, *who: int, at: Instant, received: Instant | None = None) -> None:
    """They did it, and the intake reads it."""
    what = Happening(EventName(EventKind.EVENT, name), at, None)
    with told.db.transaction():
        workspaces.lock(told.db, told.workspace)
        mine = [Event(one, what) for one in who]
        events.append(told.db, told.workspace, mine, received or at)
    intake = Intake(told.db, [Converting()])
    while intake.tick(received or at):
        pass


def inside(told: Crowd) -> set[int]:
    return {one for lane in waves.inside(told.db, told.canvas) for one in lane}


def test_late_events_let_people_into_the_version_that_is_live_now(db: Db, now: Instant) -> None:
    told = crowd(db, now, 10, text())
    publish(told, parse_canvas(text("other")), now + 2 * HOUR)
    did(told, "paid", 1, at=now + HOUR, received=now + 3 * HOUR)
    did(told, "paid", 2, at=now - HOUR, received=now + 3 * HOUR)
    assert inside(told) == {1}
    canvases.stop(db, told.workspace, told.canvas, now + 4 * HOUR)
    revision = canvases.read(db, told.workspace, told.canvas).revision
    later = now + 6 * HOUR
    canvases.launch(db, told.workspace, told.canvas, revision=revision, audiences={}, now=later)
    did(told, "paid", 3, at=now + 5 * HOUR, received=now + 7 * HOUR)
    did(told, "paid", 4, at=now + 6 * HOUR, received=now + 7 * HOUR)
    assert inside(told) == {1, 4}
    assert audit.run(db) == []


@pytest.mark.parametrize("control", ["0%", "50%"])
def test_whoever_entered_an_older_version_converts_there(
    db: Db, now: Instant, control: str
) -> None:
    """Goals are those of the version they entered, also where the new one has others."""
    told = crowd(db, now, 40, text("read", control))
    crew = range(0, 40, 2)
    did(told, "paid", *crew, at=now + HOUR)
    new = publish(told, parse_canvas(text("sold", control)), now + 2 * HOUR).version
    newest = publish(told, parse_canvas(text("sold", control)), now + 3 * HOUR).version
    did(told, "paid", 0, 1, 3, 5, 7, 9, at=now + 4 * HOUR)  # number 0 comes again
    did(told, "read", *range(12), at=now + 5 * HOUR)
    did(told, "sold", *range(12), at=now + 5 * HOUR)
    did(told, "read", *range(12), at=now + 6 * HOUR)
    assert total(db, told) == 5, "2, 4, 6, 8 and 10, once"
    assert conversions.counts(db, new) == []
    found = conversions.counts(db, newest)
    assert sum(one.people for one in found) == 6, "0, 1, 3, 5, 7 and 9"
    assert {one.control for one in found} == ({False, True} if control != "0%" else {False})
    did(told, "read", 12, at=now + 1.5 * HOUR, received=now + 8 * HOUR)
    did(told, "read", 14, at=now + 26 * HOUR)
    assert total(db, told) == 6, "a late one counts by when it happened; a day after is too late"
    assert audit.run(db) == []


def total(db: Db, told: Crowd) -> int:
    return sum(one.people for one in conversions.counts(db, told.version))


def test_a_goal_of_an_older_version_is_watched_as_long_as_it_can_be_reached(
    db: Db, now: Instant
) -> None:
    told = crowd(db, now, 10, text("read"))
    did(told, "paid", 1, at=now + HOUR)
    publish(told, parse_canvas(text("sold")), now + 2 * HOUR)
    assert watched(db) == ["paid", "read", "sold"]
    did(told, "read", 1, at=now + 3 * HOUR)
    assert conversions.counts(db, told.version) == [Count(0, False, 1)]
    publish(told, parse_canvas(text("other")), now + 27 * HOUR)
    assert watched(db) == ["other", "paid", "sold"]


def watched(db: Db) -> list[str]:
    return [row[0] for row in db.execute("select name from watch order by name")]
