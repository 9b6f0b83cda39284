"""Claims: everybody due goes in one row with every field that is due."""

from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.test_events import ACTIONS, EVENTS, SOME

from towpath.ledger.due import Group, due_groups, requests
from towpath.ledger.events import Event, apply
from towpath.ledger.state import LedgerState
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people, union


@given(st.lists(EVENTS, max_size=10), ACTIONS, SOME, SOME)
def test_groups_are_a_partition_of_who_is_due(
    log: list[Event], action: Action, busy: PeopleSet, among: PeopleSet
) -> None:
    state = LedgerState()
    for event in log:
        apply(state, event)
    groups = due_groups(state, action, busy, among)
    everybody = (union(state.due(action).values()) - busy) & among
    assert union(group.members for group in groups) == everybody
    assert sum(len(group.members) for group in groups) == len(everybody)
    due = state.due(action)
    for group in groups:
        for name, members in due.items():
            if name in group.fields:
                assert group.members <= members | state.of(name).keyless
            else:
                assert not group.members & members


@given(st.lists(SOME, max_size=3), st.integers(1, 4), st.integers(0, 4))
def test_requests_are_cut_in_number_order(sets: list[PeopleSet], size: int, most: int) -> None:
    found = requests([Group((MatchField.EMAIL,), one) for one in sets], size, most)
    assert len(found) <= most
    assert all(0 < len(one.members) <= size for one in found)
    everybody = [person for one in sets for person in one]
    chosen = [person for one in found for person in one.members]
    assert chosen == everybody[: len(chosen)] or len(sets) > 1
    assert len(chosen) == len(everybody) or len(found) == most


def test_nothing_to_cut() -> None:
    assert requests([Group((MatchField.EMAIL,), people())], 10, 10) == []
