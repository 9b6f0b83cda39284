"""Advance: two workers on the same waves never double their work."""

import threading

import pytest
from tests.engine.crowd import Crowd, at_once, crowd

from towpath.canvas.steps.delay import Delay
from towpath.clock import Instant, seconds
from towpath.engine.advance import Advance
from towpath.engine.entrance import Entrance
from towpath.engine.steps import registry
from towpath.engine.steps.delay import DelayKind
from towpath.engine.steps.protocol import Moment, Outcome
from towpath.ledger.windows import Windows
from towpath.limits import WAVE_LEASE_S
from towpath.people.people_set import PeopleSet, people
from towpath.store import database, tallies, waves
from towpath.store.database import Db
from towpath.store.tallies import Change

LONG_AFTER = seconds(60)
WORKERS = 3


@pytest.fixture
def told(db: Db, now: Instant) -> Crowd:
    """3,000 people who entered at once, cut into 300 waves of ten."""
    found = crowd(db, now, 3_000)
    Entrance(db).tick(now)
    whole = waves.claim(db, now + LONG_AFTER, now + LONG_AFTER, 1)
    assert whole is not None
    waves.end(db, whole.ids)
    for low in range(0, 3_000, 10):
        due = now + seconds(1 + low / 1_000)
        waves.write(db, found.stand("wait"), people(range(low, low + 10)), now, due)
    return found


def walk(db: Db, now: Instant) -> int:
    """Advance until nothing is due; gives how many claims there were."""
    advance = Advance(db, Windows())
    claims = 0
    while advance.tick(now):
        claims += 1
    return claims


def test_three_workers_move_everybody_once(told: Crowd, database_url: str, now: Instant) -> None:
    """I-05: counters, arrows and waves are exact whoever moved what."""
    at = now + LONG_AFTER
    at_once(database_url, lambda db: walk(db, at), WORKERS)
    at_once(database_url, lambda db: walk(db, at + seconds(30)), WORKERS)
    assert told.counters("wait") == Change(entered=3_000, advanced=3_000)
    assert told.counters("split") == Change(entered=3_000, advanced=3_000)
    assert told.counters("further") == Change(entered=1_500, advanced=1_500)
    assert told.counters("end") == Change(entered=3_000, exited=3_000)
    assert told.waves() == []
    along = {f"{a} {b}": n for (a, b), n in tallies.read_edges(told.db, told.version).items()}
    assert along["split yes"] == along["split no"] == 1_500


def test_a_slow_worker_writes_nothing_once_its_wave_was_taken(
    told: Crowd, database_url: str, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I-05: it claims, falls asleep beyond its lease, and another moves its waves meanwhile; when
    it wakes, its fence has lost, and it adds to no counter."""
    claimed, taken = threading.Event(), threading.Event()
    at = now + LONG_AFTER
    true_hold = waves.hold

    def slow_hold(db: Db, mine: waves.ClaimedWaves) -> bool:
        if threading.current_thread().name == "slow" and not claimed.is_set():
            claimed.set()
            taken.wait(10)
        return true_hold(db, mine)

    monkeypatch.setattr(waves, "hold", slow_hold)

    def sleepy() -> None:
        with database.connect(database_url) as mine:
            walk(mine, at)

    slow = threading.Thread(target=sleepy, name="slow")
    slow.start()
    assert claimed.wait(10)
    walk(told.db, at + seconds(WAVE_LEASE_S + 1))
    taken.set()
    slow.join(10)
    walk(told.db, at + seconds(2 * WAVE_LEASE_S))
    assert told.counters("wait") == Change(entered=3_000, advanced=3_000)
    assert told.counters("end") == Change(entered=3_000, exited=3_000)
    assert told.waves() == []


def test_what_a_step_raises_leaves_its_wave_for_the_next_try(
    told: Crowd, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is half written: people stand where they stood, and nobody was counted."""

    class Failing(DelayKind):
        def perform(self, moment: Moment, settings: Delay, members: PeopleSet) -> list[Outcome]:
            super().perform(moment, settings, members)
            raise ZeroDivisionError

    kind = registry.KINDS[Delay]
    monkeypatch.setitem(registry.KINDS, Delay, Failing())
    at = now + LONG_AFTER
    with pytest.raises(ZeroDivisionError):
        Advance(told.db, Windows()).tick(at)
    assert told.standing() == 3_000
    assert told.counters("wait") == Change(entered=3_000)
    monkeypatch.setitem(registry.KINDS, Delay, kind)
    walk(told.db, at + seconds(WAVE_LEASE_S))
    assert told.counters("wait").advanced == 3_000


def test_a_step_that_loses_somebody_is_stopped(
    told: Crowd, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes must be everybody: the engine looks, and commits nothing otherwise."""

    class Losing(DelayKind):
        def perform(self, moment: Moment, settings: Delay, members: PeopleSet) -> list[Outcome]:
            (whole,) = super().perform(moment, settings, members)
            return [Outcome(whole.edge, members - people([members.min()]))]

    monkeypatch.setitem(registry.KINDS, Delay, Losing())
    with pytest.raises(AssertionError, match="somebody is lost"):
        Advance(told.db, Windows()).tick(now + LONG_AFTER)
    assert told.standing() == 3_000
