"""How long an answer may bite, what must be repeated, and when a failure is tried again."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from towpath.ledger.events import Settling
from towpath.ledger.windows import OpenWindow, Resend, Windows, come_due, resends
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import people

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPANS = Windows()
EMAIL, PHONE = MatchField.EMAIL, MatchField.PHONE


def test_window_ends() -> None:
    """Counted from the answer; for an unknown one from the lease's end, whenever it came."""
    lease = NOW + SPANS.lease
    assert SPANS.end(Settling.APPLIED, lease, NOW) == NOW + SPANS.processing
    unknown = SPANS.end(Settling.UNKNOWN, lease, NOW)
    assert unknown == lease + SPANS.acceptance + SPANS.processing
    assert SPANS.end(Settling.REFUSED, lease, NOW) is None


@given(st.integers(1, 10_000), st.integers(0, 2**32))
def test_retries_double_to_ten_minutes(tries: int, seed: int) -> None:
    wait = SPANS.retry_at(NOW, tries, Random(seed)) - NOW
    doubled = min(SPANS.retry_first * 2 ** min(tries - 1, 7), SPANS.retry_most)
    assert doubled * 0.79 <= wait <= doubled * 1.21


def window(
    members: list[int], coholders: list[int], sharing: list[int], end: datetime
) -> OpenWindow:
    """A removal's window."""
    return OpenWindow(Action.REMOVE, people(members), people(coholders), people(sharing), end)


def added(members: list[int], coholders: list[int], sharing: list[int]) -> OpenWindow:
    """An applied add."""
    return OpenWindow(
        Action.ADD, people(members), people(coholders), people(sharing), NOW + SPANS.processing
    )


def test_only_windows_that_end_after_the_start_count() -> None:
    ours = added([1, 2], [], [])
    for end, count in ((NOW, 0), (NOW + timedelta(microseconds=1), 1)):
        found = resends(ours, (EMAIL,), NOW, [window([2, 3], [], [], end)])
        assert [(one.action, set(one.members), one.due_at) for one in found] == [
            (Action.ADD, {2}, end)
        ] * count


def test_a_coholder_binds_all_who_share() -> None:
    ours = added([1, 2, 3], [9], [2, 3])
    assert set(resends(ours, (EMAIL,), NOW, [window([9], [2], [9], NOW + HOUR)])[0].members) == {
        2,
        3,
    }
    assert set(resends(ours, (EMAIL,), NOW, [window([8], [3], [8], NOW + HOUR)])[0].members) == {
        2,
        3,
    }
    assert resends(ours, (EMAIL,), NOW, [window([8], [7], [8], NOW + HOUR)]) == []


def test_a_later_repeat_of_the_same_action_and_field_is_enough() -> None:
    ended = [Resend(Action.REMOVE, (EMAIL, PHONE), people([1, 2]), NOW)]
    later = [
        Resend(Action.REMOVE, (PHONE,), people([1]), NOW + HOUR),
        Resend(Action.ADD, (EMAIL,), people([2]), NOW + HOUR),
    ]
    found = {(one.action, one.fields): set(one.members) for one in come_due(ended, later)}
    assert found == {
        (Action.REMOVE, (EMAIL,)): {1, 2},
        (Action.REMOVE, (PHONE,)): {2},
    }
