"""Admission: who of those who would come may enter, and in which lane."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from towpath.canvas.entry import Reentry
from towpath.people.people_set import PeopleSet


class Refused(StrEnum):
    """Why somebody who matches does not enter."""

    INSIDE = "inside now"
    ENTERED_BEFORE = "entered before"
    TOO_SOON = "entered too recently"
    CONTROL = "control group"
    LIMIT = "limit reached"
    NO_KEY = "without a key"
    CONTEXT = "context too large"


@dataclass(frozen=True, slots=True)
class Admission:
    """Who enters, and who does not, by reason: every candidate once."""

    enter: PeopleSet
    refused: dict[Refused, PeopleSet]


def admit(
    candidates: PeopleSet,
    *,
    rule: Reentry,
    entered_before: PeopleSet,
    entered_in_window: PeopleSet,
    inside: PeopleSet,
) -> Admission:
    """Who of the candidates may enter now.

    `entered_before` is who ever entered the Canvas, `entered_in_window` who did within `rule.after`
    before now, `inside` who stands in it. Only what the rule asks for is looked at.
    """
    if rule.after is None:
        barred = {
            Refused.INSIDE: candidates & inside,
            Refused.ENTERED_BEFORE: (candidates & entered_before) - inside,
        }
    elif rule.after:
        barred = {Refused.TOO_SOON: candidates & entered_in_window}
    else:
        barred = {}
    enter = candidates.copy()
    for members in barred.values():
        enter -= members
    return Admission(enter, {reason: members for reason, members in barred.items() if members})


def lanes(enter: PeopleSet, occupied: Sequence[PeopleSet]) -> list[tuple[int, PeopleSet]]:
    """The lane that each enters in, the lowest in which they are not yet; `occupied` is who stands
    in lane 0, 1, ... Lanes that nobody takes are left out."""
    taken = []
    left = enter.copy()
    for lane, standing in enumerate(occupied):
        taken.append((lane, left - standing))
        left &= standing
    taken.append((len(occupied), left))
    return [(lane, members) for lane, members in taken if members]
