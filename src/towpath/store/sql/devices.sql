-- name: upsert_devices
-- A device's time moves only when it becomes the person's newest of its kind: handing in the same
-- device again writes nothing. An id that comes without a word on tracking is allowed, for systems
-- hand out zeros when the person denied it.
insert into device as d (profile, workspace, kind, value, tracking_allowed, seen_at)
select m.number, %(workspace)s, v.kind, v.value, n.allowed, %(now)s
from merged m
cross join lateral (
  values ('idfa', m.idfa, m.idfa_allowed), ('gaid', m.gaid, m.gaid_allowed)
) v (kind, value, allowed)
left join device o on o.profile = m.number and o.kind = v.kind and o.value = v.value
cross join lateral (
  select coalesce(m.tracking_allowed, v.allowed, o.tracking_allowed, true) as allowed
) n
where v.value is not null
  and (
    o.profile is null
    or o.tracking_allowed <> n.allowed
    or exists (
      select from device later
      where later.profile = m.number and later.kind = v.kind and later.seen_at > o.seen_at
    )
  )
on conflict (profile, kind, value)
do update set tracking_allowed = excluded.tracking_allowed, seen_at = excluded.seen_at

-- name: set_tracking
-- Said of the person, not of one device: it holds for all of them.
update device d
set tracking_allowed = m.tracking_allowed
from merged m
where d.profile = m.number and d.tracking_allowed <> m.tracking_allowed

-- name: insert_older
-- Known ones keep their time, and their word on tracking unless there is a new one.
insert into device as d (profile, workspace, kind, value, tracking_allowed, seen_at)
select n.profile, %(workspace)s, n.kind, n.value, coalesce(n.allowed, o.tracking_allowed, true),
  %(seen_at)s
from unnest(%(profiles)s::int[], %(kinds)s::text[], %(values)s::text[], %(allowed)s::bool[])
  n (profile, kind, value, allowed)
left join device o on o.profile = n.profile and o.kind = n.kind and o.value = n.value
where o.profile is null or o.tracking_allowed <> n.allowed
on conflict (profile, kind, value) do update set tracking_allowed = excluded.tracking_allowed
