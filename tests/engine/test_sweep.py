"""The sweep: who left, or went on, is out of the old wave soon, counted once, whoever works."""

from contextlib import closing
from datetime import timedelta
from random import Random

import pytest
from tests.engine.crowd import Crowd, crowd

from towpath.canvas.parse import parse_canvas
from towpath.clock import Instant, seconds
from towpath.engine import sweep
from towpath.engine.acting import Acting
from towpath.engine.advance import Advance
from towpath.engine.entrance import Entrance
from towpath.engine.leaving import let_out
from towpath.engine.standing import Standing
from towpath.engine.sweep import Sweep
from towpath.ids import StepId, WaveId
from towpath.ledger.windows import Windows
from towpath.people.people_set import people, union
from towpath.store import audit, canvases, exit_sets, publishing, taken, tallies, waves
from towpath.store.database import Db, connect
from towpath.store.intakes import Seen
from towpath.store.tallies import Change

LONG = """
canvas: Long
entry: {at: launch, first: act, reentry: always}
steps:
  act:
    kind: action_paths
    paths: [{name: bought, on: [{purchase: any}], next: later}, {name: bye, on: [{event: bye}]}]
    else: end
    within: 31d
  later: {kind: delay, for: 1d, next: end}
  end: {kind: exit}
"""
PURCHASE = 1
ACT = StepId("act")


def entered(db: Db, now: Instant, count: int) -> Crowd:
    told = crowd(db, now, count, LONG)
    Entrance(db).tick(now)
    return told


def round_of(service: Sweep, now: Instant) -> None:
    while service.tick(now):
        pass


def buy(told: Crowd, now: Instant, *who: int) -> int:
    batch = [Seen(place, PURCHASE, "shoe", one, now, now, {}) for place, one in enumerate(who)]
    with told.db.transaction():
        return Acting()(told.db, told.workspace, batch, now)


def fences(db: Db) -> dict[int, int]:
    return dict(db.execute("select id, fence from wave").fetchall())


def inside(told: Crowd) -> set[int]:
    return set(union(waves.inside(told.db, told.canvas)))


def test_exits_are_counted_and_lanes_are_free_long_before_the_wave_is_due(
    db: Db, now: Instant
) -> None:
    told = entered(db, now, 100)
    exit_sets.add(db, told.canvas, 0, people([3, 5]), "exit criteria", now)
    exit_sets.add(db, told.canvas, 0, people([5, 7]), "deleted", now)
    round_of(Sweep(db, Windows()), now)
    assert told.counters("act") == Change(entered=100, exited=3)
    edges = tallies.read_edges(db, told.version)
    assert edges[ACT, "exited: exit criteria"] == 2, "by the oldest reason"
    assert edges[ACT, "exited: deleted"] == 1
    assert inside(told) == set(range(100)) - {3, 5, 7}
    assert exit_sets.canvases(db) == []
    assert audit.run(db) == []


def test_a_wave_that_everybody_left_ends(db: Db, now: Instant) -> None:
    told = entered(db, now, 10)
    exit_sets.add(db, told.canvas, 0, people(range(10)), "deleted", now)
    round_of(Sweep(db, Windows()), now)
    assert told.waves() == []
    assert audit.run(db) == []


def test_one_round_writes_each_wave_once_and_rests(
    db: Db, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "WAVES_PER_TICK_MAX", 2)
    told = entered(db, now, 0)
    entered_too = people(range(500))
    for place in range(5):
        part = people(range(place * 100, place * 100 + 100))
        waves.write(db, told.stand("act"), part, now, now + timedelta(days=3 + place))
    exit_sets.add(db, told.canvas, 0, people(range(0, 500, 50)), "deleted", now)
    before = fences(db)
    service = Sweep(db, Windows())
    assert [service.tick(now) for _ in range(4)] == [True, True, True, False]
    after = fences(db)
    assert {after[one] - before[one] for one in before} == {1}
    assert sum(one[2] for one in told.waves()) == len(entered_too) - 10
    exit_sets.add(db, told.canvas, 0, people([1]), "deleted", now)
    assert not service.tick(now + seconds(0.5))
    assert 1 in inside(told)
    round_of(service, now + seconds(1))
    assert 1 not in inside(told)


def test_what_is_claimed_is_left_to_the_claim(db: Db, now: Instant) -> None:
    told = entered(db, now, 10)
    late = now + timedelta(days=32)
    advance, service = Advance(db, Windows()), Sweep(db, Windows())
    claimed = advance.claim(late)
    assert claimed is not None
    exit_sets.add(db, told.canvas, 0, people([4]), "deleted", late)
    round_of(service, late)
    assert told.counters("act").exited == 0
    assert advance.move(claimed, late)
    assert told.counters("act").exited == 1
    assert audit.run(db) == []


def test_a_claim_that_was_swept_when_its_lease_was_over_moves_nobody(db: Db, now: Instant) -> None:
    told = entered(db, now, 10)
    late = now + timedelta(days=32)
    advance = Advance(db, Windows())
    claimed = advance.claim(late)
    assert claimed is not None
    exit_sets.add(db, told.canvas, 0, people([4]), "deleted", late)
    later = late + timedelta(minutes=5)
    round_of(Sweep(db, Windows()), later)
    assert told.counters("act").exited == 1
    assert not advance.move(claimed, later)
    while advance.tick(later):
        pass
    assert told.counters("act") == Change(entered=10, advanced=9, exited=1)
    assert audit.run(db) == []


def test_who_is_in_no_wave_is_forgotten_after_a_while(db: Db, now: Instant) -> None:
    told = entered(db, now, 10)
    exit_sets.add(db, told.canvas, 0, people([77]), "deleted", now)
    service = Sweep(db, Windows())
    round_of(service, now)
    assert exit_sets.waiting(db, told.canvas) == {0: people([77])}, "a move may be on its way"
    round_of(service, now + timedelta(minutes=2))
    assert exit_sets.waiting(db, told.canvas) == {}
    assert told.counters("act") == Change(entered=10)


def test_who_went_on_is_taken_out_of_the_old_wave_after_a_minute(db: Db, now: Instant) -> None:
    told = entered(db, now, 50)
    service = Sweep(db, Windows())
    buy(told, now + seconds(9), 3, 4)
    round_of(service, now + seconds(30))
    assert taken.gone(db, told.stand("act")) == people([3, 4])
    round_of(service, now + seconds(70))
    assert not taken.gone(db, told.stand("act"))
    assert sorted(people for _, _, people in told.waves()) == [2, 48]
    assert buy(told, now + seconds(80), 4, 5) == 1, "4 has bought already, and stands elsewhere"
    assert told.counters("act") == Change(entered=50, advanced=3)
    assert audit.run(db) == []


def test_an_action_and_an_exit_at_once_are_one_of_the_two(
    db: Db, database_url: str, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep takes somebody out after an event has found them there, before it holds them."""
    told = entered(db, now, 20)
    real = waves.share

    def late(db: Db, found: list[waves.Place]) -> object:
        with closing(connect(database_url)) as other:
            exit_sets.add(other, told.canvas, 0, people([6]), "deleted", now)
            round_of(Sweep(other, Windows()), now)
        return real(db, found)

    monkeypatch.setattr(waves, "share", late)
    assert buy(told, now + seconds(5), 6, 7) == 1
    assert told.counters("act") == Change(entered=20, advanced=1, exited=1)
    assert audit.run(db) == []


def test_people_whose_waves_move_while_they_are_looked_for_are_let_out(
    db: Db, database_url: str, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = entered(db, now, 20)
    real = waves.members_of
    late = now + timedelta(days=32)

    def moved(db: Db, ids: list[WaveId]) -> object:
        monkeypatch.setattr(waves, "members_of", real)
        with closing(connect(database_url)) as other:
            there = Crowd(other, told.workspace, told.canvas, told.version)
            buy(there, late - timedelta(hours=1), *range(9))
            while Advance(other, Windows()).tick(late):
                pass
        return real(db, ids)

    monkeypatch.setattr(waves, "members_of", moved)
    let_out(db, told.canvas, people(range(12)), (), now, Standing())
    assert exit_sets.waiting(db, told.canvas) == {0: people(range(9))}


@pytest.mark.parametrize("seed", range(3))
def test_an_edit_is_published_while_people_act_leave_and_are_swept(
    db: Db, now: Instant, seed: int
) -> None:
    """I-17: at an action step with people taken from it, nobody is lost and nobody doubled."""
    told = entered(db, now, 200)
    chance, at, listener = Random(seed), now, Acting()
    service, advance = Sweep(db, Windows()), Advance(db, Windows())
    for turn in range(16):
        at += seconds(chance.choice((2, 30, 70)))
        who = [chance.randrange(200) for _ in range(9)]
        batch = [Seen(place, PURCHASE, "shoe", one, at, at, {}) for place, one in enumerate(who)]
        with db.transaction():
            listener(db, told.workspace, batch, at)
        if chance.random() < 0.5:
            with db.transaction():
                leaving = people([chance.randrange(200)])
                let_out(db, told.canvas, leaving, (), at, listener.standing)
        if chance.random() < 0.6:
            round_of(service, at)
        if turn % 5 == 2:
            _publish(told, LONG.replace("1d,", f"{turn}h,"), at)
        while advance.tick(at):
            pass
        assert audit.run(db) == []
        newest = canvases.versions(db, told.workspace, told.canvas)[-1].id
        standing = waves.standing(db, newest)
        versions = [one.id for one in canvases.versions(db, told.workspace, told.canvas)]
        out = sum(one.exited for each in versions for one in tallies.read(db, each).values())
        assert sum(standing.values()) + out == 200


def _publish(told: Crowd, text: str, now: Instant) -> None:
    db, where = told.db, (told.workspace, told.canvas)
    revision = canvases.read(db, *where).revision
    revision = canvases.save_draft(db, *where, parse_canvas(text), revision=revision, now=now)
    gone: dict[StepId, StepId | None] = {}
    publishing.publish(db, *where, revision=revision, audiences={}, redirects=gone, now=now)
