"""Giving up: who was in an attempt, and with which answer they are errored."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from towpath.clock import Instant, instant
from towpath.engine.deadlines import tried_of
from towpath.ids import ArrivalId, RequestId
from towpath.ledger.arrivals import OpenArrival
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people, union
from towpath.store.requests import Attempt

NOON = instant("2026-03-01T12:00:00Z")
SETS = st.sets(st.integers(0, 9)).map(people)
MINUTES = st.integers(0, 9).map(lambda minutes: NOON + timedelta(minutes=minutes))


def arrival(number: int, waiting: PeopleSet) -> OpenArrival:
    """An overdue arrival."""
    fields = (MatchField.EMAIL,)
    return OpenArrival(ArrivalId(number), Action.ADD, fields, waiting, NOON, NOON)


@given(st.lists(st.tuples(SETS, MINUTES)), st.lists(st.tuples(SETS, MINUTES)))
def test_who_was_tried_since_they_came_and_by_which_request_last(
    came: list[tuple[PeopleSet, Instant]], sent: list[tuple[PeopleSet, Instant]]
) -> None:
    """The request that is named has tried somebody of them, and is the newest that did."""
    overdue = [arrival(number, waiting) for number, (waiting, _) in enumerate(came)]
    since = {ArrivalId(number): at for number, (_, at) in enumerate(came)}
    attempts = [
        Attempt(RequestId(number), None, None, at, members)
        for number, (members, at) in enumerate(sorted(sent, key=lambda one: one[1], reverse=True))
    ]
    found = {one: (who, by) for one, who, by in tried_of(overdue, since, iter(attempts))}
    for one in overdue:
        mine = [each for each in attempts if each.started_at >= since[one.id]]
        mine = [each for each in mine if each.members & one.waiting]
        if not mine:
            assert one.id not in found
            continue
        assert found[one.id] == (union(each.members for each in mine) & one.waiting, mine[0])


def test_no_more_attempts_are_read_than_are_needed() -> None:
    """Thirteen hours of tries of ten million people need not be read when the last one tells."""
    attempts = iter(
        Attempt(RequestId(number), None, None, NOON, people([1])) for number in range(1_000)
    )
    overdue = [arrival(number, people([1])) for number in range(10)]
    since = {one.id: NOON - timedelta(hours=13) for one in overdue}
    assert len(list(tried_of(overdue, since, attempts))) == 10
    assert len(list(attempts)) >= 998
