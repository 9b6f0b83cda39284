"""The moves bench: waves that move, people who act, and people who leave.

    ./dev bench moves --people 1000000 --json

People stand in waves of 10,000, in number order or at random. Moving: all waves go one step on, as
`engine/advance.py` moves them; the yardstick holds a row a person, and moves them in statements of
10,000. Acting: everybody waits at action paths, and random people do what they wait for, in batches
as the intake hands them over. Leaving: random people join the exit set, and the sweep takes them
out of their waves. Afterwards everybody is counted. Everything durable. Linux only.
"""
# ruff: noqa: E402 - run as a file, it has to say first where its neighbours are

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
from benchmarks.measure import Postgres, own_cpu_s

from benchmarks import scene
from towpath.canvas.parse import parse_canvas
from towpath.clock import Instant
from towpath.engine.acting import Acting
from towpath.engine.advance import Advance
from towpath.engine.sweep import Sweep
from towpath.ids import CanvasId, StepId, VersionId, WorkspaceId
from towpath.ledger.windows import Windows
from towpath.limits import WAVE_PEOPLE_MAX
from towpath.people.people_set import people
from towpath.store import canvases, database, embedded, exit_sets, migrations, waves, workspaces
from towpath.store.database import Db, database_now
from towpath.store.intakes import Seen
from towpath.store.waves import Stand

Figures = dict[str, Any]
YARDSTICK_PEOPLE = 200_000
PURCHASE = 1
DAY = timedelta(days=1)

_CANVAS = """
canvas: Moves
entry: {at: "2099-01-01T00:00:00Z", first: first}
steps:
  first: {kind: delay, for: 1s, next: second}
  second: {kind: delay, for: 1d, next: act}
  act:
    kind: action_paths
    paths: [{name: bought, on: [{purchase: any}], next: last}]
    else: last
    within: 1d
  last: {kind: delay, for: 31d, next: end}
  end: {kind: exit}
"""
_YARDSTICK = """
create table place (person int primary key, step text not null, due_at timestamptz not null);
create index on place (due_at);
insert into place select i, 'first', '2026-01-01Z' from generate_series(0, {people} - 1) i;
"""
_YARDSTICK_MOVE = """
update place set step = 'second', due_at = due_at + interval '1 day'
where person in (select person from place where due_at <= '2026-01-01Z' limit 10000)
"""


@dataclass(frozen=True, slots=True)
class Bench:
    """A server with a Canvas in it. `db` works; `reader` only reads what it cost."""

    db: Db
    reader: Db
    postmaster: int
    workspace: WorkspaceId
    canvas: CanvasId
    version: VersionId

    def stand(self, step: str) -> Stand:
        """Where waves of the Canvas stand."""
        return Stand(self.workspace, self.canvas, self.version, StepId(step), 0)

    def fill(self, step: str, count: int, size: int, order: str, due_at: Instant) -> None:
        """People stand at a step and nowhere else, in waves of `size`, each due a bit later than
        the one before."""
        self.db.execute("truncate wave, taken, exit_set, tally, edge_tally")
        numbers = np.arange(count, dtype=np.uint32)
        if order == "random":
            numbers = np.random.default_rng(1).permutation(numbers)
        now = database_now(self.db)
        with self.db.transaction():
            for place, start in enumerate(range(0, count, size)):
                members = people(numbers[start : start + size])
                late = due_at + timedelta(milliseconds=place)
                waves.write(self.db, self.stand(step), members, now, late)
        self.db.execute("vacuum analyze wave")
        self.db.execute("checkpoint")

    def cost(self, work: Callable[[], object]) -> Figures:
        """What it costs to do this: seconds, CPU seconds of both sides, WAL."""
        before, own_s = Postgres.read(self.reader, self.postmaster), own_cpu_s()
        begun = time.perf_counter()
        work()
        spent = time.perf_counter() - begun
        after, own_s = Postgres.read(self.reader, self.postmaster), own_cpu_s() - own_s
        return {
            "seconds": round(spent, 3),
            "cpu_seconds": round(own_s + after.cpu_s - before.cpu_s, 3),
            "wal_mb": round((after.wal_bytes - before.wal_bytes) / 1e6, 2),
        }

    def standing(self) -> dict[StepId, int]:
        """How many stand at each step."""
        return waves.standing(self.db, self.version)


def measure_moving(bench: Bench, count: int, order: str) -> Figures:
    """All waves are due, and go one step on in place."""
    now = database_now(bench.db)
    bench.fill("first", count, WAVE_PEOPLE_MAX, order, now - timedelta(hours=1))
    found = bench.cost(partial(_run, Advance(bench.db, Windows()), now))
    assert bench.standing() == {"second": count}
    return found | {"waves": -(-count // WAVE_PEOPLE_MAX)}


def measure_yardstick(bench: Bench, count: int) -> Figures:
    """The same with a row a person; scaled to as many people."""
    few = min(count, YARDSTICK_PEOPLE)
    for statement in _YARDSTICK.format(people=few).strip().split(";\n"):
        bench.db.execute(statement.encode())
    bench.db.execute("vacuum analyze place")
    bench.db.execute("checkpoint")

    def move() -> None:
        while bench.db.execute(_YARDSTICK_MOVE.encode()).rowcount:
            pass

    found = bench.cost(move)
    moved = bench.db.execute("select count(*) from place where step = 'second'").fetchone()
    assert moved == (few,)
    return {name: round(value * count / few, 2) for name, value in found.items()}


def measure_acting(bench: Bench, count: int, size: int, given: argparse.Namespace) -> Figures:
    """Random people buy, a batch at a time; who has bought already goes nowhere."""
    bench.fill("act", count, size, "random", database_now(bench.db) + DAY)
    now = database_now(bench.db)
    chance = np.random.default_rng(2)
    acting = Acting()
    bought: set[int] = set()
    worst = 0.0

    def batch(number: int) -> float:
        who = chance.integers(0, count, number).tolist()
        bought.update(who)
        seen = [Seen(place, PURCHASE, "shoe", one, now, now, {}) for place, one in enumerate(who)]
        begun = time.perf_counter()
        with bench.db.transaction():
            acting(bench.db, bench.workspace, seen, now)
        return time.perf_counter() - begun

    first = batch(given.batch)  # reads every wave

    def act() -> None:
        nonlocal worst
        for _ in range(given.events // given.batch):
            worst = max(worst, batch(given.batch))

    found = bench.cost(act)
    assert bench.standing() == {"act": count - len(bought), "last": len(bought)}
    return {
        "waves": -(-count // size),
        "events_per_second": round(given.events / found["seconds"]),
        "cpu_us_per_event": round(found["cpu_seconds"] / given.events * 1e6, 1),
        "wal_bytes_per_event": round(found["wal_mb"] / given.events * 1e6),
        "first_batch_ms": round(first * 1e3, 1),
        "worst_batch_ms": round(worst * 1e3, 1),
    }


def measure_leaving(bench: Bench, count: int, order: str, leavers: int) -> Figures:
    """Random people leave a month before their waves are due: one round of the sweep, by a worker
    that has just begun, and another by one that knows the waves."""
    now = database_now(bench.db)
    bench.fill("last", count, WAVE_PEOPLE_MAX, order, now + 30 * DAY)
    leaving = np.random.default_rng(3).permutation(count)[: 2 * leavers]
    sweep = Sweep(bench.db, Windows())
    found = {}
    for name, who in (("first", leaving[:leavers]), ("next", leaving[leavers:])):
        exit_sets.add(bench.db, bench.canvas, 0, people(who), "exit criteria", now)
        found[name] = bench.cost(partial(_run, sweep, now))
        now += timedelta(hours=1)
    assert bench.standing() == {"last": count - 2 * leavers}
    return {f"{round_}_{name}": value for round_ in found for name, value in found[round_].items()}


def _run(service: Advance | Sweep, now: Instant) -> None:
    while service.tick(now):
        pass


@contextmanager
def opened() -> Iterator[Bench]:
    """A server of its own, with a launched Canvas that nobody enters."""
    with (
        tempfile.TemporaryDirectory(prefix="towpath-bench-") as folder,
        embedded.running(scene.server_folder(Path(folder))) as server,
        closing(database.connect(server.url)) as db,
        closing(database.connect(server.url)) as reader,
    ):
        now = database_now(db)
        migrations.migrate(db, now)
        workspace = workspaces.ensure_default(db, now).id
        canvas = canvases.create(db, workspace, parse_canvas(_CANVAS), now)
        version = canvases.launch(db, workspace, canvas, revision=1, audiences={}, now=now)
        yield Bench(db, reader, server.pid, workspace, canvas, version)


def run(given: argparse.Namespace) -> Figures:
    """The whole bench; gives all figures."""
    count = given.people
    with opened() as bench:
        found: Figures = {"people": count}
        for order in ("numbers", "random"):
            found[f"moving, {order}"] = measure_moving(bench, count, order)
        found["yardstick"] = measure_yardstick(bench, count)
        ours = found["moving, random"]["cpu_seconds"]
        found["yardstick_cpu_ratio"] = round(found["yardstick"]["cpu_seconds"] / ours, 1)
        for size in (WAVE_PEOPLE_MAX, max(count // given.small_waves, 1)):
            found[f"acting, waves of {size}"] = measure_acting(bench, count, size, given)
        for order in ("numbers", "random"):
            found[f"leaving, {order}"] = measure_leaving(bench, count, order, given.leavers)
    return found


def told(figures: Figures) -> str:
    """The figures as a table for people."""
    flat = {
        f"{part}: {name.replace('_', ' ')}": value
        for part, values in figures.items()
        if isinstance(values, dict)
        for name, value in values.items()
    }
    return "\n".join(f"{name:48} {value:>12,}" for name, value in flat.items())


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="./dev bench moves", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=200, help="events the intake reads at once")
    parser.add_argument("--small-waves", type=int, default=1_440, help="as many as a day's minutes")
    parser.add_argument("--leavers", type=int, default=1_000)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args()
    figures = run(given)
    print(json.dumps(figures) if given.json else told(figures))


if __name__ == "__main__":
    main()
