"""Lots: a number that everybody draws once and for all, of a person and a salt alone.

Control groups stay the same people, and a limit takes the same people first, without a row a
person: the lot is reckoned anew each time (splitmix64's last steps over the salt and the number).
"""

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from towpath.people.people_set import Numbers, PeopleSet, cut, numbers, people, union

_SPAN = 2**64
_AT_ONCE = 1_000_000
"""How many people draw together: ten million go through flat memory."""


def lots(found: Numbers, salt: str) -> NDArray[np.uint64]:
    """The lots of these profile numbers, even over 0 to 2^64 - 1, unlike those of other salts."""
    seed = int.from_bytes(sha256(salt.encode()).digest()[:8], "big")
    with np.errstate(over="ignore"):
        mixed = (found.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= np.uint64(seed)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def share(members: PeopleSet, salt: str, part: float) -> PeopleSet:
    """Who draws a lot in the lowest `part` (0 to 1) of all; a larger part holds a smaller one."""
    below = np.uint64(min(int(part * _SPAN), _SPAN - 1))
    pieces = map(numbers, cut(members, _AT_ONCE))
    return union(people(found[lots(found, salt) < below]) for found in pieces)


def lowest(members: PeopleSet, salt: str, count: int) -> PeopleSet:
    """The `count` people with the lowest lots; everybody when there are no more."""
    if count >= len(members):
        return members.copy()
    if count <= 0:
        return people()
    kept = numbers(people())
    for piece in cut(members, _AT_ONCE):
        found = np.concatenate([kept, numbers(piece)])
        if len(found) > count:
            found = found[np.argpartition(lots(found, salt), count - 1)[:count]]
        kept = found
    return people(kept)
