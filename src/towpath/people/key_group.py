"""People who hold the same kinds of match key, with their digests laid end to end.

Digests are read from the store as a few such groups, never as a row a person: a request's body is
laid out from them without a loop over people.
"""

from dataclasses import dataclass

from towpath.people.match_field import MatchField


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """For each field that they hold, `people` digests of 32 bytes, in the same order of people."""

    people: int
    digests: dict[MatchField, bytes]
