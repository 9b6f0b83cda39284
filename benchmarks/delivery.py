"""The delivery bench: from the first claim to the last settle, everything durable.

    ./dev bench delivery --people 1000000 --json

It starts a PostgreSQL of its own, fills it with people, lets them arrive in one audience, and runs
the engine's sending loop against a sink in another process. What the sink received is compared, as
sets and in number, with what the match keys say; the bench fails when they differ. README.md
beside this file says what each figure means and where the time goes. Linux only.
"""
# ruff: noqa: E402 - run as a file, it has to say first where its neighbours are

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.measure import Postgres, own_cpu_s
from benchmarks.scene import Scene

from benchmarks import scene, yardstick
from towpath.store import database, embedded
from towpath.store.database import Db
from towpath.store.embedded import Server

YARDSTICK_PEOPLE = 100_000
LOOK_S = 0.005
STALLED_S = 30.0
Figures = dict[str, Any]


@contextmanager
def process(name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """One of our own programs beside this file, spoken to by lines; ended with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{name}", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as found:
        try:
            yield found
        finally:
            found.terminate()


def heard(speaker: subprocess.Popen[str]) -> str:
    """The next line of a process. Raises RuntimeError when it ended instead."""
    assert speaker.stdout is not None
    line = speaker.stdout.readline()
    if not line:
        raise RuntimeError(f"{speaker.args!r} ended")
    return line.strip()


def say(speaker: subprocess.Popen[str], line: str) -> None:
    """Say a line to a process."""
    assert speaker.stdin is not None
    speaker.stdin.write(f"{line}\n")
    speaker.stdin.flush()


def measure_arriving(db: Db, server: Server, found: Scene, order: str) -> Figures:
    """Let everybody arrive in the ledger, which is no part of the delivery; gives what it cost."""
    before, own_s = Postgres.read(db, server.pid), own_cpu_s()
    with database.connect(server.url) as arriving:
        spent_s = scene.everybody_arrives(arriving, found, order)
    own_s = own_cpu_s() - own_s
    after = Postgres.read(db, server.pid)
    scene.tidy(db)
    millions = found.people / 1e6
    return {
        "people_per_second": round(found.people / spent_s),
        "cpu_seconds_per_million": round((after.cpu_s - before.cpu_s + own_s) / millions, 3),
        "wal_mb_per_million": round((after.wal_bytes - before.wal_bytes) / 1e6 / millions, 2),
    }


def measure_delivery(db: Db, server: Server, port: int, found: Scene) -> Figures:
    """Let one worker deliver everybody; gives the figures."""
    address = f"http://127.0.0.1:{port}"
    with process("delivering", server.url, address) as worker:
        heard(worker)
        before, begun = Postgres.read(db, server.pid), time.perf_counter()
        say(worker, "go")
        ended = wait_for_all(db, found, worker)
        say(worker, "stop")
        used = json.loads(heard(worker))
    after = Postgres.read(db, server.pid)
    counted = scene.tally(db, found)
    millions = counted.synced / 1e6
    postgres_s = after.cpu_s - before.cpu_s
    wal_mb = (after.wal_bytes - before.wal_bytes) / 1e6
    return {
        "people": counted.synced,
        "seconds": round(ended - begun, 3),
        "people_per_second": round(counted.synced / (ended - begun)),
        "cpu_seconds_per_million": round((postgres_s + used["cpu_s"]) / millions, 3),
        "cpu_seconds_per_million_postgresql": round(postgres_s / millions, 3),
        "cpu_seconds_per_million_python": round(used["cpu_s"] / millions, 3),
        "peak_rss_mb": round(used["peak_rss_mb"]),
        "wal_mb": round(wal_mb, 3),
        "wal_mb_per_million": round(wal_mb / millions, 3),
    }


def wait_for_all(db: Db, found: Scene, worker: subprocess.Popen[str]) -> float:
    """Look until nobody is pending; gives the moment. Raises RuntimeError when nothing moves."""
    pending, moved = -1, time.perf_counter()
    while True:
        now_pending, now = scene.tally(db, found).pending, time.perf_counter()
        if now_pending == 0:
            return now
        if now_pending != pending:
            pending, moved = now_pending, now
        elif worker.poll() is not None or now - moved > STALLED_S:
            raise RuntimeError(f"{pending} people are pending, and nothing moves")
        time.sleep(LOOK_S)


def measure_yardstick(db: Db, server: Server, port: int, count: int) -> Figures:
    """The same for the row-and-dict-per-person design, on fewer people."""
    yardstick.fill(db, count)
    before = Postgres.read(db, server.pid)
    with process("yardstick", server.url, "127.0.0.1", str(port)) as worker:
        used = json.loads(heard(worker))
        worker.wait()
    after = Postgres.read(db, server.pid)
    millions = used["people"] / 1e6
    return {
        "people": used["people"],
        "people_per_second": round(used["people"] / used["seconds"]),
        "cpu_seconds_per_million": round(
            (after.cpu_s - before.cpu_s + used["cpu_s"]) / millions, 3
        ),
        "peak_rss_mb": round(used["peak_rss_mb"]),
        "wal_mb_per_million": round((after.wal_bytes - before.wal_bytes) / 1e6 / millions, 1),
    }


def received(port: int) -> Figures:
    """What the sink has received since it was asked last."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/received", timeout=3600) as answer:
        found: Figures = json.loads(answer.read())
        return found


def run(given: argparse.Namespace) -> Figures:
    """The whole bench; gives all figures. `same` says whether the right keys were received."""
    with (
        tempfile.TemporaryDirectory(prefix="towpath-bench-") as folder,
        embedded.running(scene.server_folder(Path(folder))) as server,
        database.connect(server.url) as db,
        process("sink") as sink,
    ):
        port = int(heard(sink))
        found = scene.build(db, given.people)
        arriving = measure_arriving(db, server, found, given.order)
        figures = measure_delivery(db, server, port, found)
        wanted, got = scene.expected(db), received(port)
        same = wanted == got["sets"] and got["audiences"] == [scene.AUDIENCE_REF]
        naive = measure_yardstick(db, server, port, min(YARDSTICK_PEOPLE, given.people))
        if received(port)["sets"]["rows"]["count"] != naive["people"]:
            raise RuntimeError("the yardstick did not deliver what it says")
    ratio = naive["cpu_seconds_per_million"] / figures["cpu_seconds_per_million"]
    return {
        "order": given.order,
        **figures,
        "yardstick_cpu_ratio": round(ratio, 2),
        "yardstick": naive,
        "arriving": arriving,
        "same": same,
        "requests": got["requests"],
        "expected": wanted,
        "received": got["sets"],
    }


def told(figures: Figures) -> str:
    """The figures as a table for people."""
    flat = {**figures}
    for part in ("yardstick", "arriving"):
        flat |= {f"{part}: {name}": value for name, value in figures[part].items()}
    lines = [
        f"{name.replace('_', ' '):36} {value:>14,}"
        for name, value in flat.items()
        if isinstance(value, int | float) and name != "same"
    ]
    for name, wanted in figures["expected"].items():
        got = figures["received"].get(name, {})
        lines += [
            f"{name + ' expected':36} {wanted['count']:>14,}  {wanted['digest'][:16]}",
            f"{name + ' received':36} {got.get('count', 0):>14,}  {got.get('digest', '')[:16]}",
        ]
    lines.append("The sink received what was expected." if figures["same"] else "They DIFFER.")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, run, print; status 1 when the sink received anything else."""
    parser = argparse.ArgumentParser(prog="./dev bench delivery", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--order", choices=("dense", "random"), default="dense")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args()
    figures = run(given)
    print(json.dumps(figures) if given.json else told(figures))
    sys.exit(0 if figures["same"] else 1)


if __name__ == "__main__":
    main()
