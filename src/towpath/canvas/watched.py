"""What a launched Canvas waits for: the events that let people in or out, or move them on."""

from collections.abc import Iterable, Iterator

from towpath.canvas.conversions import Conversion
from towpath.canvas.graph import Graph
from towpath.canvas.triggers import Kind, Trigger


def watched(graph: Graph) -> frozenset[tuple[int, str]]:
    """The kinds and names of events that the Canvas must see (store/watches.py).

    A step that waits for events says so by `awaits()`, which gives its triggers.
    """
    triggers = [*graph.entry.on, *graph.entry.exit_on]
    for step in graph.steps.values():
        triggers += _awaits(step)
    named = frozenset((int(one.kind), one.name) for one in triggers if one.kind != Kind.SEGMENT)
    return named | goals_watched(graph.conversions)


def goals_watched(goals: Iterable[Conversion]) -> frozenset[tuple[int, str]]:
    """The same of these goals alone."""
    return frozenset((int(goal.trigger.kind), goal.trigger.name) for goal in goals)


def _awaits(step: object) -> Iterator[Trigger]:
    awaits = getattr(step, "awaits", None)
    if awaits is not None:
        yield from awaits()
