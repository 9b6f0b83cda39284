"""Ruling: I-17, an edit, a pause and a stop move or end entries by a stated rule."""

from collections import defaultdict
from collections.abc import Iterator

from towpath.canvas.difference import stays
from towpath.canvas.steps.action_paths import ActionPaths
from towpath.canvas.steps.webhook import Webhook
from towpath.cli.simulation.places import Spot
from towpath.cli.simulation.records import Records
from towpath.engine.admission import ENTRY
from towpath.engine.advance import LEAVES, REDIRECTED
from towpath.engine.moves import EXITED
from towpath.ids import StepId, VersionId
from towpath.people.people_set import PeopleSet, people
from towpath.store.canvases import CanvasState
from towpath.store.publishing import PUBLISHED_IN, PUBLISHED_OUT

Arrow = tuple[VersionId, StepId, str]


def an_edit_leaves_people_standing(records: Records) -> Iterator[str]:
    """I-17: who stands at a step that stays stands there in the new version, with their time; the
    others stand where they stood, and are led away at once."""
    world, before, now = records.world, records.places_before, records.places
    publication, world.publication = world.publication, None
    if publication is None:
        return
    graph = world.graphs[publication.newest]
    expected: dict[Spot, PeopleSet] = defaultdict(people)
    for spot, here in before.standing.items():
        kept = spot.step not in publication.redirects
        kept = kept and stays(world.graphs[spot.version], graph, spot.step)
        expected[spot._replace(version=publication.newest) if kept else spot] |= here
        if not kept and any(w.spot == spot and w.due_at > world.now for w in now.waves):
            yield f"{list(here)} stand at {spot.step}, which is gone, and nobody leads them away"
    for spot in {*expected, *now.standing}:
        there: PeopleSet = now.standing.get(spot, people())
        right = expected[spot]
        if there != right:
            yield f"{list(there)} stand at {spot.step} of {spot.version}, and not {list(right)}"
    times = {wave.id: wave.due_at for wave in before.waves}
    for wave in now.waves:
        if wave.spot.version == publication.newest and wave.due_at != times[wave.id]:
            yield f"{list(wave.members)} stand at {wave.spot.step} until another time"


def whose_step_is_gone_is_led_away(records: Records) -> Iterator[str]:
    """I-17: a step that a newer version has not does nothing to anybody any more."""
    for (version, step, edge), count in _grown(records).items():
        before = records.places_before.redirects.get(version, {})
        if step in before and not _leads_out(edge) and edge != PUBLISHED_OUT:
            yield f"{count} went from {step} of {version}, which is gone, by {edge}"


def a_pause_holds(records: Records) -> Iterator[str]:
    """I-17: in a pause nobody enters; only what people did, or a call that is out, moves them, and
    who is to leave leaves."""
    if not _was_and_is(records, CanvasState.PAUSED):
        return
    if records.places.new_entries:
        yield "people entered in a pause"
    for (version, step, edge), count in _grown(records).items():
        let_out = edge == PUBLISHED_OUT or edge.startswith(EXITED)
        if not let_out and not _by_itself(records, version, step):
            yield f"{count} went from {step} by {edge} in a pause"


def a_stop_ends(records: Records) -> Iterator[str]:
    """I-17: after a stop nobody enters, and whose time comes leaves."""
    if not _was_and_is(records, CanvasState.STOPPED):
        return
    if records.places.new_entries:
        yield "people entered after a stop"
    for (version, step, edge), count in _grown(records).items():
        webhook = isinstance(records.world.graphs[version].steps.get(step), Webhook)
        if not _leads_out(edge) and not webhook and step != PUBLISHED_IN:
            yield f"{count} went from {step} by {edge} after a stop"


def _was_and_is(records: Records, state: CanvasState) -> bool:
    return records.places_before.state is records.places.state is state


def _grown(records: Records) -> dict[Arrow, int]:
    before = records.places_before.arrows
    return {
        arrow: count - before.get(arrow, 0)
        for arrow, count in records.places.arrows.items()
        if count > before.get(arrow, 0)
    }


def _leads_out(edge: str) -> bool:
    return edge in (LEAVES, REDIRECTED) or edge.startswith(EXITED)


def _by_itself(records: Records, version: VersionId, step: StepId) -> bool:
    """Does it move people whatever the Canvas' state: acts, calls that are out, an edit?"""
    settings = records.world.graphs[version].steps.get(step)
    return step in (PUBLISHED_IN, ENTRY) or isinstance(settings, ActionPaths | Webhook)
