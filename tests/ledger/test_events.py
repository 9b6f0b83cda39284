"""Events change a ledger person by person, so a part of it may be kept alone."""

from hypothesis import given
from hypothesis import strategies as st

from towpath.ledger.events import (
    Arrived,
    Event,
    Marked,
    MarkKind,
    ResendDue,
    Settled,
    Settling,
    apply,
    clip,
    concerned,
)
from towpath.ledger.state import FieldState, LedgerState
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people

EMAIL, PHONE = MatchField.EMAIL, MatchField.PHONE
SOME = st.sets(st.integers(0, 7)).map(people)
FIELDS = st.sampled_from([(EMAIL,), (PHONE,), (EMAIL, PHONE)])
BY_FIELD = st.dictionaries(st.sampled_from([EMAIL, PHONE]), SOME)
ACTIONS = st.sampled_from(Action)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Arrived, ACTIONS, FIELDS, SOME, BY_FIELD, st.booleans()),
    st.builds(Settled, st.sampled_from(Settling), ACTIONS, FIELDS, SOME, BY_FIELD, BY_FIELD, SOME),
    st.builds(ResendDue, ACTIONS, FIELDS, SOME),
    st.builds(Marked, st.sampled_from(MarkKind), FIELDS, SOME),
).map(lambda event: clip(event, concerned(event)))


def folded(log: list[Event]) -> dict[MatchField, FieldState]:
    """The ledger that a log makes."""
    state = LedgerState()
    for event in log:
        apply(state, event)
    return {name: state.of(name) for name in (EMAIL, PHONE)}


def within(sets: FieldState, part: PeopleSet) -> FieldState:
    """The part of the sets that concerns these people."""
    return FieldState(
        *(found & part for found in (sets.want, sets.acked, sets.maybe, sets.parked, sets.keyless))
    )


@given(st.lists(EVENTS, max_size=12), SOME)
def test_a_part_obeys_the_same_algebra(log: list[Event], part: PeopleSet) -> None:
    whole = folded(log)
    alone = folded([clip(event, part) for event in log])
    assert alone == {name: within(sets, part) for name, sets in whole.items()}


@given(st.lists(EVENTS, max_size=8), EVENTS)
def test_only_the_concerned_change(log: list[Event], event: Event) -> None:
    before, after = folded(log), folded([*log, event])
    others = people(range(8)) - concerned(event)
    for name in (EMAIL, PHONE):
        assert within(before[name], others) == within(after[name], others)


@given(st.lists(EVENTS, max_size=12))
def test_nobody_is_acknowledged_and_maybe_in(log: list[Event]) -> None:
    for sets in folded(log).values():
        assert not sets.acked & sets.maybe


def test_settling() -> None:
    """Rules 1 to 3, a line each: what an answer makes of people 1 (out), 2 (in), 3 (maybe in)."""
    expected = {
        (Action.ADD, Settling.APPLIED): ([1, 2, 3], []),
        (Action.ADD, Settling.UNKNOWN): ([2], [1, 3]),
        (Action.ADD, Settling.REFUSED): ([2], [3]),
        (Action.REMOVE, Settling.APPLIED): ([], []),
        (Action.REMOVE, Settling.UNKNOWN): ([], [1, 2, 3]),
        (Action.REMOVE, Settling.REFUSED): ([2], [3]),
    }
    for (action, settling), (acked, maybe) in expected.items():
        state = LedgerState({EMAIL: FieldState(acked=people([2]), maybe=people([3]))})
        apply(state, Settled(settling, action, (EMAIL,), people([1, 2, 3])))
        assert set(state.of(EMAIL).acked) == set(acked)
        assert set(state.of(EMAIL).maybe) == set(maybe)


def test_repeats() -> None:
    """A removal's repeat spares who is known to be in; an add's concerns only them."""
    for action, acked, maybe in ((Action.REMOVE, [2], [1, 3]), (Action.ADD, [], [2, 3])):
        state = LedgerState({EMAIL: FieldState(acked=people([2]), maybe=people([3]))})
        apply(state, ResendDue(action, (EMAIL,), people([1, 2, 3])))
        assert set(state.of(EMAIL).acked) == set(acked)
        assert set(state.of(EMAIL).maybe) == set(maybe)


@given(st.lists(EVENTS, max_size=8), SOME, FIELDS)
def test_who_is_gone_is_wanted_no_more_and_taken_out_wherever_they_may_be(
    log: list[Event], gone: PeopleSet, fields: tuple[MatchField, ...]
) -> None:
    """Given up or not; what we know of them stays as it was."""
    state, before = LedgerState(folded(log)), folded(log)
    apply(state, Marked(MarkKind.UNWANTED, fields, gone))
    for match_field in fields:
        sets, was = state.of(match_field), before.get(match_field, FieldState())
        assert not gone & (sets.want | sets.parked)
        may_be_in = (was.acked | was.maybe) - was.keyless
        assert sets.due(Action.REMOVE) & gone == may_be_in & gone
        assert (sets.want - gone, sets.acked, sets.maybe) == (was.want - gone, was.acked, was.maybe)
