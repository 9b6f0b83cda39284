"""People who hold the same kinds of match key, with their digests laid end to end.

Digests are read from the store as a few such groups, never as a row a person: a request's body is
laid out from them without a loop over people.
"""

from dataclasses import dataclass

from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """For each field that they hold, `people` digests of 32 bytes, in the same order of people."""

    people: int
    digests: dict[MatchField, bytes]


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A key that two or more profiles hold: all of them, and who of them has withdrawn consent."""

    field: MatchField
    digest: bytes
    holders: PeopleSet
    withdrawn: PeopleSet
