"""Conversions: up to four goals of a Canvas, each an event after which it has done its work.

    conversions:
      - {purchase: any, within: 3d}
      - {event: signed_up, where: {attribute: plan, is: gold}, within: 7d}

Somebody converts when the event happens within the time after their last entry: once for a goal and
an entry, wherever in the Canvas they are, or when they have left it. Of the control group it is
counted apart, from when they would have entered (Braze: four events, at most 30 days, 3 without a
word).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from towpath.canvas.delays import parse_span, span_text
from towpath.canvas.triggers import Kind, Trigger
from towpath.errors import InputError
from towpath.limits import CONVERSION_DAYS_MAX, CONVERSIONS_MAX

WITHIN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A goal: the first of a Canvas is its main one."""

    trigger: Trigger
    within: timedelta = WITHIN

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read a trigger (canvas/triggers.py) with `within`. Raises InputError."""
        if not isinstance(data, dict):
            raise InputError(
                "a goal is a mapping.", remedy="Write {event: NAME, within: 3d}.", field=where
            )
        within = data.get("within")
        trigger = Trigger.parse({key: one for key, one in data.items() if key != "within"}, where)
        if trigger.kind is Kind.SEGMENT:
            raise InputError(
                "to come into a segment is no goal.", remedy="Write {event: NAME}.", field=where
            )
        most = timedelta(days=CONVERSION_DAYS_MAX)
        span = WITHIN if within is None else parse_span(within, f"{where}.within", most=most)
        return cls(trigger, span)

    def to_data(self) -> dict[str, Any]:
        """The goal as it is written."""
        return self.trigger.to_data() | {"within": span_text(self.within)}


def parse_conversions(data: object, where: str = "conversions") -> tuple[Conversion, ...]:
    """Read a list of at most CONVERSIONS_MAX goals; missing: none. Raises InputError."""
    if data is None:
        return ()
    if not isinstance(data, list) or len(data) > CONVERSIONS_MAX:
        raise InputError(
            f"a list of at most {CONVERSIONS_MAX} goals is needed.",
            remedy="Write [{event: NAME, within: 3d}].",
            field=where,
        )
    return tuple(Conversion.parse(one, f"{where}[{place}]") for place, one in enumerate(data))


def conversions_data(goals: tuple[Conversion, ...]) -> list[dict[str, Any]]:
    """The goals as they are written."""
    return [goal.to_data() for goal in goals]
