"""Stopping and pausing while workers are at work: nobody moves on, and nothing is rolled back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from tests.engine.crowd import crowd

from towpath.clock import Instant, seconds
from towpath.engine.advance import Advance
from towpath.engine.entrance import Entrance
from towpath.engine.sweep import Sweep
from towpath.ledger.windows import Windows
from towpath.people.people_set import people
from towpath.store import canvases, database, entries, wakes, waves
from towpath.store.database import Db
from towpath.store.queries import queries
from towpath.store.tallies import Change

LATER = seconds(60)


def test_a_wave_claimed_before_a_pause_does_not_move_in_it(db: Db, now: Instant) -> None:
    told = crowd(db, now, 10)
    Entrance(db).tick(now)
    advance = Advance(db, Windows())
    claimed = advance.claim(now + LATER)
    assert claimed is not None
    canvases.pause(db, told.workspace, told.canvas, now + LATER)
    assert not advance.move(claimed, now + LATER)
    assert told.counters("split") == Change()
    canvases.resume(db, told.workspace, told.canvas, now + LATER)
    assert advance.tick(now + LATER + timedelta(seconds=31))
    assert told.counters("split").entered == 10


def test_a_wave_claimed_before_a_stop_leaves(db: Db, now: Instant) -> None:
    told = crowd(db, now, 10)
    Entrance(db).tick(now)
    advance = Advance(db, Windows())
    claimed = advance.claim(now + LATER)
    assert claimed is not None
    canvases.stop(db, told.workspace, told.canvas, now + LATER)
    assert not advance.move(claimed, now + LATER)
    assert advance.tick(now + LATER + timedelta(seconds=31))
    assert told.counters("wait") == Change(entered=10, exited=10)


def test_a_stop_while_people_enter_waits_for_them(
    db: Db, database_url: str, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of them is rolled back."""
    told = crowd(db, now, 10)
    entering, stopping = threading.Event(), threading.Event()
    true_write = entries.write

    def slow_write(*given: object) -> None:
        entering.set()
        stopping.wait(0.5)
        true_write(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(entries, "write", slow_write)

    def enter() -> bool:
        with database.connect(database_url) as mine:
            return Entrance(mine).tick(now)

    with ThreadPoolExecutor(1) as pool:
        entered = pool.submit(enter)
        entering.wait(5)
        canvases.stop(db, told.workspace, told.canvas, now)
        assert entered.result(5)
    assert told.standing() == 10


def plan_of(db: Db, now: Instant) -> str:
    """What a claim reads, as PostgreSQL tells it."""
    claim = queries("waves")["claim_waves"]
    given = {"now": now, "lease_until": now + LATER, "most": 128, "hand": "advance"}
    with db.transaction(force_rollback=True):
        rows = db.execute(b"explain (analyze, buffers, timing off) " + claim, given)
        return "\n".join(row[0] for row in rows)


def test_waves_of_a_paused_canvas_cost_a_claim_nothing(db: Db, now: Instant) -> None:
    told = crowd(db, now, 1_000)
    for number in range(1_000):
        waves.write(db, told.stand("wait"), people([number]), now, now + seconds(number / 1_000))
    canvases.pause(db, told.workspace, told.canvas, now)
    db.execute("vacuum analyze wave")
    plan = plan_of(db, now + LATER)
    assert "wave_due" in plan
    assert "Rows Removed" not in plan, plan
    assert waves.next_due(db) is None
    assert waves.claim(db, now + LATER, now + LATER, 128) is None
    canvases.resume(db, told.workspace, told.canvas, now)
    claimed = waves.claim(db, now + LATER, now + 2 * LATER, 128)
    assert claimed is not None
    assert len(claimed.ids) == 128


def test_a_wave_written_in_a_pause_rests_once_it_is_due(db: Db, now: Instant) -> None:
    told = crowd(db, now, 10)
    canvases.pause(db, told.workspace, told.canvas, now)
    waves.write(db, told.stand("wait"), people([1]), now, now + seconds(10))
    Sweep(db, Windows()).tick(now + seconds(5))
    assert waves.next_due(db) is None  # nothing can move it
    assert wakes.next_due(db, now + seconds(5)) == now + seconds(10)
    Sweep(db, Windows()).tick(now + seconds(10))
    assert db.execute("select resting from wave").fetchall() == [(True,)]
    canvases.resume(db, told.workspace, told.canvas, now + LATER)
    assert Advance(db, Windows()).tick(now + LATER)


def test_a_stop_ends_a_pause_for_those_inside(db: Db, now: Instant) -> None:
    told = crowd(db, now, 10)
    Entrance(db).tick(now)
    canvases.pause(db, told.workspace, told.canvas, now)
    assert not Advance(db, Windows()).tick(now + LATER)
    canvases.stop(db, told.workspace, told.canvas, now + LATER)
    assert Advance(db, Windows()).tick(now + LATER)
    assert told.counters("wait") == Change(entered=10, exited=10)


def test_a_pause_and_workers_never_roll_each_other_back(
    db: Db, database_url: str, now: Instant
) -> None:
    told = crowd(db, now, 2_000)
    for number in range(2_000):
        due_at = now + seconds((number * 7919 % 2_000) / 1_000)
        waves.write(db, told.stand("wait"), people([number]), now, due_at)
    walking = threading.Event()

    def walk(mine: Db) -> None:
        advance = Advance(mine, Windows())
        while not walking.is_set():
            advance.tick(now + LATER)

    with (
        ThreadPoolExecutor(2) as pool,
        database.connect(database_url) as one,
        database.connect(database_url) as other,
    ):
        done = [pool.submit(walk, each) for each in (one, other)]
        for _ in range(20):
            canvases.pause(db, told.workspace, told.canvas, now)
            canvases.resume(db, told.workspace, told.canvas, now)
        walking.set()
        for each in done:
            each.result(10)
    left = db.execute("select count(*) from wave where resting").fetchone()
    assert left == (0,)
