"""Entry: who may enter a Canvas, when, again or not, and in which lane."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal, Self, TypeAlias

from towpath.canvas.delays import parse_span, span_text
from towpath.canvas.fields import Fields
from towpath.canvas.step import written
from towpath.clock import Instant, instant
from towpath.errors import InputError
from towpath.ids import StepId
from towpath.limits import RETENTION_DAYS
from towpath.people.filter import Filter, to_data
from towpath.people.filter_parse import one_of, parse_filter
from towpath.people.people_set import PeopleSet

EntryTime: TypeAlias = Instant | Literal["launch"]


@dataclass(frozen=True, slots=True)
class Reentry:
    """May people enter again, and how long after their last entry? None: never; zero: always.

    Who may, may even while an earlier entry is still on its way: each entry has a lane of its own.
    """

    after: timedelta | None


NEVER = Reentry(None)
ALWAYS = Reentry(timedelta())


@dataclass(frozen=True, slots=True)
class Entry:
    """`at` or `first` is None: the draft has not said yet. `filter` is None: everybody."""

    at: EntryTime | None
    filter: Filter | None
    reentry: Reentry
    first: StepId | None

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read `at`, `filter`, `reentry` (without it: never) and `first`. Raises InputError."""
        fields = Fields({} if data is None else data, where, ("at", "filter", "reentry", "first"))
        tree = fields.raw("filter")
        return cls(
            _at(fields.raw("at"), fields.path("at")),
            None if tree is None else parse_filter(tree, fields.path("filter")),
            _reentry(fields.raw("reentry"), fields.path("reentry")),
            fields.step("first"),
        )

    def to_data(self) -> dict[str, Any]:
        """The entry as it is written."""
        at = self.at
        return written(
            at=at if at is None or isinstance(at, str) else at.isoformat().replace("+00:00", "Z"),
            filter=None if self.filter is None else to_data(self.filter),
            reentry=_reentry_data(self.reentry),
            first=self.first,
        )


def _at(data: object, where: str) -> EntryTime | None:
    if data is None or data == "launch":
        return "launch" if data else None
    try:
        return instant(data if isinstance(data, str) else "")
    except (ValueError, OverflowError):
        raise InputError(
            "the word launch, or a time with its zone, is needed.",
            remedy="Write 2026-03-01T09:00:00Z.",
            field=where,
        ) from None


def _reentry(data: object, where: str) -> Reentry:
    if isinstance(data, dict):
        fields = Fields(data, where, ("after",))
        # Entry sets are kept so long; a longer window could not be answered.
        most = timedelta(days=RETENTION_DAYS)
        return Reentry(parse_span(fields.raw("after"), fields.path("after"), most=most))
    word = "never" if data is None else one_of(data, ("never", "always"), where)
    return NEVER if word == "never" else ALWAYS


def _reentry_data(reentry: Reentry) -> str | dict[str, str]:
    if reentry.after is None:
        return "never"
    return {"after": span_text(reentry.after)} if reentry.after else "always"


class Refused(StrEnum):
    """Why somebody who matches does not enter."""

    INSIDE = "inside now"
    ENTERED_BEFORE = "entered before"
    TOO_SOON = "entered too recently"


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
