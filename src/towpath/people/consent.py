"""Consent to be sent to an ad partner: what the person said, where and when.

Withdrawn wins over everything said at the same moment; what was said later wins over earlier.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from towpath.clock import Instant
from towpath.people.columns import Refusal
from towpath.people.people_set import PeopleSet

OPT_OUT = "opt_out_sharing"
"""The attribute of who wants no ads by what is known of them (CCPA, Global Privacy Control): `true`
bars like a withdrawal, whatever consent was said."""


class ConsentState(IntEnum):
    """The numbers stand in the database; of two said at one moment the greater holds."""

    UNKNOWN = 0
    GRANTED = 1
    WITHDRAWN = 2


class Consent(NamedTuple):
    """What was said; without `at` it is taken as said when it was handed in."""

    state: ConsentState
    source: str | None
    at: Instant | None


@dataclass(frozen=True)
class ConsentSets:
    """People by their consent."""

    granted: PeopleSet
    withdrawn: PeopleSet
    unknown: PeopleSet


_STATES = {state.name.lower(): state for state in ConsentState}


def read_state(text: str) -> ConsentState | Refusal:
    """granted, withdrawn or unknown, in any case."""
    return _STATES.get(text.lower(), Refusal("must be granted, withdrawn or unknown"))


def later(first: Consent, second: Consent) -> Consent:
    """Which of two holds, handed in in this order: the second, unless it names an earlier time."""
    if first.at is None or second.at is None:
        return second
    return second if (second.at, second.state) >= (first.at, first.state) else first
