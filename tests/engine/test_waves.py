"""Waves: moved in place or divided, merged, claimed under a lease with a fence."""

from datetime import timedelta

from tests.engine.crowd import Crowd, crowd

from towpath.canvas.delays import due_bucket
from towpath.clock import Instant, seconds
from towpath.engine.advance import Advance
from towpath.engine.entrance import Entrance
from towpath.ledger.windows import Windows
from towpath.limits import WAVE_LEASE_S, WAVE_PEOPLE_MAX
from towpath.people.people_set import people
from towpath.store import tallies, waves
from towpath.store.database import Db
from towpath.store.tallies import Change

TEN = seconds(11)  # the delay of ten seconds, and its bucket


def walk(told: Crowd, now: Instant) -> bool:
    """Let one worker do all that is due."""
    advance = Advance(told.db, Windows())
    moved = False
    while advance.tick(now):
        moved = True
    return moved


def entered(db: Db, now: Instant, count: int) -> Crowd:
    """A crowd that has entered."""
    told = crowd(db, now, count)
    Entrance(db).tick(now)
    return told


def test_an_undivided_wave_moves_in_place(db: Db, now: Instant) -> None:
    told = entered(db, now, 0)
    for number in range(3):
        waves.write(db, told.stand("further"), people([number]), now, now + seconds(number))
    before = [wave[0] for wave in told.waves()]
    assert walk(told, now)
    assert [(wave[0], wave[1]) for wave in told.waves()] == [
        (before[1], "further"),
        (before[2], "further"),
    ]
    told = Crowd(db, told.workspace, told.canvas, told.version)
    waves.write(db, told.stand("wait"), people([7]), now, now)
    assert Advance(db, Windows()).tick(now)
    assert told.waves()[-1][1:] == ("split", 1)
    assert told.waves()[-1][0] == before[2] + 1, "the same row, at its next step"


def test_a_divided_wave_leaves_one_successor_an_edge(db: Db, now: Instant) -> None:
    told = entered(db, now, 10)
    assert told.waves()[0][1:] == ("wait", 10)
    walk(told, now + TEN)
    assert [wave[1:] for wave in told.waves()] == [("further", 5)]
    assert told.counters("split") == Change(entered=10, advanced=10)
    assert told.counters("further").entered == 5
    assert told.counters("end") == Change(entered=5, exited=5)


ARROWS = {"split": {"wait next"}, "further": {"split yes"}, "end": {"further next", "split no"}}


def test_what_leaves_by_an_edge_enters_at_its_end(db: Db, now: Instant) -> None:
    """I-04: along every arrow, and over the journey: entered = inside + exited."""
    told = entered(db, now, 101)
    for at in (now, now + TEN, now + seconds(33)):
        walk(told, at)
        along = {f"{a} {b}": n for (a, b), n in tallies.read_edges(db, told.version).items()}
        for step, arrows in ARROWS.items():
            assert told.counters(step).entered == sum(along.get(one, 0) for one in arrows)
        gone = sum(one.exited for one in tallies.read(db, told.version).values())
        assert told.standing() + gone == 101
    assert told.standing() == 0


def test_a_wave_whose_worker_died_is_moved_when_its_lease_is_over(db: Db, now: Instant) -> None:
    told = entered(db, now, 10)
    due = now + TEN
    dead = waves.claim(db, due, due + seconds(WAVE_LEASE_S), 10)
    assert dead is not None
    assert not walk(told, due + seconds(WAVE_LEASE_S - 1))
    assert walk(told, due + seconds(WAVE_LEASE_S))
    assert told.counters("split").advanced == 10


def test_a_fence_that_lost_moves_nobody(db: Db, now: Instant) -> None:
    """I-05: back from the dead, the first worker finds that its claim does not stand any more."""
    entered(db, now, 10)
    due = now + TEN
    slow = waves.claim(db, due, due + seconds(WAVE_LEASE_S), 10)
    assert slow is not None
    late = due + seconds(WAVE_LEASE_S)
    quick = waves.claim(db, late, late + seconds(WAVE_LEASE_S), 10)
    assert quick is not None
    assert quick.ids == slow.ids
    with db.transaction():
        assert not waves.hold(db, slow)
        assert waves.hold(db, quick)


def test_a_claim_takes_only_what_stands_together(db: Db, now: Instant) -> None:
    told = entered(db, now, 0)
    for stand in (told.stand("end"), told.stand("end", 1), told.stand("further")):
        waves.write(db, stand, people([1, 2]), now, now)
    found = [waves.claim(db, now, now + seconds(30), 10) for _ in range(4)]
    assert [one and (one.stand.step, one.stand.lane) for one in found] == [
        ("end", 0),
        ("end", 1),
        ("further", 0),
        None,
    ]


def test_a_claim_takes_at_most_what_it_is_asked_for(db: Db, now: Instant) -> None:
    told = entered(db, now, 0)
    for number in range(5):
        waves.write(db, told.stand("end"), people([number]), now, now - seconds(number))
    found = waves.claim(db, now, now + seconds(30), 3)
    assert found is not None
    assert sorted(found.together) == [2, 3, 4], "those that are due longest"


def test_small_arrivals_of_one_bucket_make_one_wave(db: Db, now: Instant) -> None:
    told = entered(db, now, 0)
    for number in range(100):
        came = now + timedelta(seconds=1, milliseconds=5 * number)
        due = due_bucket(came, timedelta(days=2))
        waves.write(db, told.stand("wait"), people([number]), came, due)
    assert [wave[2] for wave in told.waves()] == [100]


def test_waves_merge_only_when_they_share_nobody(db: Db, now: Instant) -> None:
    told = entered(db, now, 0)
    for members in ([1, 2], [3], [2, 4]):
        waves.write(db, told.stand("wait"), people(members), now, now)
    waves.write(db, told.stand("wait", 1), people([5]), now, now)
    assert [wave[2] for wave in told.waves()] == [3, 2, 1]


def test_a_claimed_wave_takes_nobody_in(db: Db, now: Instant) -> None:
    told = entered(db, now, 0)
    waves.write(db, told.stand("end"), people([1]), now, now)
    claimed = waves.claim(db, now, now + seconds(30), 1)
    assert claimed is not None
    waves.write(db, told.stand("end"), people([2]), now, now)
    assert [wave[2] for wave in told.waves()] == [1, 1]


def test_a_large_crowd_is_cut_in_number_order(db: Db, now: Instant) -> None:
    told = entered(db, now, 0)
    everybody = people(range(0, 5 * WAVE_PEOPLE_MAX, 2))
    waves.write(db, told.stand("wait"), everybody, now, now)
    assert [wave[2] for wave in told.waves()] == [WAVE_PEOPLE_MAX, WAVE_PEOPLE_MAX, 5_000]
    (whole,) = waves.inside(db, told.canvas)
    assert whole == everybody
