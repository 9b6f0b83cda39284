"""Removals: people who left a Canvas otherwise than by an arrow come to the steps that take them
out of its audiences (canvas/removals.py), in the transaction that lets them out or counts them.
"""

from dataclasses import replace

from towpath.canvas.graph import Graph
from towpath.canvas.removals import Occasion
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.engine.moves import Moves, count_coming, count_leaving
from towpath.engine.steps.audience_sync import arrive
from towpath.engine.steps.protocol import Moment
from towpath.people.people_set import PeopleSet
from towpath.store.publishing import REMOVED_IN


def remove(
    moment: Moment, graph: Graph, occasion: Occasion, members: PeopleSet, moves: Moves
) -> None:
    """These people are taken out of the audiences that the Canvas names for this occasion. `moves`
    is written by the caller, of the version that `moment` stands in."""
    if not members:
        return
    for removal in graph.removals:
        if occasion not in removal.on:
            continue
        step, settings = removal.step, graph.steps[removal.step]
        assert isinstance(settings, AudienceSync)
        assert settings.audience_id is not None
        moves.along(REMOVED_IN, str(step), len(members))
        count_coming(graph, step, members, moves)
        count_leaving(graph, step, None, "next", len(members), moves)
        there = replace(moment, stand=moment.stand.at(step))
        arrive(there, settings.audience_id, settings.action, settings.fields, members)
