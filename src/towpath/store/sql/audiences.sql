-- Audiences as lists at the partner. The ledger's columns belong to store/ledger.

-- name: ensure_audience
insert into audience (workspace, ad_account, partner_ref, name, created_here, created_at)
select workspace, id, %(partner_ref)s, %(name)s, %(created_here)s, %(now)s
from ad_account where id = %(ad_account)s and workspace = %(workspace)s
on conflict (ad_account, partner_ref) do update set name = excluded.name
returning id;

-- name: read_audience
select id, workspace, ad_account, partner_ref, name, created_here, created_at,
  people_per_request_learned
from audience where id = %(audience)s and workspace = %(workspace)s;

-- name: find_by_ref
select id, workspace, ad_account, partner_ref, name, created_here, created_at,
  people_per_request_learned
from audience
where workspace = %(workspace)s and ad_account = %(ad_account)s and partner_ref = %(partner_ref)s;

-- name: find_by_name
select id, workspace, ad_account, partner_ref, name, created_here, created_at,
  people_per_request_learned
from audience
where workspace = %(workspace)s and ad_account = %(ad_account)s and name = %(name)s
order by id;

-- name: list_audiences
select id, workspace, ad_account, partner_ref, name, created_here, created_at,
  people_per_request_learned
from audience where workspace = %(workspace)s
order by name, id;

-- name: read_route
select audience.id as audience, audience.workspace, audience.partner_ref as audience_ref,
  ad_account.id as ad_account, ad_account.partner_ref as ad_account_ref,
  ad_account.paused_until as ad_account_paused_until,
  connection.id as connection, connection.token, connection.state = 'ready' as ready,
  app.id as app, app.partner, app.paused_until as app_paused_until,
  least(people_per_request_max, people_per_request_learned) as people_per_request,
  keys_per_request_max as keys_per_request
from audience
join ad_account on ad_account.id = audience.ad_account
join connection on connection.id = ad_account.connection
join app on app.id = connection.app
where audience.id = any(%(audiences)s);
