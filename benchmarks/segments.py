"""The segments bench: how long it takes to find everybody who matches, and to estimate how many.

    ./dev bench segments --people 1000000 --json --plot segments.png

It starts a PostgreSQL of its own and fills it with people (ten columns, seven attributes), match
keys and as many events as people over 30 days. For each filter it musters everybody by ranges,
draws estimates, and lets a yardstick decide row by row, in Python, about the first people; the two
must agree. README.md beside this file says what each figure means. Linux only.
"""
# ruff: noqa: E402 - run as a file, it has to say first where its neighbours are

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.measure import Postgres, own_cpu_s, own_peak_rss_mb

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.limits import ESTIMATE_NUMBERS
from towpath.people.consent import ConsentState
from towpath.people.events import EventKind
from towpath.people.filter import Filter
from towpath.people.filter_eval import matches
from towpath.people.filter_names import names_of
from towpath.people.filter_parse import parse_filter
from towpath.people.people_set import people
from towpath.store import database, embedded, migrations, people_door, segment_sizes, workspaces
from towpath.store.database import Db, database_now
from towpath.store.events import ensure_days

YARDSTICK_PEOPLE = 20_000
YARDSTICK_ROWS = 1_000
ESTIMATES = 9
DAYS = 30
Figures = dict[str, Any]

FILTERS: dict[str, dict[str, Any]] = {
    "columns": {"all": [{"attribute": "country", "in": ["BR", "PT"]}, {"consent": "granted"}]},
    "attributes": {
        "all": [{"attribute": "plan", "is": "pro"}, {"attribute": "orders", "above": 20}]
    },
    "list and key": {"all": [{"attribute": "tags", "includes": "vip"}, {"has": "email"}]},
    "events": {"event": "ordered", "at_least": 2, "within": "7d"},
    "mixed": {
        "any": [
            {"all": [{"attribute": "orders", "above": 10}, {"event": "ordered", "within": "14d"}]},
            {"not": {"attribute": "country", "is": "BR"}},
        ]
    },
}

_PROFILES = """
insert into profile (workspace, external_id, email, country, language, first_name, birth_date,
  attributes, consent, created_at, updated_at)
select %(workspace)s, 'person-' || i, 'person-' || i || '@example.com',
  (array['BR', 'PT', 'DE', 'US', 'FR'])[1 + (h & 7) %% 5], 'pt', 'Ana',
  date '1970-01-01' + (h & 8191)::int,
  jsonb_build_object(
    'plan', (array['free', 'pro', 'team'])[1 + (h >> 4 & 255) %% 3], 'orders', h >> 8 & 31,
    'tags', case when h & 1023 < 50 then '["vip", "new"]'::jsonb else '["new"]'::jsonb end,
    'city', 'Sao Paulo', 'newsletter', true, 'score', (h >> 12 & 1023) / 10.0,
    'last_order', '2026-01-01T00:00:00.000000Z'),
  case when h & 3 = 0 then 0 else 1 end, %(now)s, %(now)s
from generate_series(%(low)s, %(high)s - 1) i,
  lateral (select hashint4extended(i, 1) & 1048575 as h) hashed
"""
_KEYS = """
insert into match_key (profile, workspace, email, rule)
select number, workspace,
  case when hashint4extended(number, 2) & 1023 >= 102 then sha256(('e' || number)::bytea) end, 1
from profile where workspace = %(workspace)s
"""
_NAMES = """
insert into event_name (workspace, kind, name)
select %(workspace)s, 0, name from unnest(array['opened', 'ordered']) name
"""
_EVENTS = """
insert into event (workspace, name, profile, at, received_at, properties)
select %(workspace)s, name.id, (hashint4extended(i, %(day)s) & 2147483647) %% %(people)s,
  %(at)s, %(at)s, '{"place": "web", "minutes": 3}'
from generate_series(1, %(events)s) i
join event_name name on name.name = case when i %% 3 = 0 then 'opened' else 'ordered' end
"""


def build(db: Db, count: int) -> tuple[WorkspaceId, Instant]:
    """Migrate an empty database and fill it."""
    now = database_now(db)
    migrations.migrate(db, now)
    workspace = workspaces.ensure_default(db, now).id
    given = {"workspace": workspace, "now": now, "people": count}
    for low in range(0, count, 1_000_000):
        db.execute(_PROFILES, given | {"low": low, "high": min(low + 1_000_000, count)})
    db.execute(_KEYS, given)
    db.execute(_NAMES, given)
    for day in range(DAYS):
        at = now - timedelta(days=day)
        ensure_days(db, at)
        db.execute(_EVENTS, given | {"day": day, "at": at, "events": count // DAYS})
    db.execute("vacuum (freeze, analyze)")
    return workspace, now


def measured(
    db: Db, bench: Db, pid: int, workspace: WorkspaceId, tree: Filter, now: Instant
) -> Figures:
    """What it costs to muster everybody, and to estimate."""
    question = people_door.question(db, workspace, tree, now)
    before, own_s, begun = Postgres.read(bench, pid), own_cpu_s(), time.perf_counter()
    found = sum(len(part) for part in question.everybody())
    seconds, own_s = time.perf_counter() - begun, own_cpu_s() - own_s
    cpu_s = Postgres.read(bench, pid).cpu_s - before.cpu_s + own_s
    of = segment_sizes.drawable(db, workspace)
    spent, dice = [], Random(1)
    for _ in range(ESTIMATES):
        begun = time.perf_counter()
        drawn = people(dice.sample(range(of), min(ESTIMATE_NUMBERS, of)))
        asked = people_door.question(db, workspace, tree, now)
        guess = segment_sizes.estimated(asked, drawn, of)
        spent.append(time.perf_counter() - begun)
    return {
        "people": found,
        "muster_seconds": round(seconds, 2),
        "cpu_seconds_per_million": round(cpu_s / of * 1e6, 2),
        "estimate_ms_median": round(statistics.median(spent) * 1e3),
        "estimate_ms_first": round(spent[0] * 1e3),
        "estimate_ms_max": round(max(spent) * 1e3),
        "last_estimate": [guess.low, guess.people, guess.high],
    }


def yardstick(db: Db, bench: Db, pid: int, tree: Filter, now: Instant, count: int) -> Figures:
    """The same decided row by row, as it is usually written: people are read in batches with what
    they did, each becomes a mapping, and the filter looks at one after another."""
    before, own_s, found = Postgres.read(bench, pid), own_cpu_s(), 0
    for low in range(0, count, YARDSTICK_ROWS):
        span = (low, min(low + YARDSTICK_ROWS, count))
        did = _did(db, span) if names_of(tree).events else {}
        found += sum(matches(tree, person, now) for person in _people(db, span, did))
    cpu_s = Postgres.read(bench, pid).cpu_s - before.cpu_s + own_cpu_s() - own_s
    return {"people": found, "cpu_seconds_per_million": round(cpu_s / count * 1e6, 1)}


def _did(db: Db, span: tuple[int, int]) -> dict[int, list[dict[str, Any]]]:
    did: dict[int, list[dict[str, Any]]] = {}
    for profile, name, at, properties in db.execute(
        "select e.profile, n.name, e.at, e.properties from event e"
        " join event_name n on n.id = e.name where e.profile >= %s and e.profile < %s",
        span,
    ):
        one = {"kind": EventKind.EVENT, "name": name, "at": at, "properties": properties}
        did.setdefault(profile, []).append(one)
    return did


def _people(
    db: Db, span: tuple[int, int], did: dict[int, list[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    for number, country, consent, attributes, email in db.execute(
        "select p.number, p.country, p.consent, p.attributes, k.email is not null from profile p"
        " left join match_key k on k.profile = p.number where p.number >= %s and p.number < %s",
        span,
    ):
        yield {
            "number": number,
            "country": country,
            "consent": ConsentState(consent),
            "attributes": attributes,
            "match_keys": {"email"} if email else set(),
            "did": did.get(number, []),
        }


def run(count: int) -> Figures:
    """The whole bench; gives all figures. Raises RuntimeError when the yardstick disagrees."""
    with (
        tempfile.TemporaryDirectory(prefix="towpath-bench-") as folder,
        embedded.running(_reachable(Path(folder))) as server,
        database.connect(server.url) as db,
        database.connect(server.url) as bench,
    ):
        begun = time.perf_counter()
        workspace, now = build(db, count)
        filling = round(time.perf_counter() - begun, 1)
        found: Figures = {}
        for name, data in FILTERS.items():
            tree, few = parse_filter(data), min(YARDSTICK_PEOPLE, count)
            found[name] = measured(db, bench, server.pid, workspace, tree, now)
            naive = yardstick(db, bench, server.pid, tree, now, few)
            same = len(people_door.matching(db, workspace, tree, 0, few, now))
            if naive["people"] != same:
                raise RuntimeError(f"{name}: the yardstick found {naive['people']}, not {same}")
            ours = found[name]["cpu_seconds_per_million"]
            found[name] |= {
                "yardstick": naive,
                "yardstick_cpu_ratio": round(naive["cpu_seconds_per_million"] / ours, 1),
            }
    return {
        "people": count,
        "events": count // DAYS * DAYS,
        "filling_seconds": filling,
        "peak_rss_mb": round(own_peak_rss_mb()),
        "filters": found,
    }


def _reachable(folder: Path) -> Path:
    folder.chmod(0o711)
    return folder / "postgresql"


def plotted(figures: Figures, file: Path) -> None:
    """The figures as a picture."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only where a plot is wanted

    names = list(figures["filters"])
    drawn, axes = plt.subplots(1, 3, figsize=(14, 4))
    for axis, key, title in zip(
        axes,
        ("muster_seconds", "estimate_ms_median", "yardstick_cpu_ratio"),
        ("seconds to find everybody", "ms to estimate", "times the CPU, row by row"),
        strict=True,
    ):
        axis.barh(names, [figures["filters"][name][key] for name in names])
        axis.set_title(title)
        axis.invert_yaxis()
    drawn.suptitle(f"Segments of {figures['people']:,} people, {figures['events']:,} events")
    drawn.tight_layout()
    drawn.savefig(file)


def told(figures: Figures) -> str:
    """The figures as a table for people."""
    lines = [f"{figures['people']:,} people, {figures['events']:,} events"]
    for name, one in figures["filters"].items():
        lines.append(
            f"{name:14} {one['people']:>10,} found in {one['muster_seconds']:>6} s,"
            f" {one['cpu_seconds_per_million']:>6} CPU s a million"
            f" (row by row {one['yardstick_cpu_ratio']} times),"
            f" estimate {one['estimate_ms_median']} ms"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="./dev bench segments", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--plot", type=Path, help="a picture of the figures")
    given = parser.parse_args()
    figures = run(given.people)
    if given.plot:
        plotted(figures, given.plot)
    print(json.dumps(figures) if given.json else told(figures))


if __name__ == "__main__":
    main()
