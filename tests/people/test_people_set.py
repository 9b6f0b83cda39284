"""Sets of people are ordinary sets, packed; pieces and blocks lose nobody."""

from hypothesis import given
from hypothesis import strategies as st

from towpath.limits import PROFILE_NUMBER_MAX
from towpath.people.people_set import (
    block_span,
    blocks,
    cut,
    dump,
    load,
    numbers,
    part,
    people,
    union,
)

NUMBERS = st.sets(
    st.one_of(st.integers(0, 300), st.integers(65_000, 66_000), st.integers(0, PROFILE_NUMBER_MAX))
)


@given(NUMBERS, st.integers(1, 70))
def test_pieces_are_the_set_in_order(found: set[int], size: int) -> None:
    pieces = cut(people(found), size)
    assert [list(piece) for piece in pieces] == [
        sorted(found)[start : start + size] for start in range(0, len(found), size)
    ]


@given(NUMBERS)
def test_blocks_part_the_set(found: set[int]) -> None:
    members = people(found)
    assert list(blocks(members)) == sorted({number >> 16 for number in found})
    assert union(part(members, block) for block in blocks(members)) == members
    for block in blocks(members):
        low, high = block_span(block)
        assert set(part(members, block)) == {number for number in found if low <= number < high}


@given(NUMBERS)
def test_what_is_packed_is_unpacked(found: set[int]) -> None:
    members = people(found)
    assert load(dump(members)) == members
    assert list(numbers(members)) == sorted(found)


def test_nothing_at_all_is_nobody() -> None:
    assert len(load(None)) == len(load(b"")) == 0
