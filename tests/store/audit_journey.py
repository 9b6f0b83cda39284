"""A Canvas in which people act, convert, leave, and go over to an edit that was published: what
audit_world.py's Canvases do not do."""

from datetime import timedelta

from tests.store.audit_world import World

from towpath.canvas.parse import parse_canvas
from towpath.engine.acting import Acting
from towpath.engine.converting import Converting
from towpath.ids import CanvasId, StepId
from towpath.people.people_set import people, union
from towpath.store import canvases, exit_sets, publishing, waves
from towpath.store.intakes import Seen

JOURNEY = """
canvas: Journey
entry: {at: launch, first: act, control: "20%"}
conversions: [{purchase: any, within: 9d}]
steps:
  act:
    kind: action_paths
    paths: [{name: bought, on: [{purchase: any}], next: rank}, {name: bye, on: [{event: bye}]}]
    else: long
    within: 20d
  rank:
    kind: action_paths
    ranked: true
    paths: [{name: again, on: [{purchase: any}]}, {name: sorry, on: [{event: sorry}]}]
    else: long
    within: 20d
  long: {kind: delay, for: 30d}
"""
EDITED = JOURNEY.replace("30d", "31d")
EVENT, PURCHASE = 0, 1


def travel(world: World) -> CanvasId:
    """Some buy, some of those again; some leave, and of those some are not counted yet."""
    db = world.db
    canvas = world.launch(JOURNEY)
    assert world.entrance.tick(world.now)
    inside = list(union(waves.inside(db, canvas)))
    world.now += timedelta(minutes=1)
    _did(world, (PURCHASE, "shoe", *inside[:12]), (EVENT, "bye", *inside[12:15]))
    _publish(world, canvas, EDITED)
    world.now += timedelta(minutes=1)
    _did(world, (PURCHASE, "shoe", *inside[3:5]), (PURCHASE, "hat", *range(65_480, 65_600)))
    _did(world, (EVENT, "sorry", *inside[6:8]))
    exit_sets.add(db, canvas, 0, people(inside[20:23]), "exit criteria", world.now)
    return canvas


def _did(world: World, *done: tuple[int, str, *tuple[int, ...]]) -> None:
    batch = [
        Seen(who, kind, name, who, world.now, world.now, {})
        for kind, name, *doers in done
        for who in doers
    ]
    with world.db.transaction():
        for listener in (Acting(), Converting()):
            listener(world.db, world.workspace, batch, world.now)


def _publish(world: World, canvas: CanvasId, text: str) -> None:
    where = (world.db, world.workspace, canvas)
    revision = canvases.read(*where).revision
    revision = canvases.save_draft(*where, parse_canvas(text), revision=revision, now=world.now)
    gone: dict[StepId, StepId | None] = {}
    publishing.publish(*where, revision=revision, audiences={}, redirects=gone, now=world.now)
