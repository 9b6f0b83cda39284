"""Delay: people wait here for a span of time, then go on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self

from towpath.canvas.delays import parse_span, span_text
from towpath.canvas.fields import Fields
from towpath.canvas.findings import Finding, Level
from towpath.canvas.step import Step, written
from towpath.canvas.surroundings import Surroundings
from towpath.ids import StepId
from towpath.limits import DELAY_S_MAX

_MOST = timedelta(seconds=DELAY_S_MAX)


@dataclass(frozen=True, slots=True)
class Delay:
    """`span` is what the file calls `for`: 1 s to 31 days, as in Braze."""

    kind: ClassVar[str] = "delay"
    span: timedelta | None
    next: StepId | None

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read `for` and `next`."""
        fields = Fields(data, where, ("kind", "for", "next"))
        span = fields.raw("for")
        return cls(
            None if span is None else parse_span(span, fields.path("for"), most=_MOST),
            fields.step("next"),
        )

    def to_data(self) -> dict[str, Any]:
        """The settings as they are written."""
        return written(for_=None if self.span is None else span_text(self.span), next=self.next)

    def edges(self) -> dict[str, StepId | None]:
        """One way on."""
        return {"next": self.next}

    def findings(
        self,
        step: StepId,
        steps: Mapping[StepId, Step],  # noqa: ARG002 - one protocol for all
        around: Surroundings,  # noqa: ARG002
    ) -> list[Finding]:
        """How long must be said."""
        if self.span is not None:
            return []
        hint = "Write for: 10m."
        return [
            Finding("delay_missing", Level.ERROR, step, "for", "It is not said how long.", hint)
        ]
