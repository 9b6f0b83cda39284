"""Random buckets: every person has one of 10,000, for good, and about as many are in each.

A bucket is made of the profile number alone, so that it needs no column and every language reckons
it alike: the number times 2654435761 (the golden ratio in 32 bits, Knuth 6.4), its low 32 bits, of
these the share of 10,000. `store/filter_sql.py` does the same in SQL.
"""

import numpy as np
from numpy.typing import NDArray

from towpath.people.people_set import Numbers

BUCKETS = 10_000
FACTOR = 2_654_435_761
MASK = 0xFFFF_FFFF


def bucket(number: int) -> int:
    """The bucket of one profile number, 0 to 9999."""
    return ((number * FACTOR & MASK) * BUCKETS) >> 32


def buckets(numbers: Numbers) -> NDArray[np.uint64]:
    """The buckets of many."""
    mixed = numbers.astype(np.uint64) * np.uint64(FACTOR) & np.uint64(MASK)
    return mixed * np.uint64(BUCKETS) >> np.uint64(32)
