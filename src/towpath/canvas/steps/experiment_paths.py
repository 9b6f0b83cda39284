"""Experiment Paths: people are divided by lot, by weights that sum to 100.

Sticky: a person who comes again goes the same way again, for the lot is reckoned of the person and
the step alone. With `sticky: false` lots are drawn anew whenever people come (Braze: "Randomized
paths"; at most four paths and a control group).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

from towpath.canvas.fields import Fields
from towpath.canvas.findings import Finding, Level
from towpath.canvas.paths import CONTROL, missing_paths, parse_paths, path_name
from towpath.canvas.step import Step, written
from towpath.canvas.surroundings import Surroundings
from towpath.errors import InputError
from towpath.ids import StepId
from towpath.limits import EXPERIMENT_PATHS_MAX

WHOLE = 10_000
"""All weights together: hundredths of a percent."""


@dataclass(frozen=True, slots=True)
class ExperimentPath:
    """`weight` in hundredths of a percent; None: not said yet."""

    name: str
    weight: int | None
    next: StepId | None


@dataclass(frozen=True, slots=True)
class ExperimentPaths:
    """`control` is a path like the others, named CONTROL."""

    kind: ClassVar[str] = "experiment_paths"
    paths: tuple[ExperimentPath, ...]
    control: ExperimentPath | None = None
    sticky: bool = True

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read `paths` (`name`, `weight`, `next`), `control` (`weight`, `next`) and `sticky`."""
        fields = Fields(data, where, ("kind", "paths", CONTROL, "sticky"))
        listed = parse_paths(
            fields.raw("paths"), fields.path("paths"), ("weight",), EXPERIMENT_PATHS_MAX
        )
        control, sticky = fields.raw(CONTROL), fields.raw("sticky")
        if sticky is not None and not isinstance(sticky, bool):
            raise InputError("true or false is needed.", field=fields.path("sticky"))
        return cls(
            tuple(_path(path_name(one), one) for one in listed),
            None
            if control is None
            else _path(CONTROL, Fields(control, fields.path(CONTROL), ("weight", "next"))),
            sticky is not False,
        )

    def to_data(self) -> dict[str, Any]:
        """The settings as they are written."""
        paths = [{"name": path.name} | _data(path) for path in self.paths]
        control = None if self.control is None else _data(self.control)
        return written(paths=paths or None, control=control, sticky=None if self.sticky else False)

    @property
    def all_paths(self) -> tuple[ExperimentPath, ...]:
        """The paths in their order, the control group last."""
        return self.paths if self.control is None else (*self.paths, self.control)

    def edges(self) -> dict[str, StepId | None]:
        """One a path, by its name."""
        return {path.name: path.next for path in self.all_paths}

    def findings(
        self,
        step: StepId,
        steps: Mapping[StepId, Step],  # noqa: ARG002 - one protocol for all
        around: Surroundings,  # noqa: ARG002
    ) -> list[Finding]:
        """At least two ways, each with a weight, together 100."""
        found = missing_paths(step, 1 if self.control else 2, len(self.paths))
        weights = [path.weight for path in self.all_paths]
        summed = sum(weight or 0 for weight in weights)
        if self.paths and (None in weights or summed != WHOLE):
            shown = " + ".join("?" if one is None else _text(one) for one in weights)
            message = f"The weights are {shown} = {_text(summed)}, not 100."
            if None in weights:
                message = f"A weight is missing: {shown}."
            hint = "Let the weights sum to 100."
            found.append(Finding("weights_wrong", Level.ERROR, step, "paths", message, hint))
        return found


def _path(name: str, fields: Fields) -> ExperimentPath:
    return ExperimentPath(
        name, _weight(fields.raw("weight"), fields.path("weight")), fields.step("next")
    )


def _weight(data: object, where: str) -> int | None:
    if data is None:
        return None
    if isinstance(data, int | float) and not isinstance(data, bool):
        parts = Decimal(repr(data)) * 100
        if 0 <= parts <= WHOLE and parts == int(parts):
            return int(parts)
    raise InputError(
        "a number from 0 to 100 with at most two decimals is needed.",
        remedy="Write weight: 50.",
        field=where,
    )


def _data(path: ExperimentPath) -> dict[str, Any]:
    weight = None if path.weight is None else _number(path.weight)
    return written(weight=weight, next=path.next)


def _number(weight: int) -> int | float:
    return weight / 100 if weight % 100 else weight // 100


def _text(weight: int) -> str:
    return f"{weight / 100:g}"
