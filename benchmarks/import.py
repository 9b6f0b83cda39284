"""The import bench: people a second from a file into the store, everything durable.

    ./dev bench import --people 1000000 --json

It writes a file of people (an e-mail, a phone, six attributes), starts a PostgreSQL of its own, and
imports the file as `towpath import people` does, into an empty workspace and once more on top of
itself. What is stored is counted and compared with the file; the bench fails when anything differs.
The yardstick imports the same file a row at a time. README.md beside this file says what each
figure means. Linux only.
"""
# ruff: noqa: E402 - run as a file, it has to say first where its neighbours are

import argparse
import gc
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.measure import Postgres, own_cpu_s, own_peak_rss_mb

from benchmarks import import_yardstick, scene
from towpath.cli.people_file import Asked, import_people
from towpath.store import database, embedded, migrations, workspaces
from towpath.store.database import Db
from towpath.store.embedded import Server

YARDSTICK_PEOPLE = 20_000
Figures = dict[str, Any]

_HEADER = "external_id,email,phone,plan,city,points:number,score:number,vip:boolean,since:time"
_PLANS = ("free", "pro", "team")
_CITIES = ("São Paulo", "Rio de Janeiro", "Belo Horizonte", "Recife", "Lisboa")
_STORED = """
select count(*), count(*) filter (where attributes ? 'since'),
  count(distinct external_id), max(number) - min(number) + 1,
  (select count(*) from match_key where email is not null and phone is not null)
from profile where workspace = 1
"""


def write_file(path: Path, people: int) -> None:
    """People as a shop would have them; the same numbers, the same file."""
    chance = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{_HEADER}\n")
        for number in range(people):
            file.write(
                f"user-{number:08d},person.{number}@example.com,+5511{900_000_000 + number},"
                f"{chance.choice(_PLANS)},{chance.choice(_CITIES)},{chance.randrange(100_000)},"
                f"{chance.random() * 100:.2f},{chance.choice(('yes', 'no'))},"
                f"2026-0{chance.randrange(1, 3)}-{chance.randrange(10, 28)}"
                f"T{chance.randrange(10, 24)}:{chance.randrange(10, 60)}:00Z\n"
            )


@contextmanager
def server_at(folder: Path) -> Iterator[tuple[Server, Db]]:
    """A migrated database with a workspace, on a server of the bench's own."""
    with embedded.running(folder) as server, database.connect(server.url) as db:
        now = database.database_now(db)
        migrations.migrate(db, now)
        workspaces.ensure_default(db, now)
        yield server, db


def measure_import(server: Server, path: Path, moment: int) -> Figures:
    """Import the file; `moment` tells one import from the next."""
    with database.connect(server.url) as bench, database.connect(server.url) as db:
        bench.execute("checkpoint")
        before, ours, theirs = Postgres.read(bench, server.pid), own_cpu_s(), _children_cpu_s()
        begun = time.perf_counter()
        workspace = workspaces.ensure_default(db, database.database_now(db))
        asked = Asked(country=("BR", "PT")[moment])
        found = import_people(db, workspace, path, database.database_now(db), asked)
        seconds = time.perf_counter() - begun
        # Read while the importing connection is open: a server process that ended counts in ticks.
        after = Postgres.read(bench, server.pid)
    millions = found.people / 1e6
    spent = {
        "postgresql": after.cpu_s - before.cpu_s,
        "writing": own_cpu_s() - ours,
        "reading": _children_cpu_s() - theirs,
    }
    return {
        "people": found.people,
        "new": found.new,
        "changed": found.changed,
        "seconds": round(seconds, 2),
        "people_per_second": round(found.people / seconds),
        "cpu_seconds_per_million": round(sum(spent.values()) / millions, 2),
        **{
            f"cpu_seconds_per_million_{name}": round(cpu / millions, 2)
            for name, cpu in spent.items()
        },
        "wal_mb_per_million": round((after.wal_bytes - before.wal_bytes) / 1e6 / millions, 1),
    }


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure_yardstick(server: Server, path: Path, people: int) -> Figures:
    """The file's first people, a row at a time."""
    with database.connect(server.url) as bench, database.connect(server.url) as db:
        import_yardstick.prepare(db)
        bench.execute("checkpoint")
        before, ours = Postgres.read(bench, server.pid), own_cpu_s()
        begun = time.perf_counter()
        import_yardstick.import_rows(db, path, people)
        seconds = time.perf_counter() - begun
        after = Postgres.read(bench, server.pid)
    cpu_s = after.cpu_s - before.cpu_s + own_cpu_s() - ours
    return {
        "people": people,
        "people_per_second": round(people / seconds),
        "cpu_seconds_per_million": round(cpu_s / people * 1e6, 2),
        "wal_mb_per_million": round((after.wal_bytes - before.wal_bytes) / people, 1),
    }


def run(people: int) -> Figures:
    """The whole bench; `same` says whether the store holds what the file says."""
    gc.disable()  # as the command does
    with tempfile.TemporaryDirectory(prefix="towpath-bench-") as folder:
        path = Path(folder) / "people.csv"
        write_file(path, people)
        with server_at(scene.server_folder(Path(folder))) as (server, db):
            first = measure_import(server, path, 0)
            again = measure_import(server, path, 1)
            stored = db.execute(_STORED).fetchone()
            naive = measure_yardstick(server, path, min(YARDSTICK_PEOPLE, people))
    same = stored == (people,) * 5 and (first["new"], again["new"], again["changed"]) == (
        people, 0, 0,
    )  # fmt: skip
    return {
        **first,
        "file_again": again,
        "peak_rss_mb": round(own_peak_rss_mb()),
        "yardstick": naive,
        "yardstick_ratio": round(first["people_per_second"] / naive["people_per_second"], 1),
        "yardstick_cpu_ratio": round(
            naive["cpu_seconds_per_million"] / first["cpu_seconds_per_million"], 1
        ),
        "same": same,
    }


def plot(figures: Figures, place: Path) -> None:
    """People a second beside the yardstick's, and CPU by whose it is, as a picture."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - the process that reads runs this file too

    figure = Figure(figsize=(9, 3.6), layout="tight")
    pace, cost = figure.subplots(1, 2)
    bars = {
        "new people": figures["people_per_second"],
        "the file again": figures["file_again"]["people_per_second"],
        "row by row": figures["yardstick"]["people_per_second"],
    }
    pace.barh(list(bars), list(bars.values()), color=["#2b6cb0", "#63b3ed", "#a0aec0"])
    pace.invert_yaxis()
    pace.set_xlabel(f"people a second, durable, {figures['people']:,} people")
    for row, found in enumerate((figures, figures["file_again"])):
        left = 0.0
        for name, color in (
            ("postgresql", "#2f855a"), ("reading", "#2b6cb0"), ("writing", "#cbd5e0"),
        ):  # fmt: skip
            value = found[f"cpu_seconds_per_million_{name}"]
            cost.barh([row], [value], left=left, color=color, label=None if row else name)
            left += value
    cost.set_yticks([0, 1], ["new people", "the file again"])
    cost.invert_yaxis()
    cost.set_xlabel("CPU seconds a million people")
    cost.legend(frameon=False, fontsize=8)
    figure.savefig(place, dpi=130)


def told(figures: Figures) -> str:
    """The figures as a table for people."""
    flat = dict(figures)
    for group in ("file_again", "yardstick"):
        flat |= {f"{group}: {name}": value for name, value in figures[group].items()}
    lines = [
        f"{name.replace('_', ' '):44} {value:>12,}"
        for name, value in flat.items()
        if isinstance(value, int | float) and name != "same"
    ]
    lines.append("The store holds the file." if figures["same"] else "Something DIFFERS.")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, run, print; status 1 when store and file differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--plot", type=Path, help="write a picture (PNG) here")
    given = parser.parse_args()
    figures = run(given.people)
    if given.plot:
        plot(figures, given.plot)
    print(json.dumps(figures) if given.json else told(figures))
    sys.exit(0 if figures["same"] else 1)


if __name__ == "__main__":
    main()
