"""Whose hand moves a wave, and which way a lot sends people: what the engine knows of kinds."""

from datetime import timedelta

from tests.engine.crowd import Crowd, crowd

from towpath.canvas.steps.experiment_paths import ExperimentPaths
from towpath.clock import Instant, seconds
from towpath.engine.advance import Advance
from towpath.engine.entrance import Entrance
from towpath.engine.steps.experiment_paths import ExperimentPathsKind
from towpath.engine.steps.protocol import Moment
from towpath.ledger.windows import Windows
from towpath.people.people_set import PeopleSet, people
from towpath.store import audit, waves, webhooks
from towpath.store.database import Db

CALL = """
canvas: Call
entry: {at: launch, first: wait}
steps:
  wait: {kind: delay, for: 10s, next: call}
  call: {kind: webhook, url: "https://example.com/", next: end, failed: end}
  end: {kind: exit}
"""
EVERYBODY = people(range(1_000))


def hands(told: Crowd) -> set[tuple[str, str]]:
    return set(told.db.execute("select step, hand from wave").fetchall())


def test_a_wave_is_claimed_by_the_hand_of_its_step_alone(db: Db, now: Instant) -> None:
    told = crowd(db, now, 50, CALL)
    Entrance(db).tick(now)
    assert hands(told) == {("wait", "advance")}
    lease = now + timedelta(minutes=5)
    later = now + seconds(20)
    assert waves.claim(db, later, lease, 9, webhooks.HAND) is None
    advance = Advance(db, Windows())
    while advance.tick(later):
        pass
    assert hands(told) == {("call", "webhook")}, "the undivided wave moved in place"
    assert not advance.tick(later + timedelta(days=1)), "it is not advance's to move"
    claimed = waves.claim(db, later, lease, 9, webhooks.HAND)
    assert claimed is not None
    assert claimed.stand.step == "call"
    assert waves.claim(db, later, lease, 9, webhooks.HAND) is None, "it is claimed already"
    again = waves.claim(db, lease, lease + timedelta(minutes=5), 9, webhooks.HAND)
    assert again is not None, "its lease is over"
    assert again.fences > claimed.fences
    assert not waves.hold(db, claimed)
    assert audit.run(db) == []


def drawn(db: Db, now: Instant, lane: int, *, sticky: bool) -> dict[str, PeopleSet]:
    told = {"kind": "experiment_paths", "sticky": sticky, "control": {"weight": 20}}
    told["paths"] = [{"name": "a", "weight": 50}, {"name": "b", "weight": 30}]
    settings = ExperimentPaths.parse(told, "steps.lot")
    where = Crowd(db, *(1, 2, 3)).stand("lot", lane)  # type: ignore[arg-type]
    moment = Moment(db, where, now, Windows())
    found = ExperimentPathsKind().perform(moment, settings, EVERYBODY)
    assert sum(len(one.members) for one in found) == len(EVERYBODY)
    return {one.edge: one.members for one in found}


def test_lots_stay_or_are_drawn_anew(db: Db, now: Instant) -> None:
    later = now + timedelta(days=1)
    first = drawn(db, now, 0, sticky=True)
    assert first == drawn(db, later, 0, sticky=True) == drawn(db, later, 1, sticky=True)
    assert abs(len(first["a"]) - 500) < 60
    new = drawn(db, now, 0, sticky=False)
    for other in (drawn(db, later, 0, sticky=False), drawn(db, now, 1, sticky=False)):
        both = len(new["a"] & other["a"])
        assert abs(both - 250) < 60, "who went by `a` goes there again as often as anybody"
        assert abs(len(other["b"]) - 300) < 60
    assert new == drawn(db, now, 0, sticky=False), "a claim that is repeated draws the same"
