"""The erase bench: how soon people who are in many audiences are on their way out of all of them.

    ./dev bench erase --people 10000 --audiences 40 --json

It starts a PostgreSQL of its own, fills it with people (`--others` more who stay), delivers all of
them to every audience at a sink, and erases the people in one call, as `towpath erase` does. When
the call returns, every removal is queued. Then a worker sends them, after the five seconds in which
requests are gathered; status 1 unless it sends everybody's removal from every audience, once.
Linux only.
"""
# ruff: noqa: E402 - run as a file, it has to say first where its neighbours are

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import Popen
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.delivery import heard, process, say
from benchmarks.measure import Postgres, own_cpu_s

from benchmarks import scene
from towpath.ids import PartnerRef
from towpath.store import audiences, connections, database, embedded, erasures
from towpath.store.database import Db, database_now

Figures = dict[str, Any]
STALLED_S = 120.0
LOOK_S = 0.1


def fill(db: Db, people: int, count: int) -> scene.Scene:
    """People, audiences, and everybody on the way into each."""
    found = scene.build(db, people)
    now = database_now(db)
    (connection,) = connections.list_all(db, found.workspace)
    account = connections.ensure_ad_account(
        db, found.workspace, connection.id, scene.AD_ACCOUNT_REF, "bench"
    )
    refs = [PartnerRef(str(int(scene.AUDIENCE_REF) + number)) for number in range(1, count)]
    more = [
        audiences.ensure(db, found.workspace, account, ref, ref, created_here=True, now=now)
        for ref in refs
    ]
    for audience in (found.audience, *more):
        scene.everybody_arrives(db, replace(found, audience=audience), "number")
    return found


def wait_until(worker: Popen[str], done: Callable[[], bool]) -> None:
    """Look again and again. Raises RuntimeError when nothing moves for long."""
    begun = time.perf_counter()
    while not done():
        if worker.poll() is not None or time.perf_counter() - begun > STALLED_S:
            raise RuntimeError("people are left, and nothing moves")
        time.sleep(LOOK_S)


def chosen(db: Db, people: int) -> tuple[list[str], int]:
    """The external ids of the first people, and how many of them have a key, and so are inside."""
    rows = db.execute(
        "select p.external_id, num_nonnulls(k.email, k.phone) > 0 from profile p"
        " join match_key k on k.profile = p.number order by p.number limit %s",
        (people,),
    ).fetchall()
    return [row[0] for row in rows], sum(row[1] for row in rows)


def removals(db: Db) -> int:
    """How many people all applied removals carried."""
    asked = "select coalesce(sum(people), 0) from request where action = 1 and state = 'applied'"
    (found,) = db.execute(asked).fetchone() or (0,)
    return int(found)


def run(given: argparse.Namespace) -> Figures:
    """The whole bench."""
    with (
        tempfile.TemporaryDirectory(prefix="towpath-bench-") as folder,
        embedded.running(scene.server_folder(Path(folder))) as server,
        database.connect(server.url) as db,
        process("sink") as sink,
    ):
        address = f"http://127.0.0.1:{int(heard(sink))}"
        found = fill(db, given.people + given.others, given.audiences)
        with process("delivering", server.url, address) as worker:
            heard(worker)
            say(worker, "go")
            wait_until(worker, lambda: scene.tally(db, found).pending == 0)
            names, keyed = chosen(db, given.people)
            scene.tidy(db)
            before, own_s, begun = Postgres.read(db, server.pid), own_cpu_s(), time.perf_counter()
            with database.connect(server.url) as erasing:
                erasures.erase(erasing, found.workspace, names, "bench", database_now(db))
            seconds = time.perf_counter() - begun
            own_s = own_cpu_s() - own_s
            after = Postgres.read(db, server.pid)
            wait_until(worker, lambda: removals(db) >= keyed * given.audiences)
            out = time.perf_counter() - begun
            say(worker, "stop")
            heard(worker)
        sent = removals(db)
    return {
        "people": given.people,
        "audiences": given.audiences,
        "others": given.others,
        "seconds_to_queued": round(seconds, 3),
        "cpu_s": round(after.cpu_s - before.cpu_s + own_s, 3),
        "wal_mb": round((after.wal_bytes - before.wal_bytes) / 1e6, 1),
        "seconds_to_sent": round(out, 3),
        "removals_sent": sent,
        "same": sent == keyed * given.audiences,
    }


def main() -> None:
    """Read the command line, run, print; status 1 when a count differs."""
    parser = argparse.ArgumentParser(prog="./dev bench erase", description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--others", type=int, default=90_000, help="people who stay")
    parser.add_argument("--audiences", type=int, default=40)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args()
    figures = run(given)
    print(json.dumps(figures) if given.json else json.dumps(figures, indent=2))
    sys.exit(0 if figures["same"] else 1)


if __name__ == "__main__":
    main()
