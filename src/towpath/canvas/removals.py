"""Removals of a Canvas: steps that take people out of an audience when they leave by another way
than an arrow.

    removals:
      - {on: [exit, conversion], step: spare}
      - {on: [segment], step: no_longer_vip}

The step is an Audience Sync step that removes; no arrow needs to lead to it. People come to it when
they exit early (by an exit event or filter), when they reach a goal of the Canvas, or when they no
longer match the filter that let them in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towpath.canvas.entry import Entry
from towpath.canvas.fields import Fields, step_id
from towpath.canvas.findings import Finding, Level
from towpath.canvas.step import Step
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.errors import InputError
from towpath.ids import StepId
from towpath.limits import REMOVALS_MAX
from towpath.people.action import Action
from towpath.people.filter_parse import nearest, one_of


class Occasion(StrEnum):
    """When people come to a removal's step; the words stand in files and on arrows."""

    EXIT = "exit"
    CONVERSION = "conversion"
    SEGMENT = "segment"


@dataclass(frozen=True, slots=True)
class Removal:
    """On these occasions people come to this step."""

    on: tuple[Occasion, ...]
    step: StepId

    def to_data(self) -> dict[str, Any]:
        """The removal as it is written."""
        return {"on": [one.value for one in self.on], "step": str(self.step)}


def parse_removals(data: object, where: str = "removals") -> tuple[Removal, ...]:
    """Read a list of at most REMOVALS_MAX; missing: none. Raises InputError."""
    if data is None:
        return ()
    if not isinstance(data, list) or len(data) > REMOVALS_MAX:
        raise InputError(
            f"a list of at most {REMOVALS_MAX} removals is needed.",
            remedy="Write [{on: [exit], step: STEP}].",
            field=where,
        )
    return tuple(_parse(one, f"{where}[{place}]") for place, one in enumerate(data))


def _parse(data: object, where: str) -> Removal:
    fields = Fields({} if data is None else data, where, ("on", "step"))
    said = fields.raw("on")
    if not isinstance(said, list) or not said:
        raise InputError(
            "it is not said when people are removed.",
            remedy=f"Write on: [{', '.join(Occasion)}], or some of them.",
            field=f"{where}.on",
        )
    words = [one_of(one, Occasion, f"{where}.on") for one in said]
    return Removal(
        tuple(one for one in Occasion if one in words),
        step_id(fields.raw("step"), f"{where}.step"),
    )


def removal_findings(
    removals: tuple[Removal, ...], steps: Mapping[StepId, Step], entry: Entry, goals: int
) -> Iterator[Finding]:
    """What must be mended; each names the place in the list."""

    def error(code: str, field: str, message: str, hint: str) -> Finding:
        return Finding(code, Level.ERROR, None, field, message, hint)

    for place, one in enumerate(removals):
        where, step = f"removals[{place}]", steps.get(one.step)
        if step is None:
            hint = nearest(one.step, steps) if steps else "Write it under steps."
            yield error("step_unknown", f"{where}.step", f"There is no step {one.step}.", hint)
        elif not isinstance(step, AudienceSync) or step.action is not Action.REMOVE:
            message = f"{one.step} removes nobody from an audience."
            hint = "Name an Audience Sync step with action: remove."
            yield error("removal_step_wrong", f"{where}.step", message, hint)
        elif step.next is not None:
            message = f"{one.step} leads on, but who is removed has left the Canvas."
            hint = "Give the removal a step of its own, without next."
            yield error("removal_step_goes_on", f"{where}.step", message, hint)
        if Occasion.CONVERSION in one.on and not goals:
            message = "Nobody converts: the Canvas has no goal."
            yield error("removal_never", f"{where}.on", message, "Write conversions:.")
        if Occasion.SEGMENT in one.on and entry.filter is None:
            message = "Nobody stops matching: the entry has no filter."
            yield error("removal_never", f"{where}.on", message, "Write entry.filter.")
        if Occasion.EXIT in one.on and not entry.exit_on and entry.exit_filter is None:
            message = "Nobody exits early: there are no exit criteria."
            hint = "Write entry.exit_on or entry.exit_filter."
            yield error("removal_never", f"{where}.on", message, hint)
