"""The yardstick: audience delivery as it is usually written, with a ledger row per person.

A table holds a row for each person and audience with its state. A batch of 10,000 is claimed by one
UPDATE, its people are read as rows, made into a dict each, serialised by `json.dumps`, posted, and
marked as acknowledged by one UPDATE. It is written as well as that design allows: hashes are stored
beforehand, statements are prepared and take whole batches, an index finds the rows that wait.
Run as a process of its own, it prints what it used as one JSON object.
"""

import argparse
import http.client
import json
import time

from benchmarks.measure import own_cpu_s, own_peak_rss_mb
from benchmarks.scene import AD_ACCOUNT_REF, AUDIENCE_REF, PEOPLE_PER_REQUEST

from towpath.store import database
from towpath.store.database import Db

WAITING, CLAIMED, ACKNOWLEDGED = 0, 1, 2
_TABLE = """
create table yardstick_membership (
  audience int not null,
  profile int not null,
  state smallint not null,
  tries smallint not null default 0,
  changed_at timestamptz not null,
  primary key (audience, profile)
) with (fillfactor = 50);
create index membership_waiting on yardstick_membership (audience, profile) where state = 0;
"""
_FILL = """
insert into yardstick_membership (audience, profile, state, changed_at)
select 1, profile, 0, %(now)s from match_key
where num_nonnulls(email, phone) > 0 order by profile limit %(people)s
"""
_CLAIM = """
update yardstick_membership set state = 1, tries = tries + 1, changed_at = %(now)s
where audience = 1 and profile in (
  select profile from yardstick_membership where audience = 1 and state = 0
  order by profile limit %(limit)s for update skip locked)
returning profile
"""
_READ = """
select encode(email, 'hex'), encode(phone, 'hex') from match_key where profile = any(%(profiles)s)
"""
_ACKNOWLEDGE = """
update yardstick_membership set state = 2, changed_at = %(now)s
where audience = 1 and profile = any(%(profiles)s)
"""


def fill(db: Db, count: int) -> None:
    """A row a person, for the `count` lowest numbers who have a key."""
    db.execute(_TABLE)
    db.execute(_FILL, {"now": database.database_now(db), "people": count})
    db.execute("vacuum (freeze, analyze) yardstick_membership")
    db.execute("checkpoint")


def deliver(db: Db, host: str, port: int) -> int:
    """Send everybody who waits, a batch after another; gives how many."""
    sink = http.client.HTTPConnection(host, port)
    sent = 0
    while True:
        now = database.database_now(db)
        claimed = db.execute(_CLAIM, {"now": now, "limit": PEOPLE_PER_REQUEST}).fetchall()
        if not claimed:
            return sent
        profiles = [row[0] for row in claimed]
        rows = db.execute(_READ, {"profiles": profiles}).fetchall()
        sink.request("POST", "/", _body(rows), {"Content-Type": "application/json"})
        answer = json.loads(sink.getresponse().read())
        if answer["code"] != 0:
            raise RuntimeError(f"the sink answered {answer['code']}")
        db.execute(_ACKNOWLEDGE, {"now": database.database_now(db), "profiles": profiles})
        sent += len(profiles)


def _body(rows: list[tuple[str | None, ...]]) -> bytes:
    data = [
        [{"id": key, "audience_ids": [AUDIENCE_REF]} if key else {} for key in row] for row in rows
    ]
    body = {
        "advertiser_ids": [AD_ACCOUNT_REF],
        "action": "add",
        "id_schema": ["EMAIL_SHA256", "PHONE_SHA256"],
        "batch_data": data,
    }
    return json.dumps(body).encode()


def main() -> None:
    """Deliver to the sink; print people, seconds, CPU and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    given = parser.parse_args()
    with database.connect(given.url, name="towpath yardstick") as db:
        before, begun = own_cpu_s(), time.perf_counter()
        sent = deliver(db, given.host, given.port)
        used = {
            "people": sent,
            "seconds": time.perf_counter() - begun,
            "cpu_s": own_cpu_s() - before,
            "peak_rss_mb": own_peak_rss_mb(),
        }
    print(json.dumps(used), flush=True)


if __name__ == "__main__":
    main()
