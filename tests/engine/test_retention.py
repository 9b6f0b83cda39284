"""Retention: events go by whole days, never before they were read, and their ids go too."""

from datetime import timedelta

import pytest
from tests.engine.crowd import crowd

from towpath.clock import Instant
from towpath.engine import retention
from towpath.engine.intake import Intake
from towpath.engine.retention import Retention
from towpath.ids import WorkspaceId
from towpath.people.events import EventKind, EventName, Happening
from towpath.store import database, events, workspaces
from towpath.store.database import Db
from towpath.store.events import Event

KEPT = timedelta(days=10)
DAY = timedelta(days=1)
WAITS = """
canvas: Walk
entry: {on: [{event: paid}], first: end}
steps: {end: {kind: exit}}
"""


def did(db: Db, workspace: WorkspaceId, at: Instant, count: int = 1) -> None:
    """Somebody paid, and it was received at that moment."""
    happening = Happening(EventName(EventKind.EVENT, "paid"), at, None)
    with db.transaction():
        workspaces.lock(db, workspace)
        events.append(db, workspace, [Event(0, happening)] * count, at)
        digests = [events.id_digest(f"{at} {number}") for number in range(count)]
        events.take_new(db, workspace, digests, at)


def days(db: Db) -> set[str]:
    """The days of receipt of all events that there are."""
    return {f"{row[0]:%m-%d}" for row in db.execute("select received_at from event").fetchall()}


def seen(db: Db) -> int:
    """How many ids of events are remembered."""
    return len(db.execute("select from event_seen").fetchall())


def test_days_go_when_the_last_moment_of_them_is_old_enough(
    db: Db, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SEEN_FORGOTTEN", 5)
    workspace = workspaces.ensure_default(db, now).id
    for ago in (30, 12, 11, 10, 1):
        did(db, workspace, now - ago * DAY, count=8)
    assert days(db) == {"01-30", "02-17", "02-18", "02-19", "02-28"}
    service = Retention(db, KEPT)
    while service.tick(now):
        pass
    # 10 days ago at noon: the day itself ended less than 10 days ago.
    assert days(db) == {"02-19", "02-28"}
    assert seen(db) == 16
    did(db, workspace, now)  # and today's partition is there
    assert not service.tick(now + timedelta(minutes=59)), "it looks once an hour"
    while service.tick(now + DAY):
        pass
    assert days(db) == {"02-28", "03-01"}


def test_what_an_intake_has_not_read_stays(db: Db, now: Instant) -> None:
    told = crowd(db, now, 1, WAITS)
    did(db, told.workspace, now)
    service = Retention(db, KEPT)
    assert not service.tick(now + 20 * DAY)
    assert days(db) == {"03-01"}
    Intake(db).tick(now + 20 * DAY)
    assert service.tick(now + 21 * DAY)
    assert days(db) == set()


def test_who_reads_for_long_is_not_waited_for(db: Db, database_url: str, now: Instant) -> None:
    workspace = workspaces.ensure_default(db, now).id
    did(db, workspace, now)
    service = Retention(db, KEPT)
    with database.connect(database_url) as reader:
        with reader.transaction():
            reader.execute("select from event")
            assert not service.tick(now + 20 * DAY)
        assert service.tick(now + 21 * DAY)
    assert days(db) == set()
