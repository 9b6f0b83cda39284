"""How many people there are in all, reckoned from some that were asked, with a 95 % interval."""

import math
from dataclasses import dataclass

_Z = 1.959964
"""Of a normal distribution, 95 % lie within so many standard deviations."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """`people` probably, between `low` and `high` in 95 of 100 cases; `asked` numbers were drawn.
    All three are the same when everybody was asked."""

    people: int
    low: int
    high: int
    asked: int


def estimate(hits: int, asked: int, of: int) -> Estimate:
    """From `hits` among `asked` numbers drawn at random out of `of`, without repeats.

    The interval is Wilson's (E. B. Wilson 1927), which stays sensible near none and all, narrowed
    by the part that was not drawn (finite population correction).
    """
    if asked >= of:
        return Estimate(hits, hits, hits, asked)
    share, z2 = hits / asked, _Z**2 * (of - asked) / (of - 1)
    middle = (share + z2 / (2 * asked)) / (1 + z2 / asked)
    spread = math.sqrt(z2 * (share * (1 - share) / asked + z2 / (4 * asked**2))) / (1 + z2 / asked)
    low, high = max(middle - spread, 0.0), min(middle + spread, 1.0)
    return Estimate(
        round(share * of),
        max(math.floor(low * of), hits),
        min(math.ceil(high * of), of - (asked - hits)),
        asked,
    )
