"""What every kind of step is to a Canvas. The kinds are in `canvas/steps/`."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

from towpath.canvas.findings import Finding
from towpath.canvas.surroundings import Surroundings
from towpath.ids import StepId


class Step(Protocol):
    """The settings of a step, frozen. What a draft has not said yet is None."""

    kind: ClassVar[str]

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read the settings, `kind` among them. Raises InputError naming the place."""
        ...

    def to_data(self) -> dict[str, Any]:
        """The settings as they are written, without `kind`; what is missing stays out."""
        ...

    def edges(self) -> dict[str, StepId | None]:
        """Where people go from here, by the name of the edge; None is the exit."""
        ...

    def findings(
        self, step: StepId, steps: Mapping[StepId, "Step"], around: Surroundings
    ) -> list[Finding]:
        """What keeps this step, named `step` among the Canvas' `steps`, from launching."""
        ...


def written(**fields: Any) -> dict[str, Any]:
    """These fields without the missing ones. A trailing _ keeps a name off Python's own words."""
    return {name.rstrip("_"): value for name, value in fields.items() if value is not None}
