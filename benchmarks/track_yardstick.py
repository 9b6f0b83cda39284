"""The yardstick of the track bench: the same objects, one statement and one transaction each.

It is spared HTTP and reads the same bodies. Each object is one INSERT of an event, or one UPDATE of
a profile, committed by itself; so many connections work at once, since a commit waits for the disk.
Prints what it used as one JSON object.
"""

import argparse
import json
import threading
import time
from collections.abc import Iterator

import psycopg
from benchmarks.measure import own_cpu_s
from benchmarks.track_clients import bodies

from towpath.store.database import Db

TABLE = """
create table plain_event (
  id bigint generated always as identity, external_id text not null, name text not null,
  at timestamptz not null, properties jsonb
);
create index plain_event_person on plain_event (external_id, name, at);
create table plain_person (external_id text primary key, attributes jsonb not null default '{}');
insert into plain_person (external_id) select external_id from profile;
"""
_EVENT = "insert into plain_event (external_id, name, at, properties) values (%s, %s, %s, %s)"
_PERSON = (
    "insert into plain_person (external_id, attributes) values (%s, %s) on conflict (external_id)"
    " do update set attributes = plain_person.attributes || excluded.attributes"
)


def work(db: Db, waiting: Iterator[bytes], lock: threading.Lock) -> None:
    """Store call after call, object by object."""
    while True:
        with lock:
            body = next(waiting, None)
        if body is None:
            return
        call = json.loads(body)
        for one in call["attributes"]:
            whose = one.pop("external_id")
            db.execute(_PERSON, (whose, json.dumps(one)))
        for one in call["events"]:
            given = (one["external_id"], one["name"], one["time"], json.dumps(one["properties"]))
            db.execute(_EVENT, given)


def main() -> None:
    """Store the calls over so many connections; print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    for name in ("calls", "objects", "people", "callers"):
        parser.add_argument(f"--{name}", type=int, required=True)
    given = parser.parse_args()
    waiting, lock = iter(list(bodies(given.calls, given.objects, given.people))), threading.Lock()
    found = [psycopg.connect(given.url, autocommit=True) for _ in range(given.callers)]
    threads = [threading.Thread(target=work, args=(db, waiting, lock)) for db in found]
    before, begun = own_cpu_s(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    for db in found:
        db.close()
    used = {
        "objects": given.calls * given.objects,
        "seconds": seconds,
        "cpu_s": own_cpu_s() - before,
    }
    print(json.dumps(used))


if __name__ == "__main__":
    main()
