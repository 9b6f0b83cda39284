"""Whom a caller means by an e-mail or phone that several people have (Braze: `prioritization`)."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from towpath.clock import Instant
from towpath.people.whose import Unfit


class Prioritization(StrEnum):
    """Which of them: whoever has an external id or has none; the one that changed last or first."""

    IDENTIFIED = "identified"
    UNIDENTIFIED = "unidentified"
    MOST_RECENTLY_UPDATED = "most_recently_updated"
    LEAST_RECENTLY_UPDATED = "least_recently_updated"


class Namesake(NamedTuple):
    """One of several who have the same e-mail or phone."""

    number: int
    identified: bool
    updated_at: Instant


_KINDS = {Prioritization.IDENTIFIED: True, Prioritization.UNIDENTIFIED: False}


def choose(namesakes: Sequence[Namesake], order: Sequence[Prioritization]) -> int | None:
    """The one who is meant; None: nobody is.

    Of the kinds that are named the first that anybody is of; a kind that is not named is never
    chosen, unless none is. Raises Unfit when several are left and it is not said which of them.
    """
    kinds = [{_KINDS[word]} for word in order if word in _KINDS] or [{True, False}]
    for kind in kinds:
        left = [one for one in namesakes if one.identified in kind]
        if left:
            return _one(left, order)
    return None


def _one(left: Sequence[Namesake], order: Sequence[Prioritization]) -> int:
    by_time = sorted(left, key=lambda one: (one.updated_at, one.number))
    if Prioritization.MOST_RECENTLY_UPDATED in order:
        return by_time[-1].number
    if Prioritization.LEAST_RECENTLY_UPDATED in order or len(left) == 1:
        return by_time[0].number
    raise Unfit(
        "prioritization",
        f"leaves {len(left)} people; add {Prioritization.MOST_RECENTLY_UPDATED.value}",
    )
