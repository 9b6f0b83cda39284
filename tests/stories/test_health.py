"""Stories of health: each break is told apart, with whom it stops, and ends when it is mended."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage

from towpath.partners.tiktok import problems
from towpath.partners.tiktok.problems import Problem
from towpath.sandbox.records import Audience
from towpath.store import health


def token_dead(told: Stage, broken: bool) -> None:
    """The authorisation was removed at TikTok, and given again."""
    told.sandbox.world.grants[told.sandbox.world.token].alive = not broken


def role_lost(told: Stage, broken: bool) -> None:
    """The Business Center's admin took the role in the ad account away."""
    told.sandbox.world.advertisers[told.account].role = not broken


def not_allowlisted(told: Stage, broken: bool) -> None:
    """TikTok took the app off the allowlist."""
    told.sandbox.world.apps[told.sandbox.world.app_id].allowlisted = not broken


def account_closed(told: Stage, broken: bool) -> None:
    """The ad account was disabled."""
    told.sandbox.world.advertisers[told.account].enabled = not broken


def audience_deleted(told: Stage, broken: bool) -> None:
    """Somebody deleted the audience in TikTok's Ads Manager."""
    there = told.sandbox.world.audiences
    if broken:
        ref = told.audience_ref("winback")
        _DROPPED[ref] = there.pop(ref)
    else:
        there.update(_DROPPED)
        _DROPPED.clear()


_DROPPED: dict[str, Audience] = {}
BREAKS = [
    (token_dead, Problem.TOKEN_DEAD, "connection", 40105),
    (role_lost, Problem.ROLE_LOST, "ad account", 40001),
    (not_allowlisted, Problem.NOT_ALLOWLISTED, "ad account", 40118),
    (account_closed, Problem.AD_ACCOUNT_CLOSED, "ad account", 40300),
    (audience_deleted, Problem.AUDIENCE_DELETED, "audience", 40007),
]


@pytest.mark.parametrize(("befalls", "problem", "subject", "code"), BREAKS)
def test_each_break_is_told_apart_until_it_is_mended(
    told: Stage, befalls: Callable[[Stage, bool], None], problem: Problem, subject: str, code: int
) -> None:
    told.people("ana", "bruno")
    told.launch(canvas(add=sync()))
    assert health.read(told.db, told.workspace, told.now) == []
    befalls(told, True)
    broke_at = told.now
    told.wait(minutes=8)
    (ill,) = health.read(told.db, told.workspace, told.now)
    assert (ill.subject, [one.name for one in ill.stops]) == (subject, ["Winback"])
    assert problems.read(ill.cause, ill.code) == (problem, code)
    assert ill.since is not None
    assert ill.since - broke_at < timedelta(minutes=1)
    assert ill.message
    befalls(told, False)
    told.wait(minutes=20)
    assert health.read(told.db, told.workspace, told.now) == []
