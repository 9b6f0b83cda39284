"""Permits hold the pace where requests arrive, for any network, and no two workers share one."""

import heapq
from bisect import bisect_left
from datetime import timedelta
from random import Random

import psycopg
import pytest

from towpath.clock import Instant, seconds
from towpath.ids import AppId
from towpath.store import apps, database, permits
from towpath.store.database import Db

LEASE_S = 6.0
DEADLINE_S = 3.0
RATE = 5


@pytest.fixture
def app(db: Db) -> AppId:
    return apps.ensure(db, "tiktok", "7000000000000000001", 50)


def take(db: Db, app: AppId, limit: int, holder: str, now: Instant) -> list[int]:
    return permits.take(db, app, "streaming", limit, holder, now, now + seconds(LEASE_S))


def test_permits_are_free_a_second_after_the_answer(db: Db, app: AppId, now: Instant) -> None:
    permits.ensure(db, app, "streaming", 3, now)
    assert take(db, app, 10, "a", now) == [0, 1, 2]
    assert take(db, app, 10, "b", now) == []
    answered = now + seconds(0.4)
    assert permits.give_back(db, app, "streaming", "a", [0, 2], answered) == 2
    assert take(db, app, 10, "b", answered + seconds(0.999)) == []
    assert take(db, app, 10, "b", answered + seconds(1)) == [0, 2]


def test_classes_and_apps_have_their_own(db: Db, app: AppId, now: Instant) -> None:
    other = apps.ensure(db, "tiktok", "7000000000000000002", 10)
    permits.ensure(db, app, "streaming", 2, now)
    permits.ensure(db, app, "other", 1, now)
    permits.ensure(db, other, "streaming", 1, now)
    assert take(db, app, 9, "a", now) == [0, 1]
    later = now + seconds(LEASE_S)
    assert permits.take(db, app, "other", 9, "a", now, later) == [0]
    assert take(db, other, 9, "a", now) == [0]


def test_what_was_not_used_is_free_at_once(db: Db, app: AppId, now: Instant) -> None:
    permits.ensure(db, app, "streaming", 2, now)
    assert take(db, app, 2, "a", now) == [0, 1]
    assert permits.put_back(db, app, "streaming", "a", [1], now) == 1
    assert take(db, app, 2, "b", now) == [1]


def test_a_dead_holder_loses_its_permit_and_cannot_free_the_next_one_s(
    db: Db, app: AppId, now: Instant
) -> None:
    permits.ensure(db, app, "streaming", 1, now)
    take(db, app, 1, "dead", now)
    later = now + seconds(LEASE_S)
    assert take(db, app, 1, "heir", later - seconds(0.001)) == []
    assert take(db, app, 1, "heir", later) == [0]
    assert permits.give_back(db, app, "streaming", "dead", [0], later) == 0
    assert take(db, app, 1, "third", later + seconds(2)) == []


def test_a_rolled_back_claim_took_nothing(db: Db, app: AppId, now: Instant) -> None:
    permits.ensure(db, app, "streaming", 1, now)
    with db.transaction() as transaction:
        assert take(db, app, 1, "a", now) == [0]
        raise psycopg.Rollback(transaction)
    assert take(db, app, 1, "a", now) == [0]


def test_lowering_and_raising_the_rate_frees_nothing_early(
    db: Db, app: AppId, now: Instant
) -> None:
    permits.ensure(db, app, "streaming", 4, now)
    assert take(db, app, 4, "a", now) == [0, 1, 2, 3]
    permits.ensure(db, app, "streaming", 2, now)
    assert permits.give_back(db, app, "streaming", "a", [0, 1, 2, 3], now + seconds(1)) == 2
    permits.ensure(db, app, "streaming", 4, now + seconds(1.5))
    assert take(db, app, 9, "b", now + seconds(2)) == [0, 1]
    assert take(db, app, 9, "b", now + seconds(LEASE_S)) == [2, 3]


def test_a_lower_rate_holds_at_once(db: Db, app: AppId, now: Instant) -> None:
    permits.ensure(db, app, "streaming", 4, now)
    permits.ensure(db, app, "streaming", 1, now)
    assert take(db, app, 9, "a", now) == [0]
    permits.ensure(db, app, "streaming", 3, now)
    assert take(db, app, 9, "a", now) == [1, 2]


def test_a_paused_app_gives_no_permit(db: Db, app: AppId, now: Instant) -> None:
    permits.ensure(db, app, "streaming", 2, now)
    until = now + seconds(60)
    assert permits.pause(db, app, until, "throttled app", now)
    assert not permits.pause(db, app, now + seconds(1), "shorter", now), "a pause was shortened"
    assert take(db, app, 9, "a", until - seconds(0.001)) == []
    assert permits.next_free(db, app, "streaming") == until
    assert apps.read(db, app).pause_reason == "throttled app"
    assert take(db, app, 1, "a", until) == [0]


def test_next_free_is_the_earliest(db: Db, app: AppId, now: Instant) -> None:
    assert permits.next_free(db, app, "streaming") is None
    permits.ensure(db, app, "streaming", 2, now)
    assert permits.next_free(db, app, "streaming") == now
    take(db, app, 2, "a", now)
    permits.give_back(db, app, "streaming", "a", [1], now)
    assert permits.next_free(db, app, "streaming") == now + seconds(1)


def test_two_connections_never_get_the_same_permit(
    db: Db, database_url: str, app: AppId, now: Instant
) -> None:
    permits.ensure(db, app, "streaming", 50, now)
    with database.connect(database_url) as other, db.transaction():
        mine = take(db, app, 20, "a", now)  # uncommitted while the other takes
        with other.transaction():
            theirs = take(other, app, 50, "b", now)
    assert len(mine) == 20
    assert len(theirs) == 30
    assert not set(mine) & set(theirs)


@pytest.mark.parametrize("seed", range(4))
def test_at_most_n_arrive_in_any_second(db: Db, app: AppId, now: Instant, seed: int) -> None:
    schedule = Schedule(Random(seed), db, app, now)
    schedule.run(240)
    assert schedule.lost > 0
    assert schedule.killed > 0
    assert schedule.most_in_a_second() == RATE, "not held, or never reached"


def test_that_test_would_notice_a_shorter_second(
    db: Db, app: AppId, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permits, "COOL_S", 0.8)
    schedule = Schedule(Random(0), db, app, now)
    schedule.run(240)
    assert schedule.most_in_a_second() > RATE


class Schedule:
    """Three workers on virtual time over a network that delays, bunches, and loses answers."""

    def __init__(self, dice: Random, db: Db, app: AppId, now: Instant) -> None:
        self.dice, self.db, self.app, self.start = dice, db, app, now
        self.arrivals: list[Instant] = []
        self.events: list[tuple[Instant, int, str, list[int]]] = []
        self.count = self.lost = self.killed = 0
        permits.ensure(db, app, "streaming", RATE, now)

    def most_in_a_second(self) -> int:
        """The largest number of arrivals in any half-open second."""
        arrivals = sorted(self.arrivals)
        ends = (bisect_left(arrivals, first + timedelta(seconds=1)) for first in arrivals)
        return max(end - start for start, end in enumerate(ends))

    def run(self, requests: int) -> None:
        """Let workers look for permits at random moments; answers come back in between."""
        moment = self.start
        while len(self.arrivals) < requests:
            moment += seconds(self.dice.choice([0.0, 0.01, 0.05, 0.3]))
            while self.events and self.events[0][0] <= moment:
                at, _, holder, numbers = heapq.heappop(self.events)
                permits.give_back(self.db, self.app, "streaming", holder, numbers, at)
            self.claim(moment)

    def claim(self, moment: Instant) -> None:
        """One claim: what it takes is sent, put back, or dies with its worker."""
        self.count += 1
        holder = f"worker {self.count % 3}:{self.count}"
        taken = take(self.db, self.app, self.dice.randint(1, 3), holder, moment)
        if taken and self.dice.random() < 0.1:
            unused = taken.pop()
            permits.put_back(self.db, self.app, "streaming", holder, [unused], moment)
        for number in taken:
            arrives = moment + seconds(min(DEADLINE_S, self.dice.expovariate(2)))
            answers = arrives + seconds(self.dice.choice([0.0, 0.02, 0.2, 1.0]))
            self.arrivals.append(arrives)
            chance = self.dice.random()
            if chance < 0.05:  # killed: its lease frees the permit
                self.killed += 1
                continue
            if chance < 0.15:  # no answer: given back at the abort
                self.lost += 1
                answers = moment + seconds(DEADLINE_S)
            answers = min(answers, moment + seconds(DEADLINE_S))
            heapq.heappush(self.events, (answers, self.count, holder, [number]))
