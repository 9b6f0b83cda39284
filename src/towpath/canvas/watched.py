"""What a launched Canvas waits for: the events that let people in or out, or move them on."""

from collections.abc import Iterator

from towpath.canvas.graph import Graph
from towpath.canvas.triggers import Kind, Trigger


def watched(graph: Graph) -> frozenset[tuple[int, str]]:
    """The kinds and names of events that the Canvas must see (store/watches.py).

    A step that waits for events says so by `awaits()`, which gives its triggers.
    """
    entry = graph.entry
    triggers = [*entry.on, *entry.exit_on, *(goal.trigger for goal in graph.conversions)]
    for step in graph.steps.values():
        triggers += _awaits(step)
    return frozenset((int(one.kind), one.name) for one in triggers if one.kind != Kind.SEGMENT)


def _awaits(step: object) -> Iterator[Trigger]:
    awaits = getattr(step, "awaits", None)
    if awaits is not None:
        yield from awaits()
