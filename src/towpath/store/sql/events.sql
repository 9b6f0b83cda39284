-- Events: names, days, ids that were seen, and the append.

-- name: find_days
-- Which of these partitions are there?
select day from unnest(%b::text[]) day where to_regclass(day) is not null

-- name: lock_days
-- One process at a time makes partitions; the number is this file's own.
select pg_advisory_xact_lock(7401001)

-- name: create_day
-- Made alone and then attached: `partition of` would wait for everybody who reads or writes events.
create table if not exists :day (like event including defaults including indexes)

-- name: attach_day
alter table event attach partition :day for values from (':low') to (':high')

-- name: read_names
select n.kind, n.name, n.id
from unnest(%(kinds)s::smallint[], %(names)s::text[]) u (kind, name)
join event_name n on n.workspace = %(workspace)s and n.kind = u.kind and n.name = u.name

-- name: insert_names
insert into event_name (workspace, kind, name)
select %(workspace)s, u.kind, u.name
from unnest(%(kinds)s::smallint[], %(names)s::text[]) u (kind, name)
on conflict do nothing

-- name: insert_seen
-- Gives back those that were never seen before.
insert into event_seen (workspace, digest, received_at)
select %(workspace)s, digest, %(now)s from unnest(%(digests)s::bytea[]) digest
on conflict do nothing
returning digest

-- name: copy_events
copy event (
  workspace, name, profile, at, received_at, amount, currency, quantity, properties
) from stdin

-- name: list_days
-- The partitions of past days, the oldest first.
select inhrelid::regclass::text from pg_inherits where inhparent = 'event'::regclass order by 1

-- name: day_is_unread
-- Whether somebody's intake has still to read an event of this day.
select exists (
  select from intake i
  where exists (select from watch w where w.workspace = i.workspace)
    and exists (select from :day e where e.workspace = i.workspace and e.id > i.seen)
)

-- name: bound_wait
-- For this transaction: whoever reads events for long is not waited for, since others would queue
-- behind.
select set_config('lock_timeout', '100ms', true)

-- name: drop_day
drop table :day

-- name: forget_seen
-- Some ids that came long ago, the oldest places of the table first.
delete from event_seen where ctid = any(array(
  select ctid from event_seen where received_at < %(before)s limit %(most)s
))
