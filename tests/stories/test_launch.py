"""Stories of the launch, and of what an operator does to a Canvas that runs."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage, stage

from towpath.api import launching
from towpath.canvas.findings import findings_text
from towpath.canvas.parse import parse_canvas
from towpath.engine.advance import Advance
from towpath.errors import ConflictError
from towpath.store import canvases, waves
from towpath.store.canvases import CanvasState
from towpath.store.database import Db
from towpath.store.tallies import Change

EMPTY = "canvas: Winback\nentry: {at: launch, first: add}\nsteps: {add: {kind: audience_sync}}"
DELAYED = canvas(wait="{kind: delay, for: 1h, next: add}", add=sync())


def test_a_canvas_is_not_launched_while_anything_is_missing(told: Stage) -> None:
    """S015, S033, S034, S035, S036, S073, S075: partner, ad account, audience and fields are each
    named at once, with what to do; nobody enters."""
    told.people("ana")
    graph = parse_canvas(EMPTY.encode())
    launching.save(told.db, told.workspace, graph, told.now)
    found = told.canvas("Winback")
    version, findings = told.runner.run(
        launching.launch(told.db, told.workspace, found, told.reach, told.now)
    )
    assert version is None
    assert [finding.code for finding in findings] == [
        "partner_missing",
        "ad_account_missing",
        "audience_missing",
        "fields_missing",
    ]
    assert all(finding.step == "add" and finding.hint for finding in findings)
    assert all("steps.add" in line for line in findings_text(findings))
    assert told.canvas("Winback").state is CanvasState.DRAFT
    told.wait(seconds=10)
    assert waves.count(told.db) == (0, 0)


def test_a_canvas_is_not_launched_without_a_connection(db: Db, tmp_path: Path) -> None:
    """S015, S074: TikTok was never connected."""
    with stage(db, tmp_path) as told:
        assert [finding.code for finding in told.findings(canvas(add=sync()))] == ["not_connected"]


def test_a_canvas_is_not_launched_on_an_ad_account_of_others(told: Stage) -> None:
    """S017, S034: the connection does not reach it."""
    text = canvas(add=sync()).replace("ACCOUNT", "7999999999999999999")
    assert [finding.code for finding in told.findings(text)] == ["ad_account_unknown"]


def test_a_removal_from_an_audience_that_nobody_fills_is_a_finding(told: Stage) -> None:
    """S039: an audience can be named for removal once a step of the draft creates it."""
    text = canvas(remove=sync(action="remove"))
    assert [finding.code for finding in told.findings(text)] == ["audience_not_created"]
    later = "{kind: delay, for: 1h, next: remove}"
    text = canvas(add=sync(next_step="later"), later=later, remove=sync(action="remove"))
    assert told.findings(text) == []


def test_launching_twice_lets_people_in_once(told: Stage) -> None:
    """S046: a second click finds that it runs."""
    told.people("ana")
    version = told.launch(canvas(add=sync()))
    with pytest.raises(ConflictError, match="running"):
        told.launch(canvas(add=sync()))
    told.wait(seconds=6)
    assert told.counters(version, "add").entered == 1
    found = told.canvas("Winback")
    assert len(canvases.versions(told.db, told.workspace, found.id)) == 1


def test_a_pause_holds_everybody_where_they_are(told: Stage) -> None:
    """S030, S048: an hour's delay, paused for two: Ana's time passes and she stands; resumed, she
    goes on at once."""
    told.people("ana")
    version = told.launch(DELAYED)
    told.wait(minutes=30)
    told.pause("Winback")
    told.wait(hours=2)
    assert told.counters(version, "wait") == Change(entered=1)
    assert told.resume("Winback") == 0
    told.wait(seconds=6)
    assert told.counters(version, "add") == Change(1, 1, synced=1, exited=1)


def test_a_pause_holds_people_at_the_door(told: Stage) -> None:
    """S046: paused before anybody entered; resumed, they enter."""
    told.people("ana")
    version = told.launch(canvas(add=sync()))
    told.pause("Winback")
    told.wait(minutes=5)
    assert told.counters(version, "add").entered == 0
    told.resume("Winback")
    told.wait(seconds=6)
    assert told.counters(version, "add").synced == 1


def test_on_resume_overdue_people_may_leave_instead(told: Stage) -> None:
    """S067: Ana was due during the pause and leaves; Bruno, who came later, walks on."""
    told.people("ana")
    text = DELAYED.replace("at: launch", "at: launch, reentry: always")
    first = told.launch(text)
    told.wait(minutes=50)
    told.pause("Winback")
    told.wait(minutes=20)
    assert told.resume("Winback", exit_overdue=True) == 1
    told.wait(seconds=1)
    assert told.counters(first, "wait") == Change(entered=1, exited=1)
    told.wait(hours=1)
    assert told.counters(first, "add") == Change()
    assert told.sent() == []


def test_overdue_people_at_a_sync_step_leave_as_not_synced(told: Stage) -> None:
    """S063, S067: Ana stood at the sync step when the Canvas was paused; the sum holds."""
    told.people("ana")
    version = told.launch(DELAYED)
    told.wait(seconds=1)
    told.now += timedelta(hours=1, minutes=1)
    told.service(Advance).tick(told.now)
    assert told.counters(version, "add") == Change(entered=1, pending=1)
    told.pause("Winback")
    told.wait(minutes=1)
    assert told.resume("Winback", exit_overdue=True) == 1
    told.wait(seconds=1)
    assert told.counters(version, "add") == Change(entered=1, not_synced=1, exited=1)
    assert told.reasons(version, "add") == {"not_synced": {"left_canvas": 1}}
    told.wait(minutes=1)
    assert told.sent() == []


def test_after_a_stop_nobody_enters_and_whose_time_comes_leaves(told: Stage) -> None:
    """S067: Ana waits inside when the Canvas is stopped; her time comes, and she leaves."""
    told.people("ana")
    version = told.launch(DELAYED)
    told.wait(minutes=30)
    told.stop("Winback")
    told.wait(hours=1)
    assert told.counters(version, "wait") == Change(entered=1, exited=1)
    assert told.counters(version, "add") == Change()
    assert waves.standing(told.db, version) == {}


def test_people_who_are_pending_when_it_stops_are_synced_all_the_same(told: Stage) -> None:
    """S064: they had left the step already; what was promised is done."""
    told.people("ana")
    version = told.launch(canvas(add=sync()))
    told.wait(seconds=2)
    told.stop("Winback")
    told.wait(seconds=6)
    assert told.counters(version, "add") == Change(1, 1, synced=1, exited=1)


def test_an_edit_of_a_running_canvas_waits_for_its_next_version(told: Stage) -> None:
    """S046: a launched version never changes; the draft beside it does."""
    told.people("ana")
    version = told.launch(DELAYED)
    told.apply(canvas(add=sync("another")))
    told.wait(hours=1, minutes=2)
    assert told.at_tiktok("winback") == {"ana"}
    assert told.at_tiktok("another") == set()
    assert told.counters(version, "wait").advanced == 1
