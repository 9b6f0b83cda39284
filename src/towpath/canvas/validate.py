"""Findings of a whole Canvas: what must be mended before it can launch, all at once."""

from towpath.canvas.findings import Finding, Level
from towpath.canvas.graph import Graph
from towpath.canvas.removals import removal_findings
from towpath.canvas.surroundings import Surroundings
from towpath.canvas.together import contradictions
from towpath.ids import StepId
from towpath.people.filter_parse import nearest


def validate(graph: Graph, around: Surroundings) -> list[Finding]:
    """Every finding: the entry's first, then the steps' in the order in which people walk."""
    found = _entry_findings(graph, around)
    if not graph.steps:
        hint = "Write steps: and at least one of them."
        found.append(Finding("no_steps", Level.ERROR, None, "steps", "There are no steps.", hint))
    for step in graph.walk():
        found += _edge_findings(graph, step)
        found += graph.steps[step].findings(step, graph.steps, around)
    goals = len(graph.conversions)
    found += removal_findings(graph.removals, graph.steps, graph.entry, goals)
    found += [_contradiction(*pair) for pair in contradictions(graph, around)]
    for step, edge, way in graph.loops():
        message = f"People would walk in a circle: {' → '.join([*way, way[0]])}."
        hint = "A Canvas leads only forward; let it lead to a later step."
        found.append(Finding("loop", Level.ERROR, step, edge, message, hint))
    entered = graph.entry.first in graph.steps
    for step in graph.unreachable() if entered else ():
        message = "Nobody can reach this step."
        hint = "Let a step lead to it, or delete it."
        found.append(Finding("unreachable", Level.WARNING, step, "", message, hint))
    return found


def _contradiction(earlier: StepId, later: StepId) -> Finding:
    message = (
        f"People come here at the same moment as to {earlier}, and the two want the contrary of one"
        " audience: only this one would count."
    )
    hint = f"Put a delay between {earlier} and {later}, or let different people come to them."
    return Finding("add_and_remove_at_once", Level.ERROR, later, "action", message, hint)


def _entry_findings(graph: Graph, around: Surroundings) -> list[Finding]:
    def error(code: str, field: str, message: str, hint: str) -> Finding:
        return Finding(code, Level.ERROR, None, field, message, hint)

    entry = graph.entry
    found = []
    if not entry.has_door:
        hint = "Write at: launch."
        found.append(
            error("entry_time_missing", "entry.at", "It is not said when people enter.", hint)
        )
    elif not isinstance(entry.at, str | None) and entry.at < around.now:
        hint = "Write at: launch, or a later time."
        found.append(error("entry_time_past", "entry.at", "This time is over.", hint))
    if entry.first is None:
        hint = "Write first: STEP."
        found.append(
            error(
                "first_missing", "entry.first", "It is not said which step people enter at.", hint
            )
        )
    elif entry.first not in graph.steps:
        hint = nearest(entry.first, graph.steps) if graph.steps else "Write it under steps."
        found.append(error("step_unknown", "entry.first", "There is no such step.", hint))
    return found


def _edge_findings(graph: Graph, step: StepId) -> list[Finding]:
    return [
        Finding(
            "step_unknown",
            Level.ERROR,
            step,
            edge,
            f"There is no step {target}.",
            nearest(target, graph.steps),
        )
        for edge, target in graph.steps[step].edges().items()
        if target is not None and target not in graph.steps
    ]
