"""Consent to be sent to an ad partner: what the person said, where and when.

Withdrawn wins over everything said at the same moment; what was said later wins over earlier.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from towpath.clock import Instant
from towpath.people.columns import Refusal
from towpath.people.people_set import PeopleSet

OPT_OUT = "opt_out_sharing"
"""The attribute of who wants no ads by what is known of them (CCPA, Global Privacy Control): `true`
bars like a withdrawal, whatever consent was said."""


OF_PURPOSE = "consent."
"""How the attributes begin that hold consent to one purpose: `consent.PURPOSE`, and its `.source`
and `.at`."""
_PURPOSE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NAME = re.compile(rf"{re.escape(OF_PURPOSE)}{_PURPOSE.pattern}(\.source|\.at)?")


def may_bar(name: str) -> bool:
    """Does an attribute of this name say whether its person may be sent?"""
    return name == OPT_OUT or name.startswith(OF_PURPOSE)


def read_purpose(text: str) -> str | Refusal:
    """The name of a purpose."""
    if _PURPOSE.fullmatch(text):
        return text
    return Refusal("must be lower-case letters, digits and _, at most 40, beginning with a letter")


def purpose_part(name: str) -> str | Refusal:
    """What an attribute that begins with OF_PURPOSE holds: "state", "source" or "at"."""
    found = _NAME.fullmatch(name)
    if found is None:
        return Refusal("must be consent.PURPOSE, or its .source or .at")
    return (found[1] or ".state")[1:]


def read_state_word(text: str) -> str | Refusal:
    """granted, withdrawn or unknown, in any case, as the word that is kept."""
    found = read_state(text.strip())
    return found if isinstance(found, Refusal) else found.name.lower()


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
