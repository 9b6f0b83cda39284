"""The track bench: objects a second through HTTP, everything durable.

    ./dev bench track --people 1000000 --json

It starts a PostgreSQL of its own, fills it with people, serves the real API in another process, and
lets concurrent callers in a third send 70 % events and 30 % attributes of known people, 75 objects
a call. What is stored is counted afterwards; the bench fails when anything is missing. The
yardstick stores the same objects one by one. README.md beside this file says what each figure
means. Linux only.
"""
# ruff: noqa: E402 - run as a file, it has to say first where its neighbours are

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.delivery import heard, process, say
from benchmarks.measure import Postgres
from benchmarks.track_clients import bodies
from matplotlib.figure import Figure

from benchmarks import scene, track_yardstick
from towpath.ids import WorkspaceId
from towpath.store import api_keys, database, embedded, events, migrations, workspaces
from towpath.store.database import Db, database_now
from towpath.store.embedded import Server

YARDSTICK_CALLS = 400
Figures = dict[str, Any]

_FILL_PROFILES = """
insert into profile (
  workspace, external_id, email, country, attributes, consent, created_at, updated_at
)
select %(workspace)s, 'person-' || i, 'person-' || i || '@example.com', 'BR',
  jsonb_build_object('plan', 'free', 'points', i %% 1000, 'city', 'Recife'), 1, %(now)s, %(now)s
from generate_series(1, %(people)s) i
"""
_FILL_KEYS = """
insert into match_key (profile, workspace, email, rule)
select number, workspace, sha256(email::bytea), 1 from profile
"""
_STORED = """
select (select count(*) from event), (select count(*) from profile),
  (select count(*) from profile where attributes ? 'last_seen')
"""


def fill(db: Db, people: int) -> tuple[WorkspaceId, str]:
    """Migrate an empty database and fill it; gives the workspace and a key for it."""
    now = database_now(db)
    migrations.migrate(db, now)
    workspace = workspaces.ensure_default(db, now).id
    given = {"workspace": workspace, "now": now, "people": people}
    db.execute(_FILL_PROFILES, given)
    db.execute(_FILL_KEYS, given)
    events.ensure_days(db, now)
    db.execute("vacuum (freeze, analyze)")
    db.execute("checkpoint")
    return workspace, api_keys.create(db, workspace, "bench", ["track"], now)[1]


def measure_track(db: Db, server: Server, key: str, given: argparse.Namespace) -> Figures:
    """Let the callers call the API; gives the figures."""
    shape = _shape(given, given.calls)
    with (
        process("track_api", server.url) as api,
        process("track_clients", f"http://127.0.0.1:{heard(api)}", key, *shape) as clients,
    ):
        heard(clients)
        say(api, "count")
        heard(api)
        before = Postgres.read(db, server.pid)
        say(clients, "go")
        called = json.loads(heard(clients))
        after = Postgres.read(db, server.pid)
        say(api, "stop")
        used = json.loads(heard(api))
    objects = called["calls"] * given.objects
    millions = objects / 1e6
    postgres_s = after.cpu_s - before.cpu_s
    return {
        "objects": objects,
        "seconds": round(called["seconds"], 3),
        "objects_per_second": round(objects / called["seconds"]),
        "call_p50_ms": round(called["p50_ms"], 1),
        "call_p99_ms": round(called["p99_ms"], 1),
        "cpu_seconds_per_million": round((postgres_s + used["cpu_s"]) / millions, 2),
        "cpu_seconds_per_million_postgresql": round(postgres_s / millions, 2),
        "cpu_seconds_per_million_api": round(used["cpu_s"] / millions, 2),
        "cpu_seconds_per_million_callers": round(called["cpu_s"] / millions, 2),
        "peak_rss_mb": round(used["peak_rss_mb"]),
        "wal_mb_per_million": round((after.wal_bytes - before.wal_bytes) / 1e6 / millions, 1),
    }


def measure_yardstick(db: Db, server: Server, given: argparse.Namespace) -> Figures:
    """The same objects, one by one, on fewer calls."""
    db.execute(track_yardstick.TABLE)
    db.execute("vacuum (freeze, analyze) plain_person")
    db.execute("checkpoint")
    before = Postgres.read(db, server.pid)
    shape = _shape(given, min(YARDSTICK_CALLS, given.calls))
    with process("track_yardstick", server.url, *shape) as worker:
        used = json.loads(heard(worker))
        worker.wait()
    after = Postgres.read(db, server.pid)
    millions = used["objects"] / 1e6
    return {
        "objects": used["objects"],
        "objects_per_second": round(used["objects"] / used["seconds"]),
        "cpu_seconds_per_million": round(
            (after.cpu_s - before.cpu_s + used["cpu_s"]) / millions, 2
        ),
        "wal_mb_per_million": round((after.wal_bytes - before.wal_bytes) / 1e6 / millions, 1),
    }


def _shape(given: argparse.Namespace, calls: int) -> list[str]:
    numbers = {
        "calls": calls, "objects": given.objects, "people": given.people, "callers": given.callers
    }  # fmt: skip
    return [word for name, value in numbers.items() for word in (f"--{name}", str(value))]


def run(given: argparse.Namespace) -> Figures:
    """The whole bench; `same` says whether everything that was answered is stored."""
    with (
        tempfile.TemporaryDirectory(prefix="towpath-bench-") as folder,
        embedded.running(scene.server_folder(Path(folder))) as server,
        database.connect(server.url) as db,
    ):
        _, key = fill(db, given.people)
        figures = measure_track(db, server, key, given)
        stored = db.execute(_STORED).fetchone()
        assert stored is not None
        expected = _expected(given)
        naive = measure_yardstick(db, server, given)
    return {
        "people": given.people,
        **figures,
        "yardstick_ratio": round(figures["objects_per_second"] / naive["objects_per_second"], 1),
        "yardstick": naive,
        "same": list(stored) == expected,
        "expected": expected,
        "stored": list(stored),
    }


def _expected(given: argparse.Namespace) -> list[int]:
    """Events, people, and how many of them said something."""
    count, whose = 0, set()
    for body in bodies(given.calls, given.objects, given.people):
        call = json.loads(body)
        count += len(call["events"])
        whose |= {one["external_id"] for one in call["attributes"]}
    return [count, given.people, len(whose)]


def plot(figures: Figures, place: Path) -> None:
    """Objects a second beside the yardstick's, and CPU by whose it is, as a picture."""
    figure = Figure(figsize=(9, 3.6), layout="tight")
    pace, cost = figure.subplots(1, 2)
    bars = {
        "Towpath, HTTP": figures["objects_per_second"],
        "one by one, no HTTP": figures["yardstick"]["objects_per_second"],
    }
    pace.barh(list(bars), list(bars.values()), color=["#2b6cb0", "#a0aec0"])
    pace.invert_yaxis()
    pace.set_xlabel(f"objects a second, durable, {figures['people']:,} people")
    left = 0.0
    for name, color in (("postgresql", "#2f855a"), ("api", "#2b6cb0"), ("callers", "#cbd5e0")):
        value = figures[f"cpu_seconds_per_million_{name}"]
        cost.barh(["CPU"], [value], left=left, color=color, label=name)
        left += value
    cost.set_xlabel("CPU seconds a million objects")
    cost.legend(frameon=False, fontsize=8)
    figure.savefig(place, dpi=130)


def told(figures: Figures) -> str:
    """The figures as a table for people."""
    flat = {**figures, **{f"yardstick: {k}": v for k, v in figures["yardstick"].items()}}
    lines = [
        f"{name.replace('_', ' '):40} {value:>14,}"
        for name, value in flat.items()
        if isinstance(value, int | float) and name != "same"
    ]
    lines.append("Everything answered is stored." if figures["same"] else "Something is MISSING.")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, run, print; status 1 when anything is missing."""
    parser = argparse.ArgumentParser(prog="./dev bench track", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=4_000)
    parser.add_argument("--objects", type=int, default=75, help="a call")
    parser.add_argument("--callers", type=int, default=32)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--plot", type=Path, help="write a picture (PNG) here")
    given = parser.parse_args()
    figures = run(given)
    if given.plot:
        plot(figures, given.plot)
    print(json.dumps(figures) if given.json else told(figures))
    sys.exit(0 if figures["same"] else 1)


if __name__ == "__main__":
    main()
