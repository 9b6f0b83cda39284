"""Stories of trying for thirteen hours: until when, with what cause, and what becomes of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage

from towpath.api.troubles import Trouble
from towpath.clock import Instant
from towpath.store.tallies import Change

THIRTEEN_HOURS = timedelta(hours=13)


def throttled(told: Stage) -> None:
    """TikTok lets nobody through."""
    told.sandbox.faults.set(1.0, {"40100_dropped": 1.0})


def token_invalid(told: Stage) -> None:
    """The authorisation was removed at TikTok."""
    told.sandbox.world.grants[told.sandbox.world.token].alive = False


def audience_deleted(told: Stage) -> None:
    """Somebody deleted the audience in TikTok's Ads Manager."""
    told.sandbox.world.drop_audience(told.audience_ref("winback"))


def role_lost(told: Stage) -> None:
    """The Business Center's admin took the role in the ad account away."""
    told.sandbox.world.advertisers[told.account].role = False


@pytest.mark.parametrize(
    ("befalls", "code"),
    [(throttled, 40100), (token_invalid, 40105), (audience_deleted, 40007), (role_lost, 40001)],
)
def test_people_are_errored_after_thirteen_hours_and_not_before(
    told: Stage, befalls: Callable[[Stage], None], code: int
) -> None:
    """S055, S056, S065, S066, S069: at 12:59:59 Ana and Bruno are pending; at 13:00:01 they are
    errored, with the last code and TikTok's request id, whatever the cause was."""
    told.people("ana", "bruno")
    came = told.now
    version = told.launch(canvas(add=sync()))
    befalls(told)
    told.wait(seconds=1)
    until(told, came + THIRTEEN_HOURS - timedelta(seconds=1))
    assert told.counters(version, "add") == Change(2, 2, pending=2, exited=2)
    until(told, came + THIRTEEN_HOURS + timedelta(seconds=1))
    assert told.counters(version, "add") == Change(2, 2, errored=2, exited=2)
    (outcome,) = told.errored(version)
    assert outcome.code == code
    refs = {row.request_id for row in told.sandbox.log.rows if row.code == code}
    assert outcome.partner_request_ref in refs
    asked = len(told.sandbox.log.rows)
    assert asked < 13 * 60 + 60, "TikTok is asked at most about once a minute"
    told.wait(hours=1)
    assert told.counters(version, "add").errored == 2, "errored stays errored"


def test_whoever_comes_in_again_gets_thirteen_hours_of_their_own(told: Stage) -> None:
    """S055, S056: Bruno comes twelve hours after Ana; when she is given up, he is still tried, and
    synced as soon as TikTok lets him in."""
    throttled(told)
    told.people("ana")
    first = told.launch(canvas("First", add=sync()))
    told.wait(hours=12)
    told.people("bruno")
    second = told.launch(canvas("Second", entry=ONLY_BRUNO, add=sync()))
    told.wait(hours=1, minutes=10)
    assert told.counters(first, "add").errored == 1
    assert told.counters(second, "add").pending == 1
    told.sandbox.faults.set(0.0)
    told.wait(minutes=15)
    assert told.counters(second, "add").synced == 1
    assert told.at_tiktok("winback") == {"bruno"}


def test_one_bad_hour_is_not_the_end(told: Stage) -> None:
    """S055: TikTok fails for an hour with everything it has; then all are synced, once."""
    told.sandbox.faults.set(1.0)
    told.people("ana", "bruno", "chiara")
    version = told.launch(canvas(add=sync()))
    told.wait(hours=1)
    told.sandbox.faults.set(0.0)
    told.wait(minutes=20)
    assert told.counters(version, "add") == Change(3, 3, synced=3, exited=3)
    assert told.at_tiktok("winback") == {"ana", "bruno", "chiara"}


def test_nobody_is_errored_for_an_outage_of_ours(told: Stage) -> None:
    """S056: Towpath itself stood still for 20 hours; its people get their attempt first."""
    told.people("ana")
    version = told.launch(canvas(add=sync()))
    told.wait(seconds=1)
    told.now += timedelta(hours=20)
    told.wait(seconds=6)
    assert told.counters(version, "add") == Change(1, 1, synced=1, exited=1)


def test_a_deleted_audience_shows_at_once(told: Stage) -> None:
    """S066: nobody has to wait thirteen hours to hear of it."""
    told.people("ana")
    version = told.launch(canvas(add=sync()))
    audience_deleted(told)
    told.wait(seconds=6)
    trouble: Trouble | None = told.trouble(version, "add")
    assert trouble is not None
    assert "no such audience" in trouble.message
    assert trouble.remedy


def until(told: Stage, moment: Instant) -> None:
    """Let time pass to that moment."""
    told.wait(seconds=(moment - told.now).total_seconds())


ONLY_BRUNO = "at: launch, filter: {attribute: external_id, is: bruno}"
