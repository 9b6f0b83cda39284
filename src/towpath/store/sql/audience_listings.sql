-- The audiences of an ad account, as the partner listed them last.

-- name: note_refreshed
-- First, so that two refreshes of an ad account take turns.
insert into audience_refresh (ad_account, refreshed_at) values (%(ad_account)s, %(now)s)
on conflict (ad_account) do update set refreshed_at = excluded.refreshed_at;

-- name: read_refreshed
select refreshed_at from audience_refresh where ad_account = %(ad_account)s;

-- name: delete_unlisted
delete from audience_listing
where ad_account = %(ad_account)s and not partner_ref = any(%(refs)s);

-- name: write_listed
insert into audience_listing (workspace, ad_account, partner_ref, name, kind, fits, owned, shared,
  people, ready, expiring, expires_at)
select %(workspace)s, %(ad_account)s, partner_ref, name, kind, fits, owned, shared,
  people, ready, expiring, expires_at
from jsonb_to_recordset(%(rows)s) row (partner_ref text, name text, kind text, fits boolean,
  owned boolean, shared boolean, people int, ready boolean, expiring boolean,
  expires_at timestamptz)
on conflict (ad_account, partner_ref) do update set name = excluded.name, kind = excluded.kind,
  fits = excluded.fits, owned = excluded.owned, shared = excluded.shared,
  people = excluded.people, ready = excluded.ready, expiring = excluded.expiring,
  expires_at = excluded.expires_at;

-- name: delete_one
delete from audience_listing
where ad_account = %(ad_account)s and partner_ref = %(partner_ref)s;

-- name: list_page
-- The newest first: the partner's ids are numbers that rise with time.
select l.partner_ref, l.name, l.kind, l.fits, l.owned, l.shared, l.people, l.ready, l.expiring,
  l.expires_at, a.id as audience, coalesce(a.created_here, false) as created_here, l.namesake
from (
  select *, count(*) over (partition by name) > 1 as namesake
  from audience_listing where workspace = %(workspace)s and ad_account = %(ad_account)s
) l
left join audience a
  on a.ad_account = l.ad_account and a.partner_ref = l.partner_ref and a.deleted_at is null
where (%(search)s = '' or position(lower(%(search)s) in lower(l.name)) > 0
    or starts_with(l.partner_ref, %(search)s))
  and (%(after)s = ''
    or (length(l.partner_ref), l.partner_ref) < (length(%(after)s), %(after)s))
order by length(l.partner_ref) desc, l.partner_ref desc limit %(limit)s;

-- name: count_owned
select count(*) from audience_listing
where workspace = %(workspace)s and ad_account = %(ad_account)s and owned;

-- name: reserve
insert into audience_reservation (partner, ad_account_ref, name, holder, held_until)
values (%(partner)s, %(ad_account_ref)s, %(name)s, %(holder)s, %(held_until)s)
on conflict (partner, ad_account_ref, name) do update
  set holder = excluded.holder, held_until = excluded.held_until
  where audience_reservation.held_until <= %(now)s
returning unsure_until;

-- name: note_unsure
update audience_reservation set unsure_until = %(until)s
where partner = %(partner)s and ad_account_ref = %(ad_account_ref)s and name = %(name)s
  and holder = %(holder)s;

-- name: let_go
-- It goes on telling that a call may still be applied.
update audience_reservation set held_until = %(now)s
where partner = %(partner)s and ad_account_ref = %(ad_account_ref)s and name = %(name)s
  and holder = %(holder)s;

-- name: free
delete from audience_reservation
where partner = %(partner)s and ad_account_ref = %(ad_account_ref)s and name = %(name)s
  and holder = %(holder)s;
