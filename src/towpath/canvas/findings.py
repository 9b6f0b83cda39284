"""Findings: why a Canvas cannot launch, and what deserves a look. All of them, never the first."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from towpath.ids import StepId


class Level(StrEnum):
    """An error stands in the way of the launch; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `code` is for programs and stays; `field` is counted from the step, or from the
    top of the file when `step` is None; `hint` says what to do."""

    code: str
    level: Level
    step: StepId | None
    field: str
    message: str
    hint: str

    @property
    def place(self) -> str:
        """Where it stands in the file."""
        if self.step is None:
            return self.field
        return f"steps.{self.step}.{self.field}" if self.field else f"steps.{self.step}"


def launchable(findings: Iterable[Finding]) -> bool:
    """Whether nothing stands in the way."""
    return all(finding.level is not Level.ERROR for finding in findings)


def findings_text(findings: Iterable[Finding]) -> list[str]:
    """The findings for people, a line each, as they came."""
    return [
        f"{finding.level} in {finding.place}: {finding.message} {finding.hint}".rstrip()
        for finding in findings
    ]


def findings_data(findings: Iterable[Finding]) -> list[dict[str, str | None]]:
    """The findings for programs."""
    return [asdict(finding) | {"place": finding.place} for finding in findings]
