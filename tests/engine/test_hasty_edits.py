"""Edits that follow one another, or what people do, before the walk has led anybody away."""

from datetime import timedelta

from tests.engine.crowd import Crowd, crowd

from towpath.canvas.graph import Graph
from towpath.canvas.parse import parse_canvas
from towpath.clock import Instant
from towpath.engine.acting import Acting
from towpath.engine.advance import Advance
from towpath.engine.entrance import Entrance
from towpath.ids import StepId
from towpath.ledger.windows import Windows
from towpath.store import audit, canvases, publishing, tallies, waves
from towpath.store.database import Db
from towpath.store.intakes import Seen
from towpath.store.webhooks import HAND

EVENT = 0
CALL = """
canvas: Edited
entry: {at: launch, first: call}
steps:
  call: {kind: webhook, url: "https://callee.example/", next: end}
  end: {kind: exit}
"""
ACT = """
canvas: Edited
entry: {at: launch, first: act}
steps:
  act: {kind: action_paths, paths: [{name: seen, on: [{event: view}], next: end}], within: 1h}
  end: {kind: delay, for: 1d}
"""
NONE = """
canvas: Edited
entry: {at: launch, first: end}
steps:
  end: {kind: delay, for: 1d}
"""


def publish(found: Crowd, draft: Graph, now: Instant) -> None:
    place = (found.db, found.workspace, found.canvas)
    read = canvases.read(*place)
    revision = canvases.save_draft(*place, draft, revision=read.revision, now=now)
    publishing.publish(*place, revision=revision, audiences={}, redirects={}, now=now)


def test_who_waits_for_a_call_at_a_step_that_is_there_again_is_called(db: Db, now: Instant) -> None:
    found = crowd(db, now, 10, CALL)
    Entrance(db).tick(now)
    publish(found, parse_canvas(NONE), now)
    publish(found, parse_canvas(CALL), now)
    assert not Advance(db, Windows()).tick(now)
    claimed = waves.claim(db, now, now + timedelta(minutes=1), 1, HAND)
    assert claimed is not None
    assert len(claimed.together) == 10
    assert audit.run(db) == []


def test_what_people_do_at_a_step_that_is_gone_moves_nobody(db: Db, now: Instant) -> None:
    found = crowd(db, now, 10, ACT)
    Entrance(db).tick(now)
    publish(found, parse_canvas(NONE), now)
    with db.transaction():
        did = Seen(1, EVENT, "view", 0, now, now, {})
        assert not Acting()(db, found.workspace, [did], now)
    assert Advance(db, Windows()).tick(now)
    exits = {edge: n for (_, edge), n in tallies.read_edges(db, found.version).items()}
    assert exits["exited: step gone"] == 10
    assert waves.standing(db, found.version) == {}
    assert StepId("act") not in canvases.read(db, found.workspace, found.canvas).draft.steps
    assert audit.run(db) == []
