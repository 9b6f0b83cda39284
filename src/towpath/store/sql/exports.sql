-- name: open_snapshot
set transaction isolation level repeatable read, read only;

-- name: read_profiles
select number, consent, consent_source, consent_at, external_id, email, phone, country, language,
  first_name, last_name, birth_date, time_zone, attributes, created_at, updated_at
from profile where workspace = %s and number = any(%b) and gone_at is null order by number;

-- name: read_aliases
select profile, label, name from alias where workspace = %s and profile = any(%b)
order by profile, label, name;

-- name: read_devices
select profile, kind, value, tracking_allowed, seen_at from device
where workspace = %s and profile = any(%b) order by profile, seen_at desc, kind, value;

-- name: read_events
select e.profile, n.name, count(*), min(e.at), max(e.at)
from event e join event_name n on n.id = e.name and n.kind = 0
where n.workspace = %s and e.profile = any(%b)
group by e.profile, n.name order by e.profile, n.name;

-- name: read_purchases
select e.profile, n.name, count(*), min(e.at), max(e.at)
from event e join event_name n on n.id = e.name and n.kind = 1
where n.workspace = %s and e.profile = any(%b)
group by e.profile, n.name order by e.profile, n.name;

-- name: read_entries
select e.canvas, c.name, e.entered_at, e.members
from entry e join canvas c on c.id = e.canvas where c.workspace = %s order by e.id;

-- name: read_standing
select canvas, step, members from wave where workspace = %s order by id;

-- name: read_audiences
select id, name from audience where workspace = %s and seq > 0 order by id;
