"""Bring a database to this software's schema: numbered SQL files, forward only.

`sql/migrations/NNNN_name.sql` run in order, each in a transaction of its own together with its row
in `schema_version`, which is the migrations' own table. `sql/schema.sql` says what they must add up
to. Two processes that start at once migrate once.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import psycopg

from towpath.clock import Instant
from towpath.errors import StoreError
from towpath.store.database import Db
from towpath.store.queries import queries

OLDEST_POSTGRESQL = 15
LOCK_TIMEOUT = "5s"  # a migration that waits for a lock makes everybody else wait behind it
_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True)
class Migration:
    """One step forward."""

    number: int
    name: str
    sql: bytes


@cache
def known() -> tuple[Migration, ...]:
    """The migrations that this software has, in order, numbered from 1 without a gap."""
    folder = files("towpath.store") / "sql" / "migrations"
    found = [
        Migration(int(match[1]), match[2], file.read_bytes())
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if (match := _NAME.fullmatch(file.name))
    ]
    assert [each.number for each in found] == list(range(1, len(found) + 1)), "a gap in migrations"
    return tuple(found)


def migrate(db: Db, now: Instant, upto: tuple[Migration, ...] | None = None) -> list[str]:
    """Run what is missing; the names of what ran, in order. `upto` is for tests.

    Raises StoreError when PostgreSQL is too old, the database is newer than the software, or a
    table stays locked; what ran before stays.
    """
    wanted = known() if upto is None else upto
    _check_server(db)
    sql = queries("migrations")
    db.execute(sql["take_lock"])
    try:
        db.execute(sql["create_schema_version"])
        done = _check_not_newer(db, wanted)
        return [_run(db, each, now) for each in wanted if each.number > done]
    finally:
        db.execute(sql["give_lock"])


def check(db: Db) -> None:
    """Raise StoreError unless the database stands exactly at this software's schema."""
    _check_server(db)
    row = db.execute(queries("migrations")["find_schema_version"]).fetchone()
    done = _check_not_newer(db, known()) if row is not None and row[0] is not None else 0
    if done < len(known()):
        raise StoreError(
            f"The database stands at schema {done}; this Towpath needs {len(known())}.",
            remedy="Run `towpath migrate`.",
        )


def _check_server(db: Db) -> None:
    major = db.info.server_version // 10_000
    if major < OLDEST_POSTGRESQL:
        raise StoreError(
            f"The database is PostgreSQL {major}; Towpath needs {OLDEST_POSTGRESQL} or newer.",
            remedy="Upgrade it, or leave TOWPATH_DATABASE_URL out to use the embedded one.",
        )


def _check_not_newer(db: Db, wanted: tuple[Migration, ...]) -> int:
    row = db.execute(queries("migrations")["read_schema_version"]).fetchone()
    assert row is not None
    done = row[0]
    assert isinstance(done, int)
    if done > len(wanted):
        raise StoreError(
            f"The database stands at schema {done}, newer than this Towpath's {len(wanted)}.",
            remedy="Upgrade Towpath; there is no way back for a schema.",
        )
    return done


def _run(db: Db, migration: Migration, now: Instant) -> str:
    name = f"{migration.number:04}_{migration.name}"
    sql = queries("migrations")
    try:
        with db.transaction():
            db.execute(sql["limit_lock_wait"], (LOCK_TIMEOUT,))
            db.execute(migration.sql)
            db.execute(sql["record_migration"], (migration.number, migration.name, now))
    except psycopg.errors.LockNotAvailable as error:
        raise StoreError(
            f"Migration {name} waited {LOCK_TIMEOUT} for a table that somebody holds.",
            remedy="Stop long transactions (or Towpath's workers) and run `towpath migrate` again.",
        ) from error
    except psycopg.Error as error:
        raise StoreError(
            f"Migration {name} failed: {error.diag.message_primary or type(error).__name__}.",
            remedy="Nothing of it was kept. If the schema was never changed by hand, report this.",
        ) from error
    return name
