"""The entry bench: matching an event, an event's way into a request, and what idling costs.

    ./dev bench entry --json --plot entry.png

Matching: events against live triggers that all wait for the same name, each with a property filter
of its own; the yardstick reads every trigger for every event, and the two must agree. Intake: the
same with PostgreSQL, a Canvas a trigger, from the stored events to the waves. Latency: a worker,
the sandbox over HTTP, and events at an even rate, from the commit to the request's arrival there.
Idle: CPU of the worker and of PostgreSQL while nothing happens. Linux only.
"""
# ruff: noqa: E402 - run as a file, it has to say first where its neighbours are

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
from benchmarks.measure import Postgres, own_cpu_s
from matplotlib.figure import Figure
from pydantic import SecretStr

from benchmarks import scene
from towpath.api.launching import Reach, launch, save
from towpath.canvas.parse import parse_canvas
from towpath.canvas.predicates import Matcher
from towpath.canvas.triggers import Kind, Trigger
from towpath.cli import compose
from towpath.cli.connect import connect
from towpath.engine.intake import Intake
from towpath.engine.paced_door import PacedDoor
from towpath.engine.worker import Worker
from towpath.ids import WorkspaceId
from towpath.net.door import HttpDoor
from towpath.people.events import EventKind, EventName, Happening
from towpath.people.filter_eval import properties_match
from towpath.people.people_set import load
from towpath.sandbox.core import Sandbox
from towpath.sandbox.rules import Rules
from towpath.sandbox.server import running
from towpath.settings import Settings
from towpath.store import (
    canvases,
    connections,
    database,
    embedded,
    events,
    migrations,
    workspaces,
)
from towpath.store.database import Db, database_now
from towpath.store.events import Event
from towpath.store.secrets import KeyRing
from towpath.store.wakes import wake

KEYS = KeyRing({"bench": b"k" * 32}, "bench")
YARDSTICK_EVENTS = 500
SETTLE_S = 8.0
Figures = dict[str, Any]

_PEOPLE = """
insert into profile (workspace, external_id, consent, created_at, updated_at)
select %(workspace)s, 'person-' || i, 1, %(now)s, %(now)s from generate_series(1, %(people)s) i
"""
_KEYS = """
insert into match_key (profile, workspace, email, rule)
select number, workspace, sha256(('e' || number)::bytea), 1 from profile
where workspace = %(workspace)s
"""
_LEFT = """
select r.members, r.partner_request_ref from request r where r.state = 'applied'
"""
_STEPS = "steps: {wait: {kind: delay, for: 1h, next: end}, end: {kind: exit}}"


def conditions(number: int) -> dict[str, Any]:
    """The property filter of one trigger: a product, an amount in a country, a product among
    several, or a span of amounts."""
    several = [f"sku-{number + step}" for step in range(5)]
    total = {"attribute": "total"}
    forms = (
        {"attribute": "sku", "is": f"sku-{number}"},
        {"all": [total | {"above": 10 * number}, {"attribute": "country", "is": "BR"}]},
        {"all": [{"attribute": "sku", "in": several}, total | {"at_least": 50}]},
        {"all": [total | {"at_least": 5 * number}, total | {"below": 5 * number + 20}]},
    )
    return forms[number % len(forms)]


def happenings(count: int, triggers: int) -> list[dict[str, Any]]:
    """Properties of made-up events."""
    chance = Random(7)
    countries = ("BR", "PT", "DE", "US")
    return [
        {
            "sku": f"sku-{chance.randrange(triggers)}",
            "total": round(chance.uniform(0, 5 * triggers), 2),
            "country": chance.choice(countries),
            "coupon": chance.random() < 0.1,
        }
        for _ in range(count)
    ]


def measure_matching(count: int, number: int) -> Figures:
    """One event after the other against `number` triggers of one name."""
    triggers = [
        Trigger.parse({"event": "ordered", "where": conditions(place)}, "on")
        for place in range(number)
    ]
    matcher = Matcher(zip(triggers, range(number), strict=True))
    told = happenings(count, number)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    spent = np.empty(count)
    hits = []
    for place, properties in enumerate(told):
        begun = time.perf_counter_ns()
        found = matcher.find(Kind.EVENT, "ordered", properties, now)
        spent[place] = time.perf_counter_ns() - begun
        hits.append(found)
    began = time.perf_counter()
    naive = [
        [
            tag
            for tag, one in enumerate(triggers)
            if one.rule is None or properties_match(one.rule, properties, now)
        ]
        for properties in told[:YARDSTICK_EVENTS]
    ]
    naive_us = (time.perf_counter() - began) / len(naive) * 1e6
    same = [sorted(one) for one in hits[: len(naive)]] == naive
    return {
        "triggers": number,
        "us_per_event": round(float(spent.mean()) / 1e3, 2),
        "us_per_event_p99": round(float(np.percentile(spent, 99)) / 1e3, 2),
        "hits_per_event": round(sum(map(len, hits)) / count, 2),
        "yardstick_us_per_event": round(naive_us, 1),
        "same": same,
    }


def measure_intake(db: Db, workspace: WorkspaceId, count: int, number: int) -> Figures:
    """From stored events to people who stand in Canvases, everything durable."""
    now = database_now(db)
    for place in range(number):
        where = json.dumps(conditions(place))
        text = (
            f"canvas: C{place}\nentry: {{on: [{{event: ordered, where: {where}}}], first: wait}}\n"
        )
        canvas = canvases.create(db, workspace, parse_canvas(text + _STEPS), now)
        canvases.launch(db, workspace, canvas, revision=1, audiences={}, now=now)
    told = [json.dumps(one) for one in happenings(count, number)]
    did(db, workspace, told, range(count))
    intake, later = Intake(db), database_now(db)
    begun = time.perf_counter()
    while intake.tick(later):
        pass
    spent = time.perf_counter() - begun
    row = db.execute("select sum(people)::bigint, count(distinct canvas) from entry").fetchone()
    assert row is not None
    for place in range(number):
        found = canvases.find(db, workspace, f"C{place}")
        assert found is not None
        canvases.stop(db, workspace, found.id, later)
    db.execute("delete from wave")
    return {
        "events": count,
        "us_per_event": round(spent / count * 1e6, 1),
        "events_per_second": round(count / spent),
        "entered": row[0],
        "canvases_entered": row[1],
    }


def did(db: Db, workspace: WorkspaceId, told: Sequence[str], profiles: Sequence[int]) -> None:
    """These people ordered just now; committed when this returns."""
    now = database_now(db)
    name = EventName(EventKind.EVENT, "ordered")
    with db.transaction():
        workspaces.lock(db, workspace)
        happened = [
            Event(profile, Happening(name, now, text))
            for profile, text in zip(profiles, told, strict=True)
        ]
        events.append(db, workspace, happened, now)
        wake(db)


async def measure_worker(url: str, postmaster: int, given: argparse.Namespace) -> Figures:
    """A whole worker beside the sandbox: events at an even rate, then nothing at all."""
    sandbox = Sandbox(7, time.time, Rules())
    async with running(sandbox) as address, HttpDoor() as door:
        settings = Settings(
            tiktok_base_url=address,
            tiktok_app_id=sandbox.world.app_id,
            tiktok_app_secret=SecretStr(sandbox.world.secret),
        )
        db = database.connect(url)
        workspace = workspaces.ensure_default(db, database_now(db)).id
        reach = Reach(partial(PacedDoor, door), {"tiktok": address}, KEYS)
        done = await connect(db, workspace, settings, reach, sandbox.world.token)
        connections.accept_terms(db, workspace, done.id, "the bench", database_now(db))
        await _launch(db, workspace, reach, next(iter(sandbox.world.advertisers)))
        worker = Worker(compose.worker_parts(settings, url, door, KEYS))
        working = asyncio.create_task(worker.run())
        try:
            sent = await _events(url, workspace, given)
            waits = _waits(db, sandbox, sent)
            idle = await _idle(db, postmaster, given.idle)
        finally:
            worker.stop.set()
            await working
            db.close()
    return {
        "latency": {
            "events": len(sent),
            "arrived": len(waits),
            "p50_s": round(float(np.percentile(waits, 50)), 3),
            "p99_s": round(float(np.percentile(waits, 99)), 3),
            "max_s": round(float(waits.max()), 3),
            "waits": [round(float(one), 3) for one in sorted(waits)],
        },
        "idle": idle,
    }


async def _launch(db: Db, workspace: WorkspaceId, reach: Reach, account: str) -> None:
    text = f"""
canvas: Latency
entry: {{on: [{{event: ordered}}], reentry: never, first: add}}
steps:
  add:
    kind: audience_sync
    partner: tiktok
    ad_account: "{account}"
    audience: {{create: latency}}
    action: add
    fields: [email]
"""
    now = database_now(db)
    save(db, workspace, parse_canvas(text), now)
    canvas = canvases.find(db, workspace, "Latency")
    assert canvas is not None
    version, findings = await launch(db, workspace, canvas, reach, now)
    assert version is not None, findings


async def _events(url: str, workspace: WorkspaceId, given: argparse.Namespace) -> dict[int, float]:
    """An event of somebody else each time; gives when each was committed."""

    def tell() -> dict[int, float]:
        sent = {}
        with database.connect(url) as db:
            begun = time.perf_counter()
            for place in range(given.rate * given.seconds):
                time.sleep(max(begun + place / given.rate - time.perf_counter(), 0.0))
                did(db, workspace, ["{}"], [place])
                sent[place] = time.time()
        return sent

    sent = await asyncio.to_thread(tell)
    await asyncio.sleep(SETTLE_S)
    return sent


def _waits(db: Db, sandbox: Sandbox, sent: dict[int, float]) -> Any:
    """Seconds from each event's commit to the arrival of its person's request at the sandbox."""
    arrived = {row.request_id: row.arrived for row in sandbox.log.rows if row.people}
    waits = [
        arrived[reference] - sent[number]
        for members, reference in db.execute(_LEFT, binary=True)
        for number in load(members)
    ]
    assert len(waits) == len(sent), f"{len(sent)} people, {len(waits)} in requests"
    return np.array(waits)


async def _idle(db: Db, postmaster: int, seconds: int) -> Figures:
    await asyncio.sleep(2)
    before, own_s = Postgres.read(db, postmaster), own_cpu_s()
    await asyncio.sleep(seconds)
    own_s = own_cpu_s() - own_s
    postgres_s = Postgres.read(db, postmaster).cpu_s - before.cpu_s
    return {
        "seconds": seconds,
        "worker_percent_of_a_core": round(own_s / seconds * 100, 2),
        "postgresql_percent_of_a_core": round(postgres_s / seconds * 100, 2),
        "percent_of_a_core": round((own_s + postgres_s) / seconds * 100, 2),
    }


@contextmanager
def filled(people: int) -> Iterator[tuple[str, int, Db, WorkspaceId]]:
    """A server with people in it: its address, its process, a connection, and the workspace."""
    with (
        tempfile.TemporaryDirectory(prefix="towpath-bench-") as folder,
        embedded.running(scene.server_folder(Path(folder))) as server,
        database.connect(server.url) as db,
    ):
        now = database_now(db)
        migrations.migrate(db, now)
        workspace = workspaces.ensure_default(db, now).id
        given = {"workspace": workspace, "now": now, "people": people}
        db.execute(_PEOPLE, given)
        db.execute(_KEYS, given)
        db.execute("vacuum (freeze, analyze)")
        yield server.url, server.pid, db, workspace


def run(given: argparse.Namespace) -> Figures:
    """The whole bench; gives all figures."""
    found: Figures = {"matching": measure_matching(given.events, given.triggers)}
    with filled(max(given.events, given.rate * given.seconds)) as (_, _, db, workspace):
        found["intake"] = measure_intake(db, workspace, given.events, given.triggers)
    with filled(given.rate * given.seconds) as (url, postmaster, _, _):
        found |= asyncio.run(measure_worker(url, postmaster, given))
    return found


def plot(figures: Figures, place: Path) -> None:
    """Matching beside its yardstick, and the way from event to request, as a picture."""
    figure = Figure(figsize=(9, 3.6), layout="tight")
    cost, way = figure.subplots(1, 2)
    matching = figures["matching"]
    bars = {
        "Towpath": matching["us_per_event"],
        "each trigger read": matching["yardstick_us_per_event"],
    }
    cost.barh(list(bars), list(bars.values()), color=["#2b6cb0", "#a0aec0"])
    cost.set_xscale("log")
    cost.invert_yaxis()
    cost.set_xlabel(f"µs an event, {matching['triggers']} triggers of one name")
    waits = figures["latency"]["waits"]
    way.plot(waits, np.arange(1, len(waits) + 1) / len(waits), color="#2b6cb0")
    way.axvline(6, color="#a0aec0", linestyle="--")
    way.set_xlabel("seconds from event to request")
    way.set_ylabel("share of people")
    figure.savefig(place, dpi=130)


def told(figures: Figures) -> str:
    """The figures as a table for people."""
    return "\n".join(
        f"{part + ': ' + name.replace('_', ' '):44} {value:>12,}"
        for part, values in figures.items()
        for name, value in values.items()
        if isinstance(value, int | float)
    )


def main() -> None:
    """Read the command line, run, print; status 1 when the yardstick found something else."""
    parser = argparse.ArgumentParser(prog="./dev bench entry", description=__doc__)
    parser.add_argument("--triggers", type=int, default=500)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rate", type=int, default=20, help="events a second")
    parser.add_argument("--seconds", type=int, default=30, help="of events")
    parser.add_argument("--idle", type=int, default=30, help="seconds")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--plot", type=Path, help="write a picture (PNG) here")
    given = parser.parse_args()
    figures = run(given)
    if given.plot:
        plot(figures, given.plot)
    figures["latency"].pop("waits")
    print(json.dumps(figures) if given.json else told(figures))
    sys.exit(0 if figures["matching"]["same"] else 1)


if __name__ == "__main__":
    main()
