"""Entrance: whoever may enters exactly once, whatever number of workers open the door."""

from datetime import timedelta

import pytest
from tests.engine.crowd import WALK, at_once, crowd, people_batch

from towpath.canvas.parse import parse_canvas
from towpath.clock import Instant, seconds
from towpath.engine import entrance
from towpath.engine.entrance import ENTRY, Entrance
from towpath.people.lots import lowest
from towpath.people.people_set import people
from towpath.store import canvases, entries, profiles, tallies, waves
from towpath.store.database import Db


def test_four_workers_let_everybody_in_once(db: Db, database_url: str, now: Instant) -> None:
    told = crowd(db, now, 5_000)
    done = at_once(database_url, lambda mine: Entrance(mine).tick(now), workers=4)
    assert sorted(done) == [False, False, False, True]
    assert told.counters("wait").entered == told.standing() == 5_000
    assert len(entries.entered(db, told.canvas)) == 5_000
    assert tallies.read_edges(db, told.version) == {(ENTRY, "entered"): 5_000}
    assert not Entrance(db).tick(now)


def test_a_worker_that_dies_on_the_way_leaves_nothing(db: Db, now: Instant) -> None:
    """The entry is one transaction: another worker finds the door as it was."""
    told = crowd(db, now, 100)
    with db.transaction(force_rollback=True):
        Entrance(db).tick(now)
    assert told.standing() == 0
    assert Entrance(db).tick(now)
    assert told.standing() == 100


def test_ranges_of_numbers_make_no_difference(
    db: Db, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = crowd(db, now, 1_000)
    monkeypatch.setattr(entrance, "MUSTER_NUMBERS", 64)
    Entrance(db).tick(now)
    assert told.standing() == 1_000
    assert waves.inside(db, told.canvas) == [people(range(1_000))]


def test_a_limit_draws_among_all_who_match_whatever_their_number(
    db: Db, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lot a person decides, never the order in which ranges of numbers are read."""
    told = crowd(db, now, 2_000, WALK.replace("at: launch", "at: launch, limits: {per_run: 200}"))
    monkeypatch.setattr(entrance, "MUSTER_NUMBERS", 256)
    Entrance(db).tick(now)
    (inside,) = waves.inside(db, told.canvas)
    assert inside == lowest(people(range(2_000)), f"limit {told.canvas}", 200)
    quarters = [len(inside & people(range(low, low + 500))) for low in range(0, 2_000, 500)]
    assert sum(quarters) == 200
    assert min(quarters) > 25, quarters


def test_nobody_enters_before_the_time_or_while_it_is_paused(db: Db, now: Instant) -> None:
    later = (now + timedelta(hours=1)).isoformat()
    told = crowd(db, now, 10, WALK.replace("at: launch", f'at: "{later}"'))
    assert not Entrance(db).tick(now + timedelta(minutes=59))
    canvases.pause(db, told.workspace, told.canvas, now)
    assert not Entrance(db).tick(now + timedelta(hours=2))
    canvases.resume(db, told.workspace, told.canvas, now)
    assert Entrance(db).tick(now + timedelta(hours=2))
    assert told.standing() == 10


def test_an_empty_workspace_has_entered_too(db: Db, now: Instant) -> None:
    told = crowd(db, now, 0)
    assert Entrance(db).tick(now)
    assert not Entrance(db).tick(now)
    assert (told.standing(), canvases.waiting_to_enter(db)) == (0, False)


DAILY = 'schedule: {daily: {at: "12:30"}}, reentry: always'


def test_an_occurrence_takes_place_once_and_then_the_next_one(
    db: Db, database_url: str, now: Instant
) -> None:
    told = crowd(db, now, 100, WALK.replace("at: launch", DAILY))
    half_hour = now + timedelta(minutes=30)
    assert not Entrance(db).tick(half_hour - seconds(1))
    done = at_once(database_url, lambda mine: Entrance(mine).tick(half_hour), workers=4)
    assert sorted(done) == [False, False, False, True]
    assert canvases.version(db, told.version).enter_at == half_hour + timedelta(days=1)
    # Missed for three days, it takes place once, late.
    assert Entrance(db).tick(now + timedelta(days=4))
    assert not Entrance(db).tick(now + timedelta(days=4))
    assert tallies.read_edges(db, told.version) == {(ENTRY, "entered"): 200}


def test_an_occurrence_that_failed_takes_place_again(db: Db, now: Instant) -> None:
    told = crowd(db, now, 100, WALK.replace("at: launch", DAILY))
    with db.transaction(force_rollback=True):
        assert Entrance(db).tick(now + timedelta(hours=1))
    assert Entrance(db).tick(now + timedelta(hours=1))
    assert told.standing() == 100


def test_the_limit_of_a_run_takes_the_same_people_first(db: Db, now: Instant) -> None:
    text = WALK.replace("at: launch", f"{DAILY}, limits: {{per_run: 10, total: 15}}")
    told = crowd(db, now, 100, text)
    for day in range(3):
        Entrance(db).tick(now + timedelta(days=day, hours=1))
    first, second = waves.inside(db, told.canvas)
    assert (len(first), len(second)) == (10, 5)
    assert second <= first
    edges = {edge: count for (_, edge), count in tallies.read_edges(db, told.version).items()}
    assert edges == {"entered": 15, "refused: limit reached": 90 + 95 + 100}


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        ("never", {"refused: inside now": 10}),
        ("{after: 1d}", {"refused: entered too recently": 10}),
        ("always", {}),
    ],
)
def test_who_is_kept_out_is_counted_with_the_reason(
    db: Db, now: Instant, rule: str, refused: dict[str, int]
) -> None:
    text = WALK.replace("at: launch", f"at: launch, reentry: {rule}")
    told = crowd(db, now, 10, text)
    Entrance(db).tick(now)
    canvases.stop(db, told.workspace, told.canvas, now)
    profiles.upsert(db, told.workspace, people_batch(12, now), now)
    again = canvases.launch(
        db, told.workspace, told.canvas, revision=1, audiences={}, now=now + seconds(1)
    )
    Entrance(db).tick(now + seconds(1))
    edges = {edge: count for (_, edge), count in tallies.read_edges(db, again).items()}
    entering = 12 if rule == "always" else 2
    assert edges == refused | {"entered": entering}
    inside = waves.inside(db, told.canvas)
    assert sum(len(lane) for lane in inside) == 10 + entering
    assert len(inside) == (2 if rule == "always" else 1)


def test_a_canvas_whose_filter_cannot_be_asked_keeps_nobody_else_waiting(
    db: Db, now: Instant
) -> None:
    """Its filter names a Canvas that was renamed since: it stays due, others take their turn."""
    names = WALK.replace("first: wait", "first: wait, filter: {canvas: Gone, entered: ever}")
    first = crowd(db, now, 10, names.replace("canvas: Walk", "canvas: Names"))
    second = crowd(db, now + seconds(1), 0)
    later = now + seconds(2)
    assert Entrance(db).tick(later)
    assert (first.standing(), second.standing()) == (0, 10)
    assert not Entrance(db).tick(later)
    empty = parse_canvas(WALK.replace("canvas: Walk", "canvas: Gone").encode())
    canvases.create(db, first.workspace, empty, later)
    assert Entrance(db).tick(later)
    assert not Entrance(db).tick(later)
