-- Permits: a request may leave only with one, and each is free again one second after its answer.
-- A permit beyond the present rate is 'retired': it keeps its time, so that raising the rate again
-- cannot free it early.

-- name: add_permits
insert into permit (app, endpoint_class, number, free_at)
select %(app)s, %(endpoint_class)s, number, %(now)s
from generate_series(0, %(count)s::int4 - 1) number
on conflict do nothing;

-- name: retire_permits
update permit set holder = case when number < %(count)s then null else 'retired' end
where app = %(app)s and endpoint_class = %(endpoint_class)s
  and (number >= %(count)s) <> (holder is not distinct from 'retired');

-- name: take_permits
with free as materialized (
  select number from permit
  where app = %(app)s and endpoint_class = %(endpoint_class)s and free_at <= %(now)s
    and holder is distinct from 'retired'
    and exists (
      select from app where id = %(app)s and (paused_until is null or paused_until <= %(now)s))
  order by number limit %(limit)s
  for update skip locked
)
update permit set holder = %(holder)s, free_at = %(lease_until)s
from free
where permit.app = %(app)s and permit.endpoint_class = %(endpoint_class)s
  and permit.number = free.number
returning permit.number;

-- name: free_permits
update permit set holder = null, free_at = %(free_at)s
where app = %(app)s and endpoint_class = %(endpoint_class)s and holder = %(holder)s
  and number = any(%(numbers)s);

-- name: read_next_free
select greatest(
  min(permit.free_at),
  (select paused_until from app where id = %(app)s))
from permit
where app = %(app)s and endpoint_class = %(endpoint_class)s
  and holder is distinct from 'retired';

-- name: pause_app
update app set paused_until = %(until)s, pause_reason = %(reason)s
where id = %(app)s and %(until)s > %(now)s
  and (paused_until is null or paused_until < %(until)s);
