"""How long an answer may bite, what must be repeated, and when a failure is tried again."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from towpath.ledger.events import Settling
from towpath.ledger.sharing import HeldKey
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


def removed(members: list[int], end: datetime, *omitted: int) -> OpenWindow:
    """A removal's window, of both fields; of `omitted` the e-mail was left out."""
    return OpenWindow(Action.REMOVE, (EMAIL, PHONE), people(members), {EMAIL: people(omitted)}, end)


def added(members: list[int], *fields: MatchField) -> OpenWindow:
    """An applied add."""
    return OpenWindow(Action.ADD, fields, people(members), {}, NOW + SPANS.processing)


def test_only_windows_that_end_after_the_start_count() -> None:
    ours = added([1, 2], EMAIL)
    for end, count in ((NOW, 0), (NOW + timedelta(microseconds=1), 1)):
        found = resends(ours, [], NOW, [removed([2, 3], end)])
        assert [(one.action, one.fields, set(one.members), one.due_at) for one in found] == [
            (Action.ADD, (EMAIL,), {2}, end)
        ] * count


def test_only_keys_that_both_carry_count() -> None:
    """Repeats over different keys would call for each other for ever."""
    ours = added([1, 2, 3], EMAIL, PHONE)
    found = resends(ours, [], NOW, [removed([2, 3], NOW + HOUR, 3)])
    assert [(one.fields, set(one.members)) for one in found] == [
        ((EMAIL,), {2}),
        ((PHONE,), {2, 3}),
    ]
    window = OpenWindow(Action.REMOVE, (PHONE,), people([1]), {}, NOW + HOUR)
    assert resends(added([1], EMAIL), [], NOW, [window]) == []


def test_a_shared_key_binds_whoever_sends_it() -> None:
    keys = [HeldKey(EMAIL, people([2, 9]), people()), HeldKey(PHONE, people([3, 8]), people())]
    ours = added([1, 2, 3], EMAIL)
    assert [set(one.members) for one in resends(ours, keys, NOW, [removed([9], NOW + HOUR)])] == [
        {2}
    ]
    assert resends(ours, keys, NOW, [removed([8], NOW + HOUR)]) == []
    assert resends(ours, keys, NOW, [removed([9], NOW + HOUR, 9)]) == []


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
