"""Stories of the sync log: what was sent, in how many tries, for whom, and how long it took."""

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage

from towpath.api import sync_log
from towpath.api.pages import Asked
from towpath.api.sync_log import RequestRow
from towpath.errors import NotFoundError
from towpath.store import workspaces
from towpath.store.sync_log import Wanted


def log(
    told: Stage, *, limit: int = 50, after: int | None = None, **wanted: str
) -> list[RequestRow]:
    """The log's rows as the API gives them."""
    audience, state, action = (wanted.get(one) for one in ("audience", "state", "action"))
    asked = sync_log.wanted(audience, state, action, None, None, None)
    return sync_log.listed(told.db, told.workspace, asked, Asked(limit, after)).items


def test_a_request_is_logged_with_all_that_the_partner_said(told: Stage) -> None:
    told.people("ana", "bruno")
    told.launch(canvas(add=sync()))
    told.wait(seconds=10)
    (one,) = log(told)
    assert (one.audience, one.action, one.fields, one.people) == ("winback", "add", ["email"], 2)
    assert one.audience_id == told.audience_ref("winback")
    assert (one.attempt, one.state, one.code, one.message) == (1, "applied", 0, None)
    (sent,) = told.sent()
    assert one.partner_request_ref == sent.request_id
    assert one.answered_at is not None
    whole = sync_log.shown(told.db, told.workspace, one.id)
    assert [row.id for row in whole.line] == [one.id]
    (origin,) = whole.people_from
    assert (origin.canvas, origin.step, origin.people) == ("Winback", "add", 2)
    assert whole.people_from_elsewhere == 0
    assert log(told, state="refused") == log(told, action="remove") == []
    with pytest.raises(NotFoundError):
        log(told, audience="never made")
    other = workspaces.create(told.db, "other", told.now)
    assert sync_log.listed(told.db, other.id, Wanted(), Asked(5, None)).items == []
    with pytest.raises(NotFoundError):
        sync_log.shown(told.db, other.id, one.id)


def test_a_line_of_tries_is_shown_whole_and_pages_go_back(told: Stage) -> None:
    told.people("ana")
    told.sandbox.faults.set(1.0)
    told.launch(canvas(add=sync()))
    told.wait(minutes=10)
    told.sandbox.faults.set(0.0)
    told.wait(minutes=20)
    rows = log(told)
    assert [row.id for row in rows] == sorted((row.id for row in rows), reverse=True)
    assert rows[0].state == "applied"
    assert rows[-1].state in {"refused", "unknown"}
    whole = sync_log.shown(told.db, told.workspace, rows[0].id)
    assert len(whole.line) > 1
    assert whole.line[1].parent == whole.line[0].id
    assert {row.root for row in whole.line[1:]} == {whole.line[0].id}
    (origin,) = whole.people_from
    assert (origin.step, origin.people) == ("add", 1)
    assert [row.id for row in log(told, limit=1)] == [rows[0].id]
    assert log(told, after=rows[0].id) == rows[1:]


def test_enter_to_accepted_is_reckoned_for_each_person(told: Stage) -> None:
    """Nineteen are accepted after the flush; one of twenty only when TikTok is well again."""
    told.people(*(f"p{n}" for n in range(19)))
    told.launch(canvas(entry='"on": [{event: buy}]', add=sync()))
    for n in range(19):
        told.did(f"p{n}", "buy")
    told.wait(seconds=30)
    told.people("late")
    told.sandbox.faults.set(1.0)
    told.did("late", "buy")
    told.wait(minutes=10)
    told.sandbox.faults.set(0.0)
    told.wait(minutes=20)
    canvas_found = told.canvas("Winback")
    told_of = sync_log.accepted(told.db, told.workspace, canvas_found, told.now)
    one = told_of.steps["add"]
    assert one.people == 20
    assert 4 <= one.p50_s <= one.p95_s <= 7
    told.wait(hours=2)
    later = sync_log.accepted(told.db, told.workspace, canvas_found, told.now, hours=1)
    assert later.steps == {}
