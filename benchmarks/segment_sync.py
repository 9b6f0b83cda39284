"""The segment sync bench: what a change of a segment costs beside its first sync.

    ./dev bench segment_sync --people 1000000 --json

It starts a PostgreSQL of its own, fills it with people, begins a continuous sync of a segment that
holds all but one in two hundred, and delivers it to a sink; then one in two hundred leaves the
segment and one in two hundred comes (1 % changed), and the differences are delivered. A look at
which nothing changed says what asking the segment costs; what is left of a look, with the delivery
behind it, is "from ledger to settle", in CPU seconds of PostgreSQL and Python together. The
requests say that only differences were sent (who has no key in a field is not). Linux only.
"""
# ruff: noqa: E402 - run as a file, it has to say first where its neighbours are

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from subprocess import Popen
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.delivery import heard, process, say
from benchmarks.measure import Postgres, own_cpu_s, threads_cpu_s

from benchmarks import scene
from towpath.canvas.segment_sync import SegmentSync
from towpath.engine.segment_sync import SegmentSyncs
from towpath.ledger.windows import Windows
from towpath.people.filter_parse import parse_filter
from towpath.store import database, embedded, segment_syncs, segments, tallies
from towpath.store.database import Db, database_now
from towpath.store.embedded import Server
from towpath.store.segment_syncs import Sync

Figures = dict[str, Any]
STALLED_S = 60.0
LOOK_S = 0.1
PLAN = {
    "sync": "bench sync",
    "segment": "brazil",
    "partner": "tiktok",
    "ad_account": scene.AD_ACCOUNT_REF,
    "audience": {"id": scene.AUDIENCE_REF},
    "fields": ["email", "phone"],
}
_FIRST = "update profile set country = case when number % 200 = 0 then 'PT' else 'BR' end"
_CHANGE = """
update profile set country = case when number % 200 = 0 then 'BR' else 'PT' end
where number % 100 = 0"""


def measure(db: Db, server: Server, worker: Popen[str], sync: Sync) -> Figures:
    """One look and the delivery of what follows from it, by a worker that runs already."""
    before_request = _newest_request(db)
    # It comes a minute ago, so that nobody waits for the flush when the clock starts.
    now = database_now(db) - scene.ARRIVED_BEFORE
    db.execute("update segment_sync set look_at = %s where canvas = %s", (now, sync.canvas))
    before, own_s, begun = _cpu_s(db, server, worker), own_cpu_s(), time.perf_counter()
    with database.connect(server.url) as looking:
        SegmentSyncs(looking, Windows()).tick(now)
    own_s = own_cpu_s() - own_s
    while _pending(db, sync):
        if worker.poll() is not None or time.perf_counter() - begun > STALLED_S:
            raise RuntimeError(f"{_pending(db, sync)} people are pending, and nothing moves")
        time.sleep(LOOK_S)
    return {
        "sent": _sent(db, before_request),
        "cpu_s": round(_cpu_s(db, server, worker) - before + own_s, 3),
        "seconds": round(time.perf_counter() - begun, 3),
    }


def _cpu_s(db: Db, server: Server, worker: Popen[str]) -> float:
    return Postgres.read(db, server.pid).cpu_s + threads_cpu_s(worker.pid)


def _pending(db: Db, sync: Sync) -> int:
    return sum(one.pending for one in tallies.read(db, sync.version).values())


def _newest_request(db: Db) -> int:
    (found,) = db.execute("select coalesce(max(id), 0) from request").fetchone() or (0,)
    return int(found)


def _sent(db: Db, after: int) -> int:
    """How many people all requests since then carried."""
    asked = "select coalesce(sum(people), 0) from request where id > %s"
    (found,) = db.execute(asked, (after,)).fetchone() or (0,)
    return int(found)


def begin(db: Db, found: scene.Scene) -> Sync:
    """The segment, and its sync, not yet looked at."""
    now = database_now(db)
    db.execute(_FIRST.encode())
    tree = parse_filter({"attribute": "country", "is": "BR"})
    segments.create(db, found.workspace, "brazil", tree, now)
    plan = SegmentSync.parse(PLAN)
    canvas = segment_syncs.create(db, found.workspace, plan, found.audience, now)
    db.execute("vacuum analyze profile")
    return segment_syncs.read(db, found.workspace, canvas)


def run(given: argparse.Namespace) -> Figures:
    """The whole bench."""
    with (
        tempfile.TemporaryDirectory(prefix="towpath-bench-") as folder,
        embedded.running(scene.server_folder(Path(folder))) as server,
        database.connect(server.url) as db,
        process("sink") as sink,
    ):
        port = int(heard(sink))
        found = scene.build(db, given.people)
        sync = begin(db, found)
        with process("delivering", server.url, f"http://127.0.0.1:{port}") as worker:
            heard(worker)
            say(worker, "go")
            first = measure(db, server, worker, sync)
            scene.tidy(db)
            db.execute(_CHANGE.encode())
            db.execute("vacuum analyze profile")
            scene.tidy(db)
            changed = measure(db, server, worker, sync)
            idle = measure(db, server, worker, sync)
            say(worker, "stop")
            heard(worker)
    first_s, changed_s = (one["cpu_s"] - idle["cpu_s"] for one in (first, changed))
    return {
        "people": given.people,
        "first": first,
        "idle": idle,
        "changed": changed,
        "changed_to_first": round(changed_s / first_s, 4),
        "only_differences": 0 < changed["sent"] <= given.people // 100 and idle["sent"] == 0,
    }


def main() -> None:
    """Read the command line, run, print; status 1 when more than the differences was sent."""
    parser = argparse.ArgumentParser(prog="./dev bench segment_sync", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args()
    figures = run(given)
    print(json.dumps(figures) if given.json else json.dumps(figures, indent=2))
    sys.exit(0 if figures["only_differences"] else 1)


if __name__ == "__main__":
    main()
