"""Editing a Canvas while it runs: where everybody goes, and that every sum holds (I-14, I-17)."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.engine.crowd import WALK, Crowd, at_once, crowd

from towpath.canvas.graph import Graph
from towpath.canvas.parse import parse_canvas
from towpath.cli.compose import windows
from towpath.clock import Instant
from towpath.engine.advance import Advance
from towpath.engine.entrance import Entrance
from towpath.errors import ConflictError
from towpath.ids import StepId, VersionId
from towpath.settings import Settings
from towpath.store import audit, canvases, database, publishing, tallies, waves
from towpath.store.canvases import CanvasState
from towpath.store.database import Db
from towpath.store.publishing import Published
from towpath.store.tallies import Change

SPANS = windows(Settings())
GONE = parse_canvas(
    WALK.replace("wait: {kind: delay, for: 10s, next: split}", "pause: {kind: exit}").replace(
        "first: wait", "first: split"
    )
)
LONGER = parse_canvas(WALK.replace("for: 20s", "for: 40s"))


def entered(db: Db, now: Instant, count: int = 100) -> Crowd:
    found = crowd(db, now, count)
    assert Entrance(db).tick(now)
    return found


def publish(found: Crowd, draft: Graph, now: Instant, **redirects: str | None) -> Published:
    canvas = canvases.read(found.db, found.workspace, found.canvas)
    revision = canvases.save_draft(
        found.db, found.workspace, found.canvas, draft, revision=canvas.revision, now=now
    )
    return publishing.publish(
        found.db,
        found.workspace,
        found.canvas,
        revision=revision,
        audiences={},
        redirects={
            StepId(step): None if to is None else StepId(to) for step, to in redirects.items()
        },
        now=now,
    )


def walk(db: Db, now: Instant, seconds: float) -> Instant:
    """Let everybody move who may until then."""
    later = now + timedelta(seconds=seconds)
    advance = Advance(db, SPANS)
    while advance.tick(later):
        pass
    return later


def counters(db: Db, version: VersionId, step: str) -> Change:
    return tallies.read(db, version).get(StepId(step), Change())


def check_books(db: Db) -> None:
    assert audit.run(db) == []


def test_people_go_on_waiting_in_the_new_version_with_the_time_they_have(
    db: Db, now: Instant
) -> None:
    found = entered(db, now)
    walk(db, now, 5)
    new = publish(found, LONGER, now + timedelta(seconds=5))
    assert [(one.step, one.people, one.how) for one in new.moves] == [("wait", 100, "stays")]
    assert waves.standing(db, found.version) == {}
    check_books(db)
    walk(db, now, 11)  # the ten seconds that they had, and no more
    assert waves.standing(db, new.version) == {StepId("further"): 50}
    assert counters(db, found.version, "wait") == Change()
    assert counters(db, new.version, "wait") == Change(entered=100, advanced=100)
    check_books(db)
    walk(db, now, 60)
    assert found.standing() == 0
    assert counters(db, new.version, "end").exited == 100
    check_books(db)


def test_people_of_a_step_that_is_gone_leave_or_go_where_somebody_said(
    db: Db, now: Instant
) -> None:
    found = entered(db, now)
    new = publish(found, GONE, now)
    assert [(one.people, one.to, one.how) for one in new.moves] == [(100, None, "leaves")]
    walk(db, now, 1)
    assert waves.standing(db, new.version) == waves.standing(db, found.version) == {}
    assert counters(db, found.version, "wait") == Change(entered=100, exited=100)
    check_books(db)


def test_a_redirect_leads_people_to_a_step_of_the_new_version(db: Db, now: Instant) -> None:
    found = entered(db, now)
    new = publish(found, GONE, now, wait="further")
    walk(db, now, 1)
    assert waves.standing(db, new.version) == {StepId("further"): 100}
    assert counters(db, new.version, "further").entered == 100
    check_books(db)
    walk(db, now, 25)
    assert counters(db, new.version, "end").exited == 100
    check_books(db)


def test_whoever_claimed_a_wave_before_cannot_move_it_any_more(db: Db, now: Instant) -> None:
    found = entered(db, now)
    later = now + timedelta(seconds=11)
    advance = Advance(db, SPANS)
    claimed = advance.claim(later)
    assert claimed is not None
    publish(found, LONGER, later)
    assert not advance.move(claimed, later)
    walk(db, later, 1)
    check_books(db)


def test_nobody_enters_twice_because_an_edit_was_published(db: Db, now: Instant) -> None:
    found = entered(db, now)
    publish(found, LONGER, now)
    assert not Entrance(db).tick(now + timedelta(hours=1))
    assert found.standing() + waves.count(db)[1] == 100
    waiting = crowd(db, now, 0, WALK.replace("canvas: Walk", "canvas: Other"))
    publish(waiting, parse_canvas(WALK.replace("canvas: Walk", "canvas: Other")), now)
    assert Entrance(db).tick(now)
    check_books(db)


def test_twenty_launches_at_once_are_one_run(db: Db, database_url: str, now: Instant) -> None:
    """I-14: a double click, two browsers, a retried call."""
    found = crowd(db, now, 10)
    canvases.stop(db, found.workspace, found.canvas, now)

    def launch(own: Db) -> VersionId | None:
        try:
            return canvases.launch(
                own, found.workspace, found.canvas, revision=1, audiences={}, now=now
            )
        except ConflictError:
            return None

    made = [one for one in at_once(database_url, launch, 20) if one is not None]
    assert len(made) == 1
    assert len(canvases.versions(db, found.workspace, found.canvas)) == 2
    assert Entrance(db).tick(now)
    assert not Entrance(db).tick(now)


def test_only_what_runs_is_published_and_only_as_it_was_read(db: Db, now: Instant) -> None:
    found = crowd(db, now, 1)
    with pytest.raises(ConflictError, match="revision"):
        publishing.publish(
            db,
            found.workspace,
            found.canvas,
            revision=9,
            audiences={},
            redirects={},
            now=now,
        )
    canvases.stop(db, found.workspace, found.canvas, now)
    with pytest.raises(ConflictError, match="cannot be published"):
        publish(found, LONGER, now)
    assert canvases.read(db, found.workspace, found.canvas).state is CanvasState.STOPPED


def test_who_enters_by_a_schedule_while_it_is_published_is_moved_or_counted(
    db: Db, database_url: str, now: Instant
) -> None:
    """The publication waits until whoever lets people in has done so."""
    text = WALK.replace("at: launch", 'schedule: {daily: {at: "13:00"}}, reentry: always')
    found = crowd(db, now, 100, text)
    first = now + timedelta(hours=1)
    assert Entrance(db).tick(first)
    again = first + timedelta(days=1)
    draft = parse_canvas(text.replace("for: 20s", "for: 40s"))
    with database.connect(database_url) as other, ThreadPoolExecutor(1) as pool:
        with db.transaction():
            assert Entrance(db).tick(again)
            done = pool.submit(publish, replace(found, db=other), draft, again)
            time.sleep(0.2)
            assert not done.done()
        new = done.result(10)
    assert waves.standing(db, found.version) == {}
    assert waves.standing(db, new.version) == {"wait": 200}
    check_books(db)


@pytest.mark.parametrize("edited", [True, False])
@pytest.mark.parametrize(
    "entry", ['at: "2026-03-01T12:05:00Z"', 'schedule: {daily: {at: "12:05"}}, reentry: always']
)
def test_an_entry_missed_in_a_pause_takes_place_after_an_edit(
    db: Db, now: Instant, entry: str, edited: bool
) -> None:
    text = WALK.replace("at: launch", entry)
    found = crowd(db, now, 10, text)
    canvases.pause(db, found.workspace, found.canvas, now + timedelta(minutes=4))
    later = now + timedelta(minutes=10)
    if edited:
        publish(found, parse_canvas(text.replace("for: 20s", "for: 40s").encode()), later)
    canvases.resume(db, found.workspace, found.canvas, later)
    while Entrance(db).tick(later + timedelta(minutes=1)):
        pass
    assert sum(map(len, waves.inside(db, found.canvas))) == 10
