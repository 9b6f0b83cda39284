"""Additions and removals that one person can come to at one moment, beside a walk of every way."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from towpath.canvas.graph import Graph, from_data
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.canvas.surroundings import Surroundings
from towpath.canvas.together import contradictions, takes_time
from towpath.ids import StepId

AROUND = Surroundings(datetime(2026, 3, 1, tzinfo=UTC), {})


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Canvases that lead only forward, of delays, splits and syncs of two audiences."""
    count = draw(st.integers(1, 9))
    steps: dict[str, Any] = {}
    for place in range(count):
        later = [None, *(f"s{one}" for one in range(place + 1, count))]
        ahead = st.sampled_from(later)
        kind = draw(st.sampled_from(["delay", "past", "split", "add", "remove"]))
        if kind == "split":
            step: dict[str, Any] = {"kind": "decision_split", "yes": draw(ahead), "no": draw(ahead)}
        elif kind in ("delay", "past"):
            when = {"for": "1h"} if kind == "delay" else {"until": "2026-02-01T00:00:00Z"}
            step = {"kind": "delay", "next": draw(ahead), **when}
        else:
            audience = {"create": draw(st.sampled_from("ab"))}
            step = {"kind": "audience_sync", "partner": "tiktok", "ad_account": "1"}
            step |= {"audience": audience, "action": kind, "next": draw(ahead)}
        steps[f"s{place}"] = {key: value for key, value in step.items() if value is not None}
    return from_data({"canvas": "C", "entry": {"at": "launch", "first": "s0"}, "steps": steps})


def _contrary(one: AudienceSync, other: AudienceSync) -> bool:
    return one.audience == other.audience and one.action is not other.action


def by_every_way(graph: Graph) -> set[tuple[StepId, StepId]]:
    """Walk every way from every sync, and stop where time passes."""
    found = set()

    def walk(first: StepId, step: StepId) -> None:
        for target in graph.steps[step].edges().values():
            if target is None:
                continue
            one, other = graph.steps[first], graph.steps[target]
            assert isinstance(one, AudienceSync)
            if isinstance(other, AudienceSync) and _contrary(one, other):
                found.add((first, target))
            if not takes_time(other, AROUND.now):
                walk(first, target)

    for step, settings in graph.steps.items():
        if isinstance(settings, AudienceSync):
            walk(step, step)
    return found


@given(graphs())
def test_all_are_found_and_no_others(graph: Graph) -> None:
    assert set(contradictions(graph, AROUND)) == by_every_way(graph)
