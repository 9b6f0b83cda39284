"""Sets of people, by profile number.

A set is a compressed bitmap of profile numbers (0 to 2^31 - 1). Everything that moves people moves
such sets, so one call serves ten thousand people. A *block* is 65,536 numbers that share their
upper bits; ledger shards are cut along blocks.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from towpath.limits import BLOCK_BITS

PeopleSet: TypeAlias = Any  # a pyroaring.BitMap, which carries no types of its own
Numbers: TypeAlias = NDArray[np.uint32]


def people(numbers: Iterable[int] | Numbers = ()) -> PeopleSet:
    """A set of these profile numbers."""
    return BitMap(numbers)


def union(sets: Iterable[PeopleSet]) -> PeopleSet:
    """Everybody who is in any of the sets; a new set."""
    found = list(sets)
    return BitMap.union(*found) if found else BitMap()


def dump(members: PeopleSet) -> bytes:
    """The set as portable bytes, runs packed: 10,000 neighbours take about 20 bytes."""
    members.run_optimize()
    packed: bytes = members.serialize()
    return packed


def load(packed: bytes | memoryview | None) -> PeopleSet:
    """The set that `dump` wrote; nothing at all is the empty set."""
    return BitMap.deserialize(bytes(packed)) if packed else BitMap()


def numbers(members: PeopleSet) -> Numbers:
    """The profile numbers in rising order."""
    return np.frombuffer(members.to_array(), dtype=np.uint32)


def cut(members: PeopleSet, size: int) -> list[PeopleSet]:
    """The set in pieces of at most `size`, in number order: neighbours are cheap to read."""
    pieces = []
    for place in range(0, len(members), size):
        end = members[place + size] if place + size < len(members) else members.max() + 1
        span = BitMap()
        span.add_range(members[place], end)
        pieces.append(members & span)
    return pieces


def blocks(members: PeopleSet) -> Iterator[int]:
    """The blocks in which the set has anybody, in rising order."""
    if not members:
        return
    found, last = members.min() >> BLOCK_BITS, members.max() >> BLOCK_BITS
    yield found
    while found < last:
        found = members.next_set_bit((found + 1) << BLOCK_BITS) >> BLOCK_BITS
        yield found


def block_span(block: int) -> tuple[int, int]:
    """The half-open range of numbers that lie in the block."""
    return block << BLOCK_BITS, (block + 1) << BLOCK_BITS


def part(members: PeopleSet, block: int) -> PeopleSet:
    """The people of the set who lie in the block."""
    start, end = block_span(block)
    whole = BitMap()
    whole.add_range(start, end)
    return members & whole
