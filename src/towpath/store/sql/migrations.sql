-- The migrations' own table and lock. schema.sql knows nothing of them.

-- name: take_lock
-- Until it is given back or the connection ends; the number is Towpath's own.
select pg_advisory_lock(8097011210);

-- name: give_lock
select pg_advisory_unlock(8097011210);

-- name: create_schema_version
create table if not exists schema_version (
  number int primary key,
  name text not null,
  applied_at timestamptz not null
);

-- name: find_schema_version
select to_regclass('schema_version');

-- name: read_schema_version
select coalesce(max(number), 0) from schema_version;

-- name: limit_lock_wait
select set_config('lock_timeout', %s, true);

-- name: record_migration
insert into schema_version (number, name, applied_at) values (%s, %s, %b);
