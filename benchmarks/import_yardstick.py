"""The import yardstick: a file as it is usually imported, an upsert a row.

It is written as well as that design allows: rows from the csv module, identifiers normalised and
hashed by our own rules, one prepared statement for profile and keys together, a commit each
thousand rows.
"""

import csv
import json
from itertools import islice
from pathlib import Path

from towpath.people.normalise import Normalised, email, phone
from towpath.store.database import Db

_COMMIT_ROWS = 1_000
_TABLE = """
create table plain_person (
  external_id text primary key,
  email text,
  phone text,
  email_sha256 bytea,
  phone_sha256 bytea,
  attributes jsonb not null,
  updated_at timestamptz not null
);
create index plain_person_email on plain_person (email_sha256);
create index plain_person_phone on plain_person (phone_sha256);
"""
_UPSERT = """
insert into plain_person values (%b, %b, %b, %b, %b, %b::text::jsonb, now())
on conflict (external_id) do update set
  email = excluded.email, phone = excluded.phone, email_sha256 = excluded.email_sha256,
  phone_sha256 = excluded.phone_sha256, attributes = plain_person.attributes || excluded.attributes,
  updated_at = excluded.updated_at
"""


def prepare(db: Db) -> None:
    """An empty table."""
    db.execute(_TABLE)


def import_rows(db: Db, path: Path, people: int) -> None:
    """The first `people` rows of the file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        while some := list(islice(rows, min(_COMMIT_ROWS, people))):
            people -= len(some)
            with db.transaction():
                for row in some:
                    db.execute(_UPSERT, _values(row))


def _values(row: dict[str, str]) -> tuple[object, ...]:
    mail, number = email(row["email"]), phone(row["phone"])
    assert isinstance(mail, Normalised)
    assert isinstance(number, Normalised)
    attributes = {
        "plan": row["plan"],
        "city": row["city"],
        "points": int(row["points:number"]),
        "score": float(row["score:number"]),
        "vip": row["vip:boolean"] == "yes",
        "since": row["since:time"],
    }
    return (
        row["external_id"], mail.value, number.value, mail.digest, number.digest,
        json.dumps(attributes),
    )  # fmt: skip
