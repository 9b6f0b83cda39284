"""Due and at goal are two sides of one thing."""

from hypothesis import given
from hypothesis import strategies as st

from towpath.ledger.state import FieldState, LedgerState
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import people

EMAIL, PHONE = MatchField.EMAIL, MatchField.PHONE
SOME = st.sets(st.integers(0, 7)).map(people)


@st.composite
def field_states(draw: st.DrawFn) -> FieldState:
    """Sets as events leave them: nobody is both acknowledged and maybe in."""
    acked = draw(SOME)
    return FieldState(draw(SOME), acked, draw(SOME) - acked, draw(SOME), draw(SOME))


@given(field_states(), SOME)
def test_one_field_due_or_at_goal(sets: FieldState, members: object) -> None:
    """Whoever has a key and is not parked is due, or at the goal of what is wanted of them."""
    state = LedgerState({EMAIL: sets})
    able = members - sets.parked - sets.keyless
    wanted, unwanted = able & sets.want, able - sets.want
    assert state.at_goal(Action.ADD, [EMAIL], wanted) == wanted - sets.due(Action.ADD)
    assert state.at_goal(Action.REMOVE, [EMAIL], unwanted) == unwanted - sets.due(Action.REMOVE)


@given(field_states(), field_states(), SOME)
def test_nobody_is_due_both_ways_in_a_field(
    email: FieldState, phone: FieldState, members: object
) -> None:
    state = LedgerState({EMAIL: email, PHONE: phone})
    for name in (EMAIL, PHONE):
        assert not state.due(Action.ADD)[name] & state.due(Action.REMOVE)[name]
    gone = members & email.keyless & phone.keyless
    assert not state.at_goal(Action.REMOVE, [EMAIL, PHONE], gone)


def test_a_field_without_a_key_keeps_nobody_from_the_goal() -> None:
    email = FieldState(acked=people([1]), want=people([1]))
    phone = FieldState(keyless=people([1]), want=people([1]))
    state = LedgerState({EMAIL: email, PHONE: phone})
    assert state.at_goal(Action.ADD, [EMAIL, PHONE], people([1])) == people([1])


def test_out_though_maybe_in_by_a_key_that_is_gone() -> None:
    """Nothing can be sent for that field, so waiting for it would never end."""
    email = FieldState(maybe=people([1]), keyless=people([1]))
    state = LedgerState({EMAIL: email, PHONE: FieldState()})
    assert state.at_goal(Action.REMOVE, [EMAIL, PHONE], people([1])) == people([1])
    assert not state.at_goal(Action.REMOVE, [EMAIL], people([1]))
