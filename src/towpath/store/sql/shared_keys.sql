-- name: insert_gained
-- Each new key is looked up among all keys of the workspace; whoever holds it too is written beside
-- the newcomer. `offset 0` keeps the look-up an index probe a key: before the first analyze the
-- planner would rather read the whole table.
insert into shared_key (workspace, field, digest, profile)
select %(workspace)s, found.field, found.digest, either.profile
from (
  select 1, c.email, c.profile, h.profile
  from key_change c
  cross join lateral (
    select m.profile from match_key m
    join profile p on p.number = m.profile and p.workspace = %(workspace)s
    where substr(m.email, 1, 8) = substr(c.email, 1, 8) and m.email = c.email
      and m.profile <> c.profile
    offset 0
  ) h
  where c.email is distinct from c.old_email
  union all
  select 2, c.phone, c.profile, h.profile
  from key_change c
  cross join lateral (
    select m.profile from match_key m
    join profile p on p.number = m.profile and p.workspace = %(workspace)s
    where substr(m.phone, 1, 8) = substr(c.phone, 1, 8) and m.phone = c.phone
      and m.profile <> c.profile
    offset 0
  ) h
  where c.phone is distinct from c.old_phone
  union all
  select 4, c.idfa, c.profile, h.profile
  from key_change c
  cross join lateral (
    select m.profile from match_key m
    join profile p on p.number = m.profile and p.workspace = %(workspace)s
    where substr(m.idfa, 1, 8) = substr(c.idfa, 1, 8) and m.idfa = c.idfa and m.profile <> c.profile
    offset 0
  ) h
  where c.idfa is distinct from c.old_idfa
  union all
  select 8, c.gaid, c.profile, h.profile
  from key_change c
  cross join lateral (
    select m.profile from match_key m
    join profile p on p.number = m.profile and p.workspace = %(workspace)s
    where substr(m.gaid, 1, 8) = substr(c.gaid, 1, 8) and m.gaid = c.gaid and m.profile <> c.profile
    offset 0
  ) h
  where c.gaid is distinct from c.old_gaid
) found (field, digest, profile, other)
cross join lateral (values (found.profile), (found.other)) either (profile)
on conflict do nothing

-- name: delete_lost
delete from shared_key s
using key_change c
cross join lateral (
  values (1, c.old_email, c.email), (2, c.old_phone, c.phone),
    (4, c.old_idfa, c.idfa), (8, c.old_gaid, c.gaid)
) v (field, old, new)
where c.keyed and v.old is distinct from v.new
  and s.workspace = %(workspace)s and s.field = v.field and s.digest = v.old
  and s.profile = c.profile

-- name: delete_lonely
-- Of keys that somebody lost: the last holder shares with nobody.
delete from shared_key s
using key_change c
cross join lateral (
  values (1, c.old_email, c.email), (2, c.old_phone, c.phone),
    (4, c.old_idfa, c.idfa), (8, c.old_gaid, c.gaid)
) v (field, old, new)
where c.keyed and v.old is distinct from v.new
  and s.workspace = %(workspace)s and s.field = v.field and s.digest = v.old
  and not exists (
    select from shared_key o
    where o.workspace = s.workspace and o.field = s.field and o.digest = s.digest
      and o.profile <> s.profile
  )

-- name: any_sharing
-- Does anybody between these numbers share a key? Asked first: mostly it is nobody.
select exists (select from shared_key where profile between %(low)s and %(high)s)

-- name: read_holders
-- `mine` is materialized, so that it is found by one walk over an index of the few who share. Of
-- who was merged into somebody, that one's consent holds. Who opted out counts as withdrawn.
with mine as materialized (
  select distinct field, digest from shared_key
  where profile between %(low)s and %(high)s and profile = any(%(members)s)
    and workspace = %(workspace)s
)
select s.field, s.digest,
  string_agg(int4send(s.profile), ''),
  string_agg(case when coalesce(survivor.consent, p.consent) = 2
    or coalesce(survivor.opt_out_sharing, p.opt_out_sharing) is true
    then int4send(s.profile) end, '')
from mine
join shared_key s
  on s.workspace = %(workspace)s and s.field = mine.field and s.digest = mine.digest
join profile p on p.number = s.profile
left join profile survivor on survivor.number = p.merged_into
group by s.field, s.digest
order by s.field, s.digest
