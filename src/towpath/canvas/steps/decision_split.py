"""Decision Split: who matches a filter goes one way, everybody else the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from towpath.canvas.fields import Fields
from towpath.canvas.findings import Finding, Level
from towpath.canvas.step import Step, written
from towpath.canvas.surroundings import Surroundings
from towpath.ids import StepId
from towpath.people.filter import Filter, to_data
from towpath.people.filter_parse import parse_filter


@dataclass(frozen=True, slots=True)
class DecisionSplit:
    """`condition` is what the file calls `if`; a branch that is None leads out of the Canvas."""

    kind: ClassVar[str] = "decision_split"
    condition: Filter | None
    yes: StepId | None
    no: StepId | None

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read `if`, `yes` and `no`."""
        fields = Fields(data, where, ("kind", "if", "yes", "no"))
        condition = fields.raw("if")
        return cls(
            None if condition is None else parse_filter(condition, fields.path("if")),
            fields.step("yes"),
            fields.step("no"),
        )

    def to_data(self) -> dict[str, Any]:
        """The settings as they are written."""
        condition = None if self.condition is None else to_data(self.condition)
        return written(if_=condition, yes=self.yes, no=self.no)

    def edges(self) -> dict[str, StepId | None]:
        """Yes and no."""
        return {"yes": self.yes, "no": self.no}

    def findings(
        self,
        step: StepId,
        steps: Mapping[StepId, Step],  # noqa: ARG002 - one protocol for all
        around: Surroundings,  # noqa: ARG002
    ) -> list[Finding]:
        """The filter must be said."""
        if self.condition is not None:
            return []
        hint = "Write if: {attribute: orders, at_least: 1}."
        return [
            Finding(
                "condition_missing", Level.ERROR, step, "if", "It is not said who goes yes.", hint
            )
        ]
