"""A launched Canvas: frozen, with the audiences that its steps mean resolved to our own ids."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from towpath.canvas.graph import Graph, from_data, to_data
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.errors import InputError
from towpath.ids import AudienceId, StepId


def freeze(graph: Graph, audiences: Mapping[StepId, AudienceId]) -> Graph:
    """The graph with `audience_id` set in every Audience Sync step. Raises InputError for a step
    whose audience is not given: a launch must have resolved them all."""
    steps = dict(graph.steps)
    for step, settings in graph.steps.items():
        if isinstance(settings, AudienceSync):
            if step not in audiences:
                raise InputError("its audience is not known.", field=f"steps.{step}.audience")
            steps[step] = replace(settings, audience_id=audiences[step])
    return replace(graph, steps=steps)


def frozen_to_data(graph: Graph) -> dict[str, Any]:
    """A frozen graph as plain data: the Canvas as written, and `audiences` by step."""
    return to_data(graph) | {
        "audiences": {
            str(step): settings.audience_id
            for step, settings in graph.steps.items()
            if isinstance(settings, AudienceSync)
        }
    }


def frozen_from_data(data: Mapping[str, Any]) -> Graph:
    """Reads back what `frozen_to_data` wrote."""
    written = {key: value for key, value in data.items() if key != "audiences"}
    return freeze(from_data(written), data["audiences"])
