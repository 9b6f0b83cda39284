-- name: lock_audiences
-- Whoever has no log yet may be about to begin one.
select id from audience where workspace = %s order by id for update;

-- name: read_changes
-- By field: whose key changes, or is gained or lost; and of them, who had one before.
select
  string_agg(int4send(profile), '') filter (where email is distinct from old_email),
  string_agg(int4send(profile), '') filter (where phone is distinct from old_phone),
  string_agg(int4send(profile), '') filter (where idfa is distinct from old_idfa),
  string_agg(int4send(profile), '') filter (where gaid is distinct from old_gaid),
  string_agg(int4send(profile), '') filter (where email is distinct from old_email
    and old_email is not null),
  string_agg(int4send(profile), '') filter (where phone is distinct from old_phone
    and old_phone is not null),
  string_agg(int4send(profile), '') filter (where idfa is distinct from old_idfa
    and old_idfa is not null),
  string_agg(int4send(profile), '') filter (where gaid is distinct from old_gaid
    and old_gaid is not null)
from key_change where keyed;

-- name: read_near
-- Audiences that may know somebody near these numbers: a block of the ledger, a row of its log, or
-- a request says so.
select a.id from audience a
where a.id = any(%(audiences)s) and a.seq > 0 and (
  exists (select from ledger_shard s where s.audience = a.id and s.block = any(%(blocks)s))
  or exists (
    select from arrival r where r.audience = a.id and r.seq > a.folded_seq
      and r.low <= %(high)s and r.high >= %(low)s
  )
  or exists (select from ledger_mark m where m.audience = a.id and m.seq > a.folded_seq)
)
order by a.id;

-- name: read_alive
-- Requests that may still take effect: in flight, or their window is open.
select id, fields, state = 'in flight', members, changed, heirs from request
where audience = %(audience)s and (state = 'in flight' or window_end > %(now)s)
  and (low <= %(high)s and high >= %(low)s or heirs is not null)
order by id;

-- name: write_changed
update request set changed = %b, heirs = %b where id = %s;

-- name: draw_numbers
select array_agg(nextval('profile_number_seq')::int) from generate_series(1, %s);

-- name: insert_strays
-- Gone from the first, and led to the one whose key it was, whose consent holds.
insert into profile (number, workspace, created_at, updated_at, gone_at, merged_into)
overriding system value
select s.number, %(workspace)s, %(now)s, %(now)s, %(now)s, s.owner
from unnest(%(numbers)b, %(owners)b) s (number, owner);

-- name: insert_stray_keys
insert into key_change (profile, keyed, email, phone, idfa, gaid)
select s.number, false,
  case when c.email is distinct from c.old_email then c.old_email end,
  case when c.phone is distinct from c.old_phone then c.old_phone end,
  case when c.idfa is distinct from c.old_idfa then c.old_idfa end,
  case when c.gaid is distinct from c.old_gaid then c.old_gaid end
from unnest(%(numbers)b, %(owners)b) s (number, owner)
join key_change c on c.profile = s.owner;

-- name: read_earlier
-- Numbers that hold earlier keys of these people.
select string_agg(int4send(p.number), '')
from profile p join match_key k on k.profile = p.number
where p.merged_into between %(low)s and %(high)s and p.merged_into = any(%(members)b);

-- name: write_stray
insert into stray (workspace, reason, members, people, at) values (%s, %s, %b, %s, %s)
returning id;

-- name: write_stray_audience
insert into stray_audience (stray, audience, members, confirmed, look_at)
values (%s, %s, %b, %b, %s);

-- name: read_looks
-- What is to be looked at now, of the audience that waits longest.
select s.id, s.reason, a.members, a.confirmed, a.audience
from stray_audience a join stray s on s.id = a.stray
where a.look_at <= %(now)s and a.audience = (
  select audience from stray_audience where look_at <= %(now)s order by look_at, audience limit 1
)
order by a.look_at limit %(most)s;

-- name: read_windows
-- Requests of whom some may be in flight, or may still take effect.
select action, members, heirs, window_end from request
where audience = %(audience)s and (state = 'in flight' or window_end > %(now)s);

-- name: read_additions
-- Additions that may still take effect, of those that may carry keys of some numbers.
select members, heirs from request
where audience = %(audience)s and action = 0 and window_end > %(now)s
  and (heirs is not null or (low <= %(high)s and high >= %(low)s));

-- name: read_resends
select members, due_at from resend where audience = %s and seq is null;

-- name: next_look
select min(look_at) from stray_audience where look_at > %s;

-- name: write_confirmed
update stray_audience set confirmed = %b, look_at = %s where stray = %s and audience = %s;

-- name: read_ended
-- Nothing of them is left to be looked at anywhere.
select id, workspace, reason, members from stray s
where ended_at is null
  and not exists (select from stray_audience a where a.stray = s.id and a.look_at is not null)
order by id limit %s;

-- name: end_strays
update stray set ended_at = %s where id = any(%s);

-- name: forget_shared
delete from shared_key where profile = any(%b);

-- name: forget_lonely
-- Whose key nobody else holds any more.
delete from shared_key s using match_key k
where k.profile = any(%(members)b) and s.workspace = k.workspace
  and ((s.field = 1 and s.digest = k.email) or (s.field = 2 and s.digest = k.phone)
    or (s.field = 4 and s.digest = k.idfa) or (s.field = 8 and s.digest = k.gaid))
  and not exists (
    select from shared_key o
    where o.workspace = s.workspace and o.field = s.field and o.digest = s.digest
      and o.profile <> s.profile
  );

-- name: forget_keys
delete from match_key where profile = any(%b);

-- name: forget_numbers
-- That were made for old keys: nothing names them any more.
delete from profile where number = any(%b);

-- name: read_stray
select reason, members, at, ended_at from stray where id = %s and workspace = %s;

-- name: read_stray_audiences
select audience, members, confirmed from stray_audience where stray = %s order by audience;

-- name: read_removals
-- Removals of an audience near these numbers that began after a moment.
select id, partner_request_ref, state, started_at, answered_at, window_end, members from request
where audience = %(audience)s and action = 1 and low <= %(high)s and high >= %(low)s
  and (started_at >= %(since)s or answered_at >= %(since)s)
order by id;

-- name: read_places
select a.id, a.name, a.partner_ref, x.partner_ref
from audience a join ad_account x on x.id = a.ad_account where a.id = any(%s)

-- name: list_opt_outs
-- The newest of a workspace.
select id, members, at, ended_at from stray
where workspace = %s and reason = 'opt out' order by id desc limit %s;
