"""Audience Paths: people go by the first of up to seven groups that they match, the others by
`else`. Asked once, when they come (Braze: at most eight groups, Everyone Else among them)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from towpath.canvas.fields import Fields
from towpath.canvas.findings import Finding, Level
from towpath.canvas.paths import OTHERS, missing_paths, parse_paths, path_name
from towpath.canvas.step import Step, written
from towpath.canvas.surroundings import Surroundings
from towpath.ids import StepId
from towpath.limits import PATHS_MAX
from towpath.people.filter import Filter, to_data
from towpath.people.filter_parse import parse_filter


@dataclass(frozen=True, slots=True)
class AudiencePath:
    """A group; `condition` is what the file calls `if`."""

    name: str
    condition: Filter | None
    next: StepId | None

    def to_data(self) -> dict[str, Any]:
        """The path as it is written."""
        condition = None if self.condition is None else to_data(self.condition)
        return written(name=self.name, if_=condition, next=self.next)


@dataclass(frozen=True, slots=True)
class AudiencePaths:
    """`others` is what the file calls `else`. A path that leads nowhere leads out."""

    kind: ClassVar[str] = "audience_paths"
    paths: tuple[AudiencePath, ...]
    others: StepId | None

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read `paths` (`name`, `if`, `next`) and `else`."""
        fields = Fields(data, where, ("kind", "paths", OTHERS))
        listed = parse_paths(fields.raw("paths"), fields.path("paths"), ("if",), PATHS_MAX - 1)
        return cls(tuple(_path(one) for one in listed), fields.step(OTHERS))

    def to_data(self) -> dict[str, Any]:
        """The settings as they are written."""
        paths = [path.to_data() for path in self.paths]
        return written(paths=paths or None, else_=self.others)

    def edges(self) -> dict[str, StepId | None]:
        """One a path, by its name, and `else`."""
        return {path.name: path.next for path in self.paths} | {OTHERS: self.others}

    def findings(
        self,
        step: StepId,
        steps: Mapping[StepId, Step],  # noqa: ARG002 - one protocol for all
        around: Surroundings,  # noqa: ARG002
    ) -> list[Finding]:
        """There must be a group, and every group must say who is in it."""
        hint = "Write if: {attribute: orders, at_least: 1}."
        return missing_paths(step, 1, len(self.paths)) + [
            Finding(
                "condition_missing",
                Level.ERROR,
                step,
                f"paths[{place}].if",
                f"It is not said who goes {path.name}.",
                hint,
            )
            for place, path in enumerate(self.paths)
            if path.condition is None
        ]


def _path(fields: Fields) -> AudiencePath:
    tree = fields.raw("if")
    condition = None if tree is None else parse_filter(tree, fields.path("if"))
    return AudiencePath(path_name(fields), condition, fields.step("next"))
