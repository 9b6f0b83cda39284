-- Audiences as lists at the partner. The ledger's columns belong to store/ledger.

-- name: ensure_audience
insert into audience
  (workspace, ad_account, partner_ref, name, created_here, created_at, transport)
select workspace, id, %(partner_ref)s, %(name)s, %(created_here)s, %(now)s, %(transport)s
from ad_account where id = %(ad_account)s and workspace = %(workspace)s
on conflict (ad_account, partner_ref) do update set name = excluded.name, deleted_at = null
returning id;

-- name: read_audience
select id, workspace, ad_account, partner_ref, name, created_here, created_at,
  people_per_request_learned, transport = 'files' as by_files
from audience where id = %(audience)s and workspace = %(workspace)s;

-- name: find_by_ref
select id, workspace, ad_account, partner_ref, name, created_here, created_at,
  people_per_request_learned, transport = 'files' as by_files
from audience
where workspace = %(workspace)s and ad_account = %(ad_account)s and partner_ref = %(partner_ref)s
  and deleted_at is null;

-- name: find_by_name
select id, workspace, ad_account, partner_ref, name, created_here, created_at,
  people_per_request_learned, transport = 'files' as by_files
from audience
where workspace = %(workspace)s and ad_account = %(ad_account)s and name = %(name)s
  and deleted_at is null
order by id;

-- name: list_audiences
select id, workspace, ad_account, partner_ref, name, created_here, created_at,
  people_per_request_learned, transport = 'files' as by_files
from audience where workspace = %(workspace)s and deleted_at is null
order by name, id;

-- name: list_users
-- What names an audience, here or in a filter: segments, drafts of Canvases that are not stopped,
-- versions of Canvases that run, and people who stand at a step of it or wait for it.
select kind, name from (
  select a.id, a.name as called, a.partner_ref, jsonb_build_object('name', a.name,
    'ref', a.partner_ref) as named
  from audience a where a.id = %(audience)s and a.workspace = %(workspace)s
) asked cross join lateral (
  select 'segment' as kind, s.name from segment s
  where s.workspace = %(workspace)s and jsonb_path_exists(s.filter,
    '$.**.audience ? (@.name == $name || @.id == $ref)', named)
  union
  select 'Canvas', c.name from canvas c
  where c.workspace = %(workspace)s and c.state <> 'stopped' and jsonb_path_exists(c.draft,
    '$.**.audience ? (@.create == $name || @.name == $name || @.id == $ref)', named)
  union
  select 'Canvas', c.name from canvas_version v join canvas c on c.id = v.canvas
  where v.workspace = %(workspace)s and jsonb_path_exists(v.graph,
      '$.audiences.* ? (@ == $id)', jsonb_build_object('id', asked.id))
    and (c.state in ('running', 'paused')
      or exists (select from wave where version = v.id)
      or exists (select from arrival where version = v.id and pending > 0))
) users
order by kind, name;

-- name: note_made
-- The first file made it; until then it had a name only.
update audience set partner_ref = %(partner_ref)s, created_at = %(now)s
where id = %(audience)s and starts_with(partner_ref, 'unmade:');

-- name: note_deleted
update audience set deleted_at = %(now)s, look_at = null where id = %(audience)s;

-- name: read_route
select audience.id as audience, audience.workspace, audience.partner_ref as audience_ref,
  audience.name, audience.transport = 'files' as by_files,
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
