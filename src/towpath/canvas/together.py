"""Steps that contradict each other: one person can come to both at the same moment.

A sync goes on at once and is sent within seconds, so that of an addition and a removal of one
audience without any time between only the later one means anything.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from towpath.canvas.graph import Graph
from towpath.canvas.step import Step
from towpath.canvas.steps.action_paths import ActionPaths
from towpath.canvas.steps.audience_sync import AudienceSync, ExistingAudience, NewAudience
from towpath.canvas.steps.delay import Delay
from towpath.canvas.surroundings import Surroundings
from towpath.clock import Instant
from towpath.ids import StepId


def contradictions(graph: Graph, around: Surroundings) -> Iterator[tuple[StepId, StepId]]:
    """Pairs of an earlier and a later step: both reached without a delay between, one adds to an
    audience and the other removes from it."""
    syncs = {step: one for step, one in graph.steps.items() if isinstance(one, AudienceSync)}
    for step in graph.walk():
        if step not in syncs:
            continue
        mine = _audience(syncs[step], around)
        for later in _at_once(graph.steps, step, around.now):
            other = syncs.get(later)
            if other is None or mine is None or other.action is syncs[step].action:
                continue
            if _audience(other, around) == mine:
                yield step, later


def takes_time(step: Step, now: Instant) -> bool:
    """Does somebody who comes here go on later only? Not after a time that is over."""
    if isinstance(step, Delay):
        return not (isinstance(step.until, datetime) and step.until <= now)
    return isinstance(step, ActionPaths)


def _at_once(steps: Mapping[StepId, Step], first: StepId, now: Instant) -> Iterator[StepId]:
    """The steps that people come to from `first` at the moment at which they leave it."""
    seen: set[StepId] = {first}
    ahead = list(steps[first].edges().values())
    while ahead:
        step = ahead.pop()
        if step is None or step not in steps or step in seen:
            continue
        seen.add(step)
        yield step
        if not takes_time(steps[step], now):
            ahead.extend(steps[step].edges().values())


def _audience(sync: AudienceSync, around: Surroundings) -> tuple[object, ...] | None:
    """What tells audiences apart; one that is named by its name in one step and by its id in
    another is the same."""
    if sync.ad_account is None or sync.audience is None:
        return None
    view = around.partners.get(sync.partner or "")
    if view is not None and isinstance(sync.audience, ExistingAudience):
        listed = view.listed.get((sync.ad_account, sync.audience.ref))
        if listed is not None and len(view.named(sync.ad_account, listed.name)) == 1:
            return sync.partner, sync.ad_account, NewAudience(listed.name)
    return sync.partner, sync.ad_account, sync.audience
