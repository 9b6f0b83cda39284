-- name: create_key_change
-- Whose match keys change: as they shall be, and as they were.
create temp table if not exists key_change (
  profile int not null,
  keyed boolean not null,
  email bytea,
  phone bytea,
  idfa bytea,
  gaid bytea,
  old_email bytea,
  old_phone bytea,
  old_idfa bytea,
  old_gaid bytea
) on commit delete rows

-- name: find_changes
-- An advertising id's key is that of the newest device of its kind on which tracking is allowed.
insert into key_change
select m.number, m.keyed, n.email, n.phone, n.idfa, n.gaid,
  m.old_email, m.old_phone, m.old_idfa, m.old_gaid
from merged m
cross join lateral (
  select
    m.email_key as email,
    m.phone_key as phone,
    case when num_nonnulls(m.idfa, m.gaid, m.tracking_allowed) = 0 then m.old_idfa else (
      select sha256(convert_to(d.value, 'UTF8')) from device d
      where d.profile = m.number and d.kind = 'idfa' and d.tracking_allowed
      order by d.seen_at desc, d.value limit 1
    ) end as idfa,
    case when num_nonnulls(m.idfa, m.gaid, m.tracking_allowed) = 0 then m.old_gaid else (
      select sha256(convert_to(d.value, 'UTF8')) from device d
      where d.profile = m.number and d.kind = 'gaid' and d.tracking_allowed
      order by d.seen_at desc, d.value limit 1
    ) end as gaid
  offset 0 -- or the subqueries would run once more for the comparison
) n
where row(n.email, n.phone, n.idfa, n.gaid)
  is distinct from row(m.old_email, m.old_phone, m.old_idfa, m.old_gaid)

-- name: find_staged_sharing
-- Of staged people who are all new: whose e-mail or phone somebody stored has, or another of them.
-- The digests' first bytes are looked up in one walk over the index.
insert into key_change (profile, keyed, email, phone)
select %(first)s + s.place, false, s.email_key, s.phone_key
from staged s
where s.email_key in (
    select m.email from match_key m
    where m.workspace = %(workspace)s and substr(m.email, 1, 8) = any(
      (select array_agg(substr(email_key, 1, 8)) from staged where email_key is not null)::bytea[]
    )
    union all
    select email_key from staged where email_key is not null group by 1 having count(*) > 1
  )
  or s.phone_key in (
    select m.phone from match_key m
    where m.workspace = %(workspace)s and substr(m.phone, 1, 8) = any(
      (select array_agg(substr(phone_key, 1, 8)) from staged where phone_key is not null)::bytea[]
    )
    union all
    select phone_key from staged where phone_key is not null group by 1 having count(*) > 1
  )

-- name: insert_staged
insert into match_key (profile, workspace, email, phone, rule)
select %(first)s + place, %(workspace)s, email_key, phone_key, %(rule)s
from staged where num_nonnulls(email_key, phone_key) > 0

-- name: insert_new
insert into match_key (profile, workspace, email, phone, idfa, gaid, rule)
select profile, %(workspace)s, email, phone, idfa, gaid, %(rule)s from key_change where not keyed

-- name: update_changed
update match_key k
set email = c.email, phone = c.phone, idfa = c.idfa, gaid = c.gaid, rule = %(rule)s
from key_change c
where c.keyed and k.profile = c.profile

-- name: read_changed
select string_agg(int4send(profile), '') from key_change

-- name: read_other_rules
-- People whose keys were made by other rules, of one workspace. An index holds only them: with the
-- rule as a constant (never prepared) it is found to fit.
select k.workspace, k.profile, p.email, p.phone
from match_key k join profile p on p.number = k.profile and p.gone_at is null
where k.rule <> %(rule)s and k.workspace = (
  select o.workspace from match_key o join profile q on q.number = o.profile and q.gone_at is null
  where o.rule <> %(rule)s limit 1
)
limit %(most)s

-- name: stage_rewritten
-- A key whose clear value we never had stays as it is; devices' ids too.
insert into key_change
select k.profile, true,
  case when p.email is null then k.email else n.email end,
  case when p.phone is null then k.phone else n.phone end,
  k.idfa, k.gaid, k.email, k.phone, k.idfa, k.gaid
from unnest(%(numbers)s::int[], %(emails)s::bytea[], %(phones)s::bytea[]) n (number, email, phone)
join match_key k on k.profile = n.number
join profile p on p.number = k.profile
where p.workspace = %(workspace)s and p.gone_at is null

-- name: write_rule
update match_key k set rule = %(rule)s from key_change c where k.profile = c.profile

-- name: forget_unchanged
delete from key_change
where row(email, phone, idfa, gaid)
  is not distinct from row(old_email, old_phone, old_idfa, old_gaid)

-- name: read_presence
-- At most 16 rows come back, whatever the number of people.
select
  email is not null, phone is not null, idfa is not null, gaid is not null,
  string_agg(int4send(profile), '')
from match_key
where profile = any(%b)
group by 1, 2, 3, 4

-- name: read_digests_among
-- All aggregates of a group take its rows in one pass, in whatever order the rows come; so the nth
-- 32 bytes of every column belong to the same person, without any sorting. `mask` holds the bits of
-- the fields asked for (people/match_field.py). The members hide in a subquery: the planner would
-- look at each of them.
select count(*)::int,
  string_agg(case when %(mask)s & 1 > 0 then email end, ''),
  string_agg(case when %(mask)s & 2 > 0 then phone end, ''),
  string_agg(case when %(mask)s & 4 > 0 then idfa end, ''),
  string_agg(case when %(mask)s & 8 > 0 then gaid end, '')
from match_key
where profile = any((select %(members)s::int4[])::int4[])
group by
  %(mask)s & 1 > 0 and email is not null, %(mask)s & 2 > 0 and phone is not null,
  %(mask)s & 4 > 0 and idfa is not null, %(mask)s & 8 > 0 and gaid is not null

-- name: read_digests_between
-- The same for people without a gap between the lowest and the highest number.
select count(*)::int,
  string_agg(case when %(mask)s & 1 > 0 then email end, ''),
  string_agg(case when %(mask)s & 2 > 0 then phone end, ''),
  string_agg(case when %(mask)s & 4 > 0 then idfa end, ''),
  string_agg(case when %(mask)s & 8 > 0 then gaid end, '')
from match_key
where profile between %(low)s and %(high)s
group by
  %(mask)s & 1 > 0 and email is not null, %(mask)s & 2 > 0 and phone is not null,
  %(mask)s & 4 > 0 and idfa is not null, %(mask)s & 8 > 0 and gaid is not null
