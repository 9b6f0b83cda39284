"""The counters: everybody leaves `waiting` once, and the sums hold."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.test_events import ACTIONS, EVENTS, FIELDS, SOME

from towpath.ids import ArrivalId
from towpath.ledger.arrivals import (
    Closing,
    Counter,
    OpenArrival,
    Reason,
    close_keyless,
    give_up,
    settle,
    supersede,
    synced_at_once,
)
from towpath.ledger.events import Arrived, Event, Settled, Settling, apply
from towpath.ledger.state import FieldState, LedgerState
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people, union

EMAIL = MatchField.EMAIL
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@st.composite
def open_arrivals(draw: st.DrawFn) -> list[OpenArrival]:
    """A few arrivals, some overdue."""
    return [
        OpenArrival(
            ArrivalId(number),
            draw(ACTIONS),
            draw(FIELDS),
            draw(SOME),
            NOW - HOUR,
            NOW + HOUR * draw(st.integers(-1, 1)),
        )
        for number in range(draw(st.integers(0, 4)))
    ]


def one(
    action: Action, members: list[int], deadline: datetime = NOW, number: int = 1
) -> OpenArrival:
    """An arrival of the field e-mail."""
    return OpenArrival(ArrivalId(number), action, (EMAIL,), people(members), NOW - HOUR, deadline)


@given(st.lists(EVENTS, max_size=8), open_arrivals(), SOME)
def test_everybody_leaves_once(
    log: list[Event], arrivals: list[OpenArrival], in_flight: PeopleSet
) -> None:
    state, closing = LedgerState(), Closing.of(arrivals)
    for event in log:
        apply(state, event)
        if isinstance(event, Arrived):
            supersede(closing, event, arrivals, in_flight)
        elif isinstance(event, Settled):
            settle(closing, state, event, arrivals, in_flight)
    attempted = {arrival.id: in_flight for arrival in arrivals}
    give_up(closing, state, arrivals, attempted, NOW)
    for arrival in arrivals:
        left = [closed.members for closed in closing.closed if closed.arrival == arrival.id]
        assert all(left)
        assert sum(map(len, left)) + len(closing.waiting[arrival.id]) == len(arrival.waiting)
        assert union(left) | closing.waiting[arrival.id] == arrival.waiting


def test_nobody_is_given_up_without_an_attempt() -> None:
    state = LedgerState({EMAIL: FieldState(want=people([1, 2]))})
    arrivals = [one(Action.ADD, [1, 2])]
    closing = Closing.of(arrivals)
    (given_up,) = give_up(closing, state, arrivals, {ArrivalId(1): people([1])}, NOW)
    assert given_up.members == people([1])
    assert closing.waiting[ArrivalId(1)] == people([2])


def test_nobody_is_parked_who_still_waits_elsewhere() -> None:
    state = LedgerState({EMAIL: FieldState(want=people([1, 2, 3]))})
    arrivals = [
        one(Action.ADD, [1, 2, 3]),
        one(Action.ADD, [2], NOW + HOUR, number=2),
        one(Action.ADD, [3], NOW, number=3),
    ]
    closing = Closing.of(arrivals)
    attempted = {ArrivalId(1): people([1, 2, 3])}
    (given_up,) = give_up(closing, state, arrivals, attempted, NOW)
    assert given_up.members == people([1])
    assert not closing.waiting[ArrivalId(1)]


def test_an_errored_person_who_changed_their_mind_is_not_parked() -> None:
    state = LedgerState({EMAIL: FieldState(acked=people([1]))})
    arrivals = [one(Action.ADD, [1])]
    closing = Closing.of(arrivals)
    assert give_up(closing, state, arrivals, {ArrivalId(1): people([1])}, NOW) == []


def test_a_refused_removal_closes_the_add_that_came_meanwhile() -> None:
    """Rule 6: they are in already, and wanted so."""
    state = LedgerState({EMAIL: FieldState(want=people([1]), acked=people([1]))})
    arrivals = [one(Action.REMOVE, [1]), one(Action.ADD, [1], number=2)]
    closing = Closing.of(arrivals)
    refused = Settled(Settling.REFUSED, Action.REMOVE, (EMAIL,), people([1]))
    settle(closing, state, refused, arrivals, people())
    assert [(c.arrival, c.counter, c.reason) for c in closing.closed] == [
        (1, Counter.NOT_SYNCED, Reason.SUPERSEDED),
        (2, Counter.SYNCED, Reason.KNOWN_IN),
    ]


def test_a_coholder_in_flight_is_not_closed() -> None:
    """Their own answer decides."""
    state = LedgerState({EMAIL: FieldState()})
    applied = Settled(
        Settling.APPLIED, Action.REMOVE, (EMAIL,), people([1]), coholders=people([2, 3])
    )
    arrivals = [one(Action.REMOVE, [2, 3])]
    closing = Closing.of(arrivals)
    settle(closing, state, applied, arrivals, people([2]))
    assert [set(closed.members) for closed in closing.closed] == [{3}]


def test_who_gave_up_is_parked_by_fields_nobody_waits_for() -> None:
    both = (EMAIL, MatchField.PHONE)
    state = LedgerState({name: FieldState(want=people([1])) for name in both})
    over = OpenArrival(ArrivalId(1), Action.ADD, both, people([1]), NOW - HOUR, NOW)
    younger = one(Action.ADD, [1], number=2, deadline=NOW + HOUR)
    arrivals = [over, younger]
    parked = give_up(Closing.of(arrivals), state, arrivals, {ArrivalId(1): people([1])}, NOW)
    assert [(one.fields, set(one.members)) for one in parked] == [((MatchField.PHONE,), {1})]


def test_in_flight_is_not_synced_at_once() -> None:
    state = LedgerState({EMAIL: FieldState(want=people([1, 2]), acked=people([1, 2]))})
    arrived = Arrived(Action.ADD, (EMAIL,), people([1, 2, 3]))
    assert synced_at_once(state, arrived, people([2])) == people([1])


def test_who_has_no_key_left_waits_for_nothing() -> None:
    """A later arrival finds them without a key: nothing will ever be sent for the earlier one."""
    waiting = one(Action.REMOVE, people([1, 2]))
    state = LedgerState({EMAIL: FieldState(maybe=people([1, 2]), keyless=people([1]))})
    closing = Closing.of([waiting])
    close_keyless(closing, state, [waiting], people([1, 2]))
    assert [(found.reason, list(found.members)) for found in closing.closed] == [
        (Reason.NO_MATCH_KEY, [1])
    ]
    assert list(closing.waiting[waiting.id]) == [2]
