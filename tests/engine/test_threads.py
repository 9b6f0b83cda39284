"""Ticks: what a failure means for a worker, by what can be done about it."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest
from psycopg import errors

from towpath.clock import Instant
from towpath.engine import threads
from towpath.engine.threads import Clock, tick
from towpath.store import database
from towpath.store.database import Db, database_now

TROUBLE_S = 0.1


@dataclass
class Fails:
    """A service whose tick meets an error."""

    error: Exception

    def tick(self, now: Instant) -> bool:  # noqa: ARG002 - as services have it
        raise self.error


async def ticked(error: Exception, now: Instant) -> tuple[bool, float]:
    """What a tick that meets the error says, and how long it took."""
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        more = await tick(pool, Fails(error), now)
    return more, time.monotonic() - began


@pytest.mark.parametrize(
    "error", [errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable]
)
async def test_who_met_others_goes_on_at_once(error: type[Exception], now: Instant) -> None:
    assert (await ticked(error("x"), now))[0]


@pytest.mark.parametrize("error", [errors.DiskFull, errors.QueryCanceled, errors.OutOfMemory])
async def test_what_the_database_cannot_do_fails_one_tick_and_no_worker(
    error: type[Exception], now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "HITCH_S", TROUBLE_S)
    more, spent_s = await ticked(error("x"), now)
    assert not more
    assert spent_s >= TROUBLE_S, "it would be tried again without a rest"


@pytest.mark.parametrize(
    "error", [psycopg.OperationalError, errors.AdminShutdown, errors.TooManyConnections]
)
async def test_a_lost_connection_ends_the_loops(error: type[Exception], now: Instant) -> None:
    with pytest.raises(error):
        await ticked(error("x"), now)


async def test_real_hitches_are_told_apart(db: Db, database_url: str, now: Instant) -> None:
    """As PostgreSQL says them: a statement's and a lock's time-out, and a connection cut off."""

    def hitch(statement: str) -> database.Hitch:
        with pytest.raises(database.DatabaseHitch) as raised:
            db.execute(statement.encode())
        return database.hitch_of(raised.value)

    db.execute(b"set statement_timeout = 50")
    assert hitch("select pg_sleep(5)") is database.Hitch.SLOW
    db.execute(b"set statement_timeout = 0")
    db.execute(b"set lock_timeout = 50")
    with database.connect(database_url) as other, other.transaction():
        other.execute(b"lock table wave in access exclusive mode")
        assert hitch("select 1 from wave") is database.Hitch.COLLIDED
        other.execute(b"select pg_terminate_backend(%s)", [db.info.backend_pid])
        assert hitch("select 1") is database.Hitch.LOST
    assert hitch("select 1") is database.Hitch.LOST


def test_a_clock_goes_with_the_databases_and_asks_it_once_a_second(
    db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, passed, asked = Clock(db), [100.0], list[Instant]()

    def ask(of: Db) -> Instant:
        asked.append(database_now(of))
        return asked[-1]

    monkeypatch.setattr(time, "monotonic", lambda: passed[0])
    monkeypatch.setattr(threads, "database_now", ask)
    first = clock.now()
    passed[0] += 0.25
    assert clock.now() == first + timedelta(seconds=0.25)
    assert len(asked) == 1
    passed[0] += 1.0
    before = database_now(db)
    assert before <= clock.now() <= database_now(db), "time that passed here alone does not count"
    assert len(asked) == 2
