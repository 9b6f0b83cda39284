-- name: read_whole
select p.number, p.external_id, p.email, p.phone, k.email, k.phone, p.country, p.language,
  p.first_name, p.last_name, p.time_zone, p.birth_date, p.attributes::text, p.consent,
  p.consent_source, p.consent_at, p.updated_at
from profile p left join match_key k on k.profile = p.number
where p.number = any(%b);

-- name: move_aliases
update alias a set profile = m.survivor
from unnest(%(absorbed)s::int[], %(survivor)s::int[]) m (absorbed, survivor)
where a.profile = m.absorbed;

-- name: name_survivors
update profile p set merged_into = m.survivor
from unnest(%(absorbed)s::int[], %(survivor)s::int[]) m (absorbed, survivor)
where p.number = m.absorbed;

-- name: rename_survivors
-- Whoever was merged into the absorbed before.
update profile p set merged_into = m.survivor
from unnest(%(absorbed)s::int[], %(survivor)s::int[]) m (absorbed, survivor)
where p.merged_into = m.absorbed;

-- name: move_events
-- By name, as the index begins: without it every day's index would be walked whole.
update event e set profile = m.survivor
from unnest(%(absorbed)s::int[], %(survivor)s::int[]) m (absorbed, survivor)
where e.name = any(array(select id from event_name where workspace = %(workspace)s))
  and e.profile = any(%(absorbed)s::int[]) and e.profile = m.absorbed;

-- name: copy_devices
-- The absorbed one's own go with it. A device that both have keeps the survivor's word on tracking,
-- unless the other's is no.
insert into device as d (profile, workspace, kind, value, tracking_allowed, seen_at)
select m.survivor, o.workspace, o.kind, o.value, bool_and(o.tracking_allowed), max(o.seen_at)
from unnest(%(absorbed)s::int[], %(survivor)s::int[]) m (absorbed, survivor)
join device o on o.profile = m.absorbed
group by m.survivor, o.workspace, o.kind, o.value
on conflict (profile, kind, value) do update set
  tracking_allowed = d.tracking_allowed and excluded.tracking_allowed,
  seen_at = greatest(d.seen_at, excluded.seen_at);

-- name: move_entry_keys
insert into entry_key as k (profile, canvas, key, entered_at)
select m.survivor, o.canvas, o.key, max(o.entered_at)
from unnest(%(absorbed)s::int[], %(survivor)s::int[]) m (absorbed, survivor)
join entry_key o on o.profile = m.absorbed
group by m.survivor, o.canvas, o.key
on conflict (profile, canvas, key) do update
  set entered_at = greatest(k.entered_at, excluded.entered_at);

-- name: move_api_entries
update api_entry e set profile = m.survivor
from unnest(%(absorbed)s::int[], %(survivor)s::int[]) m (absorbed, survivor)
where e.profile = m.absorbed;

-- name: read_newest_devices
select distinct on (profile, kind) profile, kind, value, tracking_allowed
from device where profile = any(%b)
order by profile, kind, seen_at desc, value;

-- name: read_absorbed
-- The nth of the one is merged into the nth of the other.
select string_agg(int4send(number), ''), string_agg(int4send(merged_into), '')
from profile
where merged_into between %(low)s and %(high)s and merged_into = any(%(members)b);
