-- How far the intake has read, and what it reads next.

-- name: read_waiting
-- Workspaces in which something waits: events behind the cursor, or entries asked for by API. The
-- bound on the time of receipt keeps the look to the newest days of events.
select i.workspace from intake i
where exists (select from watch w where w.workspace = i.workspace)
  and exists (
    select from event e where e.workspace = i.workspace and e.id > i.seen
      and e.received_at >= i.seen_at - interval '1 hour')
union
select workspace from api_entry
order by workspace;

-- name: begin_intake
-- What happened before anybody waited for it is passed over.
insert into intake (workspace, seen, seen_at)
select %(workspace)s, coalesce(max(id), 0), %(now)s from event
where workspace = %(workspace)s
  and not exists (select from intake where workspace = %(workspace)s)
on conflict (workspace) do nothing;

-- name: skip_to_end
update intake i set seen = greatest(i.seen, (
    select coalesce(max(id), 0) from event where workspace = %(workspace)s
  )), seen_at = %(now)s
where i.workspace = %(workspace)s;

-- name: lock_intake
select seen, seen_at from intake where workspace = %s for update skip locked;

-- name: read_events
-- The next events in order: those that somebody waits for, and the last one whatever it is.
with counted as materialized (
  select *, sum(coalesce(pg_column_size(properties), 0)) over (order by id) as bytes,
    row_number() over (order by id) as place
  from (
    select id, name, profile, at, received_at, amount, currency, quantity, properties from event
    where workspace = %(workspace)s and id > %(seen)s
      and (%(last)s::bigint is null or id <= %(last)s)
      and received_at >= %(seen_at)s::timestamptz - interval '1 hour'
    order by id limit %(most)s
  ) next
), batch as (
  select * from counted where bytes <= %(bytes_max)s or place = 1
), awaited as (
  select n.id, n.kind, n.name from event_name n
  where n.workspace = %(workspace)s and exists (
    select from watch w where w.workspace = n.workspace and w.kind = n.kind
      and w.name in (n.name, ''))
)
select b.id, b.received_at, a.kind, a.name, b.profile, b.at, b.amount::float8, b.currency,
  b.quantity, b.properties::text,
  (select count(*) = %(most)s or max(bytes) > %(bytes_max)s from counted)
from batch b left join awaited a on a.id = b.name
where a.id is not null or b.id = (select max(id) from batch)
order by b.id;

-- name: move_intake
update intake set seen = %s, seen_at = greatest(seen_at, %s) where workspace = %s;

-- name: read_live
-- The newest version of every Canvas that runs or pauses: the only one that people enter.
select distinct on (c.id) c.id, c.state, v.id, coalesce(c.live_since, v.launched_at)
from canvas c join canvas_version v on v.canvas = c.id
where c.workspace = %s and c.kind = 'canvas' and c.state in ('running', 'paused')
order by c.id, v.number desc;

-- name: read_live_workspaces
select distinct workspace from canvas where state in ('running', 'paused') order by workspace;
