"""Exit: people leave the Canvas here. The same as no next step, but drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from towpath.canvas.fields import Fields
from towpath.canvas.findings import Finding
from towpath.canvas.step import Step
from towpath.canvas.surroundings import Surroundings
from towpath.ids import StepId


@dataclass(frozen=True, slots=True)
class Exit:
    """Nothing to set."""

    kind: ClassVar[str] = "exit"

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read the settings: there are none."""
        Fields(data, where, ("kind",))
        return cls()

    def to_data(self) -> dict[str, Any]:
        """The settings as they are written."""
        return {}

    def edges(self) -> dict[str, StepId | None]:
        """Nowhere."""
        return {}

    def findings(
        self,
        step: StepId,  # noqa: ARG002 - one protocol for all
        steps: Mapping[StepId, Step],  # noqa: ARG002
        around: Surroundings,  # noqa: ARG002
    ) -> list[Finding]:
        """Nothing can be wrong."""
        return []
