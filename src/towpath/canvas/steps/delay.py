"""Delay: people wait here for a span of time, or until a time has come, then go on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from towpath.canvas.delays import parse_span, span_text
from towpath.canvas.fields import Fields
from towpath.canvas.findings import Finding, Level
from towpath.canvas.schedule import LOCAL, parse_zone
from towpath.canvas.step import Step, written
from towpath.canvas.surroundings import Surroundings
from towpath.canvas.untils import Until, UntilDate, parse_until, until_data
from towpath.errors import InputError
from towpath.ids import StepId
from towpath.limits import DELAY_S_MAX, DELAY_UNTIL_DAYS_MAX
from towpath.people.filter_parse import one_of

_MOST = timedelta(seconds=DELAY_S_MAX)
MISSING = "missing"
"""The edge of people who have no date to wait for, when they exit."""


@dataclass(frozen=True, slots=True)
class Delay:
    """`span` is what the file calls `for`: 1 s to 31 days, as in Braze. Else `until` is said.

    `zone` is a zone's name, or LOCAL; `fallback` is the zone of people who have none. Whoever lacks
    the date that `until` asks for exits, or goes on at once.
    """

    kind: ClassVar[str] = "delay"
    span: timedelta | None
    next: StepId | None
    until: Until | None = None
    zone: str = "UTC"
    fallback: str = "UTC"
    missing_exits: bool = True

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read `for` or `until`, `zone`, `fallback`, `missing` and `next`."""
        known = ("kind", "for", "until", "zone", "fallback", MISSING, "next")
        fields = Fields(data, where, known)
        span, until = fields.raw("for"), fields.raw("until")
        if span is not None and until is not None:
            raise InputError("for and until stand together.", remedy="Keep one.", field=where)
        found = None if until is None else parse_until(until, fields.path("until"))
        _check_fitting(fields, found)
        zone, fallback, missing = fields.raw("zone"), fields.raw("fallback"), fields.raw(MISSING)
        return cls(
            None if span is None else parse_span(span, fields.path("for"), most=_MOST),
            fields.step("next"),
            found,
            LOCAL if zone == LOCAL else _zone(zone, fields.path("zone")),
            _zone(fallback, fields.path("fallback")),
            missing is None or one_of(missing, ("next", "exit"), fields.path(MISSING)) == "exit",
        )

    def to_data(self) -> dict[str, Any]:
        """The settings as they are written."""
        return written(
            for_=None if self.span is None else span_text(self.span),
            until=None if self.until is None else until_data(self.until),
            zone=None if self.zone == "UTC" else self.zone,
            fallback=None if self.fallback == "UTC" else self.fallback,
            missing=None if self.missing_exits else "next",
            next=self.next,
        )

    def edges(self) -> dict[str, StepId | None]:
        """One way on; and out, for people without a date."""
        if isinstance(self.until, UntilDate) and self.missing_exits:
            return {"next": self.next, MISSING: None}
        return {"next": self.next}

    def findings(
        self,
        step: StepId,
        steps: Mapping[StepId, Step],  # noqa: ARG002 - one protocol for all
        around: Surroundings,
    ) -> list[Finding]:
        """How long must be said, and a moment must not be too far away; it may be over."""
        if self.span is None and self.until is None:
            message, hint = "It is not said how long.", "Write for: 10m."
            return [Finding("delay_missing", Level.ERROR, step, "for", message, hint)]
        if not isinstance(self.until, datetime):
            return []
        if self.until <= around.now:
            message = "This time is over: people go on at once."
            hint = "Write a later time, if they should wait."
            return [Finding("delay_past", Level.WARNING, step, "until", message, hint)]
        if self.until > around.now + timedelta(days=DELAY_UNTIL_DAYS_MAX):
            message = f"This time is more than {DELAY_UNTIL_DAYS_MAX} days away."
            return [
                Finding("delay_far", Level.ERROR, step, "until", message, "Write a nearer one.")
            ]
        return []


def _check_fitting(fields: Fields, until: Until | None) -> None:
    """What only some delays have."""
    reads_clock = until is not None and not isinstance(until, datetime)
    fitting = {
        "zone": (reads_clock, "until with a time of day or a date"),
        "fallback": (fields.raw("zone") == LOCAL, "zone: local"),
        MISSING: (isinstance(until, UntilDate), "until: {attribute: NAME}"),
    }
    for key, (fits, what) in fitting.items():
        if fields.raw(key) is not None and not fits:
            raise InputError(
                f"this goes only with {what}.", remedy="Leave it out.", field=fields.path(key)
            )


def _zone(data: object, where: str) -> str:
    return "UTC" if data is None else parse_zone(data, where)
