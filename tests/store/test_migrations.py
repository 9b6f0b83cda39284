"""Migrations: they add up to schema.sql, run once, and refuse what they cannot serve."""

import threading
from importlib.resources import files

import pytest

from towpath.clock import Instant
from towpath.errors import StoreError
from towpath.store import database, embedded, migrations
from towpath.store.database import Db
from towpath.store.migrations import Migration

# Everything that makes a schema, one line each, but for the migrations' own table.
CATALOG = b"""
with ours as (
  select oid, relname, relkind, reloptions from pg_class
  where relnamespace = 'public'::regnamespace and relname !~ '^schema_version'
)
select 'relation', relname, relkind::text, reloptions::text from ours
union all
select 'column', relname, attname, concat_ws(' ', attnum, format_type(atttypid, atttypmod),
  attnotnull, attidentity, attgenerated, attstorage, attcompression, attstattarget,
  pg_get_expr(adbin, adrelid))
from ours join pg_attribute on attrelid = ours.oid and attnum > 0
left join pg_attrdef on adrelid = attrelid and adnum = attnum
union all
select 'constraint', relname, conname, pg_get_constraintdef(pg_constraint.oid)
from ours join pg_constraint on conrelid = ours.oid
union all
select 'index', relname, relname, pg_get_indexdef(oid) from ours where relkind = 'i'
union all
select 'sequence', relname, relname, concat_ws(' ', seqstart, seqincrement, seqmin, seqmax)
from ours join pg_sequence on seqrelid = ours.oid
union all
select 'function', proname, '', pg_get_functiondef(oid)
from pg_proc where pronamespace = 'public'::regnamespace
union all
select 'trigger', relname, tgname, pg_get_triggerdef(pg_trigger.oid)
from ours join pg_trigger on tgrelid = ours.oid and not tgisinternal
order by 1, 2, 3, 4
"""


def _catalog(db: Db) -> list[tuple[object, ...]]:
    return db.execute(CATALOG).fetchall()


def _versions(db: Db) -> list[tuple[object, ...]]:
    return db.execute("select number, name, applied_at from schema_version").fetchall()


def test_migrations_add_up_to_the_schema(db: Db, empty_database_url: str) -> None:
    schema = (files("towpath.store") / "sql" / "schema.sql").read_bytes()
    with database.connect(empty_database_url) as other:
        other.execute(schema)
        assert _catalog(db) == _catalog(other)
        other.execute("alter table profile alter email set default 'x'")
        assert _catalog(db) != _catalog(other), "a comparison that cannot fail is none"


def test_runs_once_and_says_what_ran(empty_database_url: str, now: Instant) -> None:
    with database.connect(empty_database_url) as db:
        with pytest.raises(StoreError, match="towpath migrate"):
            migrations.check(db)
        assert migrations.migrate(db, now)[0] == "0001_first"
        assert _versions(db)[0] == (1, "first", now)
        assert migrations.migrate(db, now) == []
        migrations.check(db)


def test_two_processes_migrate_once(empty_database_url: str, now: Instant) -> None:
    ran: list[str] = []

    def start() -> None:
        with database.connect(empty_database_url) as db:
            ran.extend(migrations.migrate(db, now))

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ran) == len(migrations.known())


def test_a_failing_migration_leaves_nothing_of_itself(
    empty_database_url: str, now: Instant
) -> None:
    good = Migration(1, "good", b"create table kept (n int)")
    bad = Migration(2, "bad", b"create table half (n int); select 1 / 0")
    with database.connect(empty_database_url) as db:
        with pytest.raises(StoreError, match="0002_bad failed: division by zero"):
            migrations.migrate(db, now, (good, bad))
        assert [name for kind, name, *_ in _catalog(db) if kind == "relation"] == ["kept"]
        assert [row[0] for row in _versions(db)] == [1]


def test_a_locked_table_is_not_waited_for(
    empty_database_url: str, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "50ms")
    first = Migration(1, "first", b"create table busy (n int)")
    second = Migration(2, "second", b"alter table busy add m int")
    with database.connect(empty_database_url) as db, database.connect(empty_database_url) as other:
        migrations.migrate(db, now, (first,))
        with other.transaction():
            other.execute("select * from busy")
            with pytest.raises(StoreError, match="somebody holds"):
                migrations.migrate(db, now, (first, second))
        assert migrations.migrate(db, now, (first, second)) == ["0002_second"]


def test_a_newer_database_is_refused(db: Db, now: Instant) -> None:
    db.execute("insert into schema_version values (9999, 'future', %s)", (now,))
    for act in (migrations.check, lambda db: migrations.migrate(db, now)):
        with pytest.raises(StoreError, match="newer than this Towpath"):
            act(db)


def test_an_old_postgresql_is_refused(
    db: Db, now: Instant, monkeypatch: pytest.MonkeyPatch, server: embedded.Server
) -> None:
    monkeypatch.setattr(migrations, "OLDEST_POSTGRESQL", 99)
    with pytest.raises(StoreError, match="needs 99 or newer"):
        migrations.migrate(db, now)
