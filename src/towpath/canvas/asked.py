"""What a Canvas asks of people: every filter in it, with its place, those of its triggers too."""

from collections.abc import Iterator

from towpath.canvas.graph import Graph
from towpath.canvas.steps.audience_paths import AudiencePaths
from towpath.canvas.steps.decision_split import DecisionSplit
from towpath.canvas.triggers import Kind, Trigger
from towpath.ids import StepId
from towpath.people.filter import Filter, InSegment

Asked = tuple[StepId | None, str, Filter]
"""The step (None: the entry), the field counted from it, and the filter."""


def asked(graph: Graph) -> Iterator[Asked]:
    """The filters of the entry first, then of the steps in the order in which people walk."""
    entry = graph.entry
    if entry.filter is not None:
        yield None, "entry.filter", entry.filter
    yield from _entered(entry.on, "entry.on")
    yield from _entered(entry.exit_on, "entry.exit_on")
    if entry.exit_filter is not None:
        yield None, "entry.exit_on", entry.exit_filter
    for step in graph.walk():
        match graph.steps[step]:
            case DecisionSplit(condition=condition) if condition is not None:
                yield step, "if", condition
            case AudiencePaths(paths=paths):
                for place, path in enumerate(paths):
                    if path.condition is not None:
                        yield step, f"paths[{place}].if", path.condition


def _entered(triggers: tuple[Trigger, ...], where: str) -> Iterator[Asked]:
    for place, trigger in enumerate(triggers):
        if trigger.kind is Kind.SEGMENT:
            yield None, f"{where}[{place}].segment", InSegment(trigger.name)
