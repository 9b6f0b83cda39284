"""What a cause stops and costs, and how long a scope rests when it is hit again."""

import pytest

from towpath.clock import Instant, seconds
from towpath.errors import SettingsError
from towpath.partners.protocol import Answer, AnswerKind, Cause, Scope, longer_pause
from towpath.partners.registry import PARTNERS, partner

THROTTLED = Answer(AnswerKind.REFUSED, Cause.THROTTLED_APP, 40100, pause_s=1.0)


def test_what_each_cause_stops() -> None:
    stops = {cause: cause.scope for cause in Cause if cause.scope is not Scope.REQUEST}
    assert stops == {
        Cause.THROTTLED_APP: Scope.APP,
        Cause.MAINTENANCE: Scope.APP,
        Cause.OURS: Scope.APP,
        Cause.CONNECTION: Scope.CONNECTION,
        Cause.THROTTLED_ACCOUNT: Scope.AD_ACCOUNT,
        Cause.PERMISSION: Scope.AD_ACCOUNT,
        Cause.AD_ACCOUNT: Scope.AD_ACCOUNT,
    }


@pytest.mark.parametrize("cause", Cause)
def test_only_what_lies_in_the_request_costs_a_try(cause: Cause) -> None:
    assert cause.costs_try == (cause.scope is Scope.REQUEST and cause is not Cause.BUSY)
    if cause.may_be_halved:
        assert cause.costs_try, "halving must end"


def test_a_limit_hit_again_within_a_minute_rests_five_minutes(now: Instant) -> None:
    """R17: forty minutes of 40100 are five-minute pauses."""
    assert longer_pause(THROTTLED, now, None) == 1
    assert longer_pause(THROTTLED, now, now - seconds(61)) == 1
    assert longer_pause(THROTTLED, now, now - seconds(59)) == 300
    assert longer_pause(THROTTLED, now, now) == 300


def test_requests_in_flight_together_do_not_lengthen_the_pause(now: Instant) -> None:
    assert longer_pause(THROTTLED, now, now + seconds(1)) == 1


def test_other_causes_keep_their_pause(now: Instant) -> None:
    maintenance = Answer(AnswerKind.REFUSED, Cause.MAINTENANCE, 60001, pause_s=60.0)
    assert longer_pause(maintenance, now, now) == 60
    assert longer_pause(Answer(AnswerKind.UNKNOWN, Cause.SERVER), now, now) is None


def test_partners_are_found_by_name() -> None:
    assert all(found.name == name for name, found in PARTNERS.items())
    assert partner("tiktok").name == "tiktok"
    with pytest.raises(SettingsError, match="tiktok"):
        partner("tictoc")
