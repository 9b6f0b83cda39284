-- Tombstones: a message is one byte for the kind (0: an external id; else the match field's bit)
-- and the external id or the match key. HMAC-SHA256 by hand, for it is not in PostgreSQL's core:
-- `outer` and `inner` are the key padded to a block and xored, as RFC 2104 has it.

-- name: read_key
select key from tombstone_key where workspace = %s

-- name: insert_key
insert into tombstone_key (workspace, key) values (%s, %s) on conflict do nothing

-- name: create_buried
-- The identifiers of people who are erased. Emptied at each commit.
create temp table if not exists buried (kind smallint not null, value bytea not null)
on commit delete rows

-- name: forget_buried
delete from buried

-- name: collect_buried
-- Of these people, and of numbers that hold earlier keys of theirs: every identifier.
insert into buried
with whom as materialized (
  select unnest(%(members)b::int[]) as number
  union
  select p.number from profile p
  where p.merged_into between %(low)s and %(high)s and p.merged_into = any(%(members)b::int[])
)
select distinct v.kind, v.value
from whom
left join profile p on p.number = whom.number
left join match_key k on k.profile = whom.number
cross join lateral (
  values (0, convert_to(p.external_id, 'UTF8')), (1, k.email), (2, k.phone), (4, k.idfa),
    (8, k.gaid)
  union all
  select case d.kind when 'idfa' then 4 else 8 end, sha256(convert_to(d.value, 'UTF8'))
  from device d where d.profile = whom.number
) v (kind, value)
where v.value is not null

-- name: write_buried
insert into tombstone (workspace, digest, erasure)
select %(workspace)s,
  sha256(%(outer)b || sha256(%(inner)b || set_byte('\x00', 0, kind) || value)), %(erasure)s
from buried
on conflict do nothing

-- name: delete_buried_devices
-- Of everybody else who has such a device.
delete from device d using buried b
where b.kind = case d.kind when 'idfa' then 4 else 8 end
  and d.profile = any(%(others)b::int[]) and b.value = sha256(convert_to(d.value, 'UTF8'))

-- name: find_others
-- Who else holds an identifier of theirs, and is still there.
select string_agg(distinct int4send(p.number), '')
from buried b
join lateral (
  select m.profile from match_key m
  where b.kind = 1 and substr(m.email, 1, 8) = substr(b.value, 1, 8) and m.email = b.value
  union all
  select m.profile from match_key m
  where b.kind = 2 and substr(m.phone, 1, 8) = substr(b.value, 1, 8) and m.phone = b.value
  union all
  select m.profile from match_key m
  where b.kind = 4 and substr(m.idfa, 1, 8) = substr(b.value, 1, 8) and m.idfa = b.value
  union all
  select m.profile from match_key m
  where b.kind = 8 and substr(m.gaid, 1, 8) = substr(b.value, 1, 8) and m.gaid = b.value
  offset 0
) h on true
join profile p on p.number = h.profile and p.workspace = %(workspace)s and p.gone_at is null
where p.number <> all(%(members)b::int[])

-- name: stage_stripped
-- What those others keep. A key that goes leaves the audiences like any key that changes.
insert into key_change
select k.profile, true,
  case when not k.email in (select value from buried where kind = 1) then k.email end,
  case when not k.phone in (select value from buried where kind = 2) then k.phone end,
  case when not k.idfa in (select value from buried where kind = 4) then k.idfa end,
  case when not k.gaid in (select value from buried where kind = 8) then k.gaid end,
  k.email, k.phone, k.idfa, k.gaid
from match_key k where k.profile = any(%(others)b::int[])

-- name: strip_profiles
update profile p
set email = case when c.email is not distinct from c.old_email then p.email end,
  phone = case when c.phone is not distinct from c.old_phone then p.phone end,
  updated_at = %(now)s
from key_change c
where c.keyed and p.number = c.profile

-- name: refuse_staged
-- Rows of people on their way in that name such an identifier go; their places come back.
with refused as (
  delete from staged s
  where exists (
    select from (
      values (0, convert_to(s.external_id, 'UTF8')), (1, s.email_key), (2, s.phone_key),
        (4, sha256(convert_to(s.idfa, 'UTF8'))), (8, sha256(convert_to(s.gaid, 'UTF8')))
    ) v (kind, value)
    join tombstone t on t.workspace = %(workspace)s
      and t.digest
        = sha256(%(outer)b || sha256(%(inner)b || set_byte('\x00', 0, v.kind) || v.value))
    where v.value is not null
  )
  returning place
)
select string_agg(int4send(place), '') from refused

-- name: find_tombstones
select digest from tombstone where workspace = %s and digest = any(%b)

-- name: lift_tombstones
delete from tombstone where workspace = %s and digest = any(%b)
