"""Stopping and pausing while workers are at work: nobody moves on, and nothing is rolled back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from tests.engine.crowd import crowd

from towpath.clock import Instant, seconds
from towpath.engine.advance import Advance
from towpath.engine.entrance import Entrance
from towpath.ledger.windows import Windows
from towpath.store import canvases, database, entries
from towpath.store.database import Db
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
