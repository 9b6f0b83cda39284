"""Action Paths: people wait for what they do next, and go by the path of what they did.

Unranked, the first action moves somebody at once. Ranked, everybody is held until the window ends,
and goes by the best path, in the order of the list, that they did something for. Who did nothing
goes by `else`. Only what happens after somebody came counts (Braze: at most eight outcomes,
Everyone Else among them; a window of a day, at most 31 days).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self

from towpath.canvas.delays import parse_span, span_text
from towpath.canvas.fields import Fields
from towpath.canvas.findings import Finding, Level
from towpath.canvas.paths import OTHERS, missing_paths, parse_paths, path_name
from towpath.canvas.step import Step, written
from towpath.canvas.surroundings import Surroundings
from towpath.canvas.triggers import Kind, Trigger, parse_triggers
from towpath.errors import InputError
from towpath.ids import StepId
from towpath.limits import DELAY_S_MAX, PATHS_MAX

DAY = timedelta(days=1)
_MOST = timedelta(seconds=DELAY_S_MAX)


@dataclass(frozen=True, slots=True)
class ActionPath:
    """What leads here: any of the triggers `on`."""

    name: str
    on: tuple[Trigger, ...]
    next: StepId | None

    def to_data(self) -> dict[str, Any]:
        """The path as it is written."""
        on = [trigger.to_data() for trigger in self.on]
        return written(name=self.name, on=on or None, next=self.next)


@dataclass(frozen=True, slots=True)
class ActionPaths:
    """`others` is what the file calls `else`; `within` is the window, 1 s to 31 days."""

    kind: ClassVar[str] = "action_paths"
    paths: tuple[ActionPath, ...]
    others: StepId | None
    within: timedelta = DAY
    ranked: bool = False

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read `paths` (`name`, `on`, `next`), `else`, `within` (without it: 1d) and `ranked`."""
        fields = Fields(data, where, ("kind", "paths", OTHERS, "within", "ranked"))
        listed = parse_paths(fields.raw("paths"), fields.path("paths"), ("on",), PATHS_MAX - 1)
        within, ranked = fields.raw("within"), fields.raw("ranked")
        if ranked is not None and not isinstance(ranked, bool):
            raise InputError("true or false is needed.", field=fields.path("ranked"))
        return cls(
            tuple(_path(one) for one in listed),
            fields.step(OTHERS),
            DAY if within is None else parse_span(within, fields.path("within"), most=_MOST),
            ranked is True,
        )

    def to_data(self) -> dict[str, Any]:
        """The settings as they are written."""
        return written(
            paths=[path.to_data() for path in self.paths] or None,
            else_=self.others,
            within=span_text(self.within),
            ranked=self.ranked or None,
        )

    def edges(self) -> dict[str, StepId | None]:
        """One a path, by its name, and `else`."""
        return {path.name: path.next for path in self.paths} | {OTHERS: self.others}

    def awaits(self) -> tuple[Trigger, ...]:
        """The events that must be seen for this step (canvas/watched.py)."""
        return tuple(trigger for path in self.paths for trigger in path.on)

    def findings(
        self,
        step: StepId,
        steps: Mapping[StepId, Step],  # noqa: ARG002 - one protocol for all
        around: Surroundings,  # noqa: ARG002
    ) -> list[Finding]:
        """There must be a path, and every path must say what leads to it."""
        return missing_paths(step, 1, len(self.paths)) + [
            Finding(
                "action_missing",
                Level.ERROR,
                step,
                f"paths[{place}].on",
                f"It is not said what leads to {path.name}.",
                "Write on: [{event: order_placed}].",
            )
            for place, path in enumerate(self.paths)
            if not path.on
        ]


def _path(fields: Fields) -> ActionPath:
    data, where = fields.raw("on"), fields.path("on")
    triggers = () if data is None else parse_triggers(data, where)
    for place, trigger in enumerate(triggers):
        if trigger.kind is Kind.SEGMENT:
            raise InputError(
                "to come into a segment is no action.",
                remedy="Write {event: NAME}, or use audience_paths.",
                field=f"{where}[{place}]",
            )
    return ActionPath(path_name(fields), triggers, fields.step("next"))
