"""Sets of people as PostgreSQL hands them back: `string_agg(int4send(number), '')`.

Four bytes a person in one value; rows or arrays would cost the client an object a person.
"""

import numpy as np

from towpath.people.people_set import PeopleSet, people


def unpacked(column: object) -> PeopleSet:
    """The set in such a column, read with `binary=True`; null is the empty set."""
    if column is None:
        return people()
    assert isinstance(column, bytes)
    return people(np.frombuffer(column, dtype=">i4").astype(np.uint32))
