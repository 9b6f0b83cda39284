"""Keys that several people hold."""

from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.test_events import SOME

from towpath.ledger.sharing import HeldKey, coholders, turns, usable_keys
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people

EMAIL = MatchField.EMAIL
KEYS = st.lists(
    st.sets(st.integers(0, 7), min_size=2).map(lambda p: HeldKey(EMAIL, people(p), people())),
    max_size=4,
)


@given(KEYS, SOME, SOME)
def test_a_key_travels_once_at_a_time(
    keys: list[HeldKey], members: PeopleSet, in_flight: PeopleSet
) -> None:
    found = turns(keys, members, in_flight)
    assert found.go | found.wait == members
    assert not found.go & found.wait
    for key in keys:
        assert len(key.holders & found.go) <= 1
        assert not (key.holders & found.go and key.holders & in_flight)


@given(KEYS, SOME)
def test_somebody_goes_when_nothing_flies(keys: list[HeldKey], members: PeopleSet) -> None:
    assert bool(turns(keys, members, people()).go) == bool(members)


def test_removal_leaves_wanted_keys_to_their_holders() -> None:
    keys = [HeldKey(EMAIL, people([1, 2]), people()), HeldKey(EMAIL, people([8, 9]), people())]
    found = usable_keys(keys, Action.REMOVE, people([1]), {EMAIL: people([2, 9])})
    assert found.left_out == {EMAIL: people([1])}
    assert found.holding == {EMAIL: people([2])}, "9 has nothing to do with it"


def test_blocked_keys_are_never_added_and_never_kept() -> None:
    keys = [HeldKey(EMAIL, people([1, 2, 3]), people([3]))]
    adding = usable_keys(keys, Action.ADD, people([1]), {EMAIL: people([1, 2])})
    assert adding.left_out == {EMAIL: people([1])}
    removing = usable_keys(keys, Action.REMOVE, people([1]), {EMAIL: people([2])})
    assert removing.left_out == {}
    assert removing.holding == {}


def test_keys_left_out_bind_nobody() -> None:
    keys = [HeldKey(EMAIL, people([1, 2]), people()), HeldKey(EMAIL, people([3, 4]), people())]
    assert coholders(keys, people([1, 3]), {EMAIL: people([3])}) == people([2])
