-- Authorised links to a partner, and the ad accounts that they reach.

-- name: ensure_connection
insert into connection (workspace, app, name, people_per_request_max, keys_per_request_max)
values (%(workspace)s, %(app)s, %(name)s, %(people_per_request_max)s, %(keys_per_request_max)s)
on conflict (workspace, name) do update
  set app = excluded.app,
      people_per_request_max = excluded.people_per_request_max,
      keys_per_request_max = excluded.keys_per_request_max
returning id;

-- name: read_connection
select id, workspace, app, name, token, state, broken_since, broken_reason, probe_at,
  people_per_request_max, keys_per_request_max, granted, person, connected_at, connected_by,
  terms_accepted_at, terms_accepted_by, emptying_since, transport = 'files' as by_files,
  streaming_since
from connection where id = %(connection)s and workspace = %(workspace)s;

-- name: list_connections
select id, workspace, app, name, token, state, broken_since, broken_reason, probe_at,
  people_per_request_max, keys_per_request_max, granted, person, connected_at, connected_by,
  terms_accepted_at, terms_accepted_by, emptying_since, transport = 'files' as by_files,
  streaming_since
from connection where workspace = %(workspace)s order by name;

-- name: lock_token
select token from connection
where id = %(connection)s and workspace = %(workspace)s for update;

-- name: set_token
-- A new token ends a break: what waited goes on.
update connection set token = %(token)s,
  state = case when %(token)s::int4 is null then 'broken' else 'ready' end,
  broken_since = case when %(token)s::int4 is null then coalesce(broken_since, %(now)s) end,
  broken_reason = case when %(token)s::int4 is null then 'disconnected' end,
  probe_at = null, emptying_since = null
where id = %(connection)s and workspace = %(workspace)s;

-- name: mark_broken
-- Not if the token was exchanged since the request left: the answer speaks of the old one.
update connection set state = 'broken', broken_since = %(now)s, broken_reason = %(reason)s,
  probe_at = %(probe_at)s
where id = %(connection)s and state = 'ready' and token = %(token)s;

-- name: mark_ready
update connection set state = 'ready', broken_since = null, broken_reason = null, probe_at = null
where id = %(connection)s and state = 'broken' and token = %(token)s;

-- name: claim_probes
with due as materialized (
  select id from connection
  where state = 'broken' and token is not null and probe_at <= %(now)s
  order by probe_at limit %(limit)s for update skip locked
)
update connection set probe_at = %(next_at)s
from due, app where connection.id = due.id and app.id = connection.app
returning connection.id, workspace, connection.app, app.partner, token;

-- name: note_refused_probe
update connection set probe_refused_at = %(now)s, probe_code = %(code)s,
  probe_request_ref = %(partner_request_ref)s
where id = %(connection)s and state = 'broken';

-- name: ensure_ad_account
insert into ad_account (workspace, connection, partner_ref, name)
select workspace, id, %(partner_ref)s, %(name)s
from connection where id = %(connection)s and workspace = %(workspace)s
on conflict (connection, partner_ref) do update set name = excluded.name
returning id;

-- name: list_ad_accounts
select id, workspace, connection, partner_ref, name, paused_until, pause_reason, chosen, reached,
  status, business_ref, denied, looked_at
from ad_account where connection = %(connection)s and workspace = %(workspace)s
order by name, id;

-- name: read_ad_account
select id, workspace, connection, partner_ref, name, paused_until, pause_reason, chosen, reached,
  status, business_ref, denied, looked_at
from ad_account where id = %(ad_account)s and workspace = %(workspace)s;

-- name: pause_ad_account
update ad_account set paused_until = %(until)s, pause_reason = %(reason)s
where id = %(ad_account)s and %(until)s > %(now)s
  and (paused_until is null or paused_until < %(until)s);

-- name: note_connected
update connection set granted = coalesce(%(granted)s, granted), person = %(person)s,
  connected_at = %(now)s, connected_by = %(by)s
where id = %(connection)s;

-- name: accept_terms
update connection set terms_accepted_at = %(now)s, terms_accepted_by = %(by)s
where id = %(connection)s and workspace = %(workspace)s and terms_accepted_at is null;

-- name: begin_emptying
update connection set emptying_since = coalesce(emptying_since, %(now)s)
where id = %(connection)s and workspace = %(workspace)s and state = 'ready';

-- name: count_pending
-- By Canvas that runs or rests: who waits at an audience of the connection.
select version.canvas, sum(arrival.pending)::bigint
from arrival
join audience on audience.id = arrival.audience
join ad_account on ad_account.id = audience.ad_account
join canvas_version version on version.id = arrival.version
where ad_account.connection = %(connection)s and arrival.pending > 0
group by version.canvas;

-- name: list_audiences
select audience.id, audience.name
from audience join ad_account on ad_account.id = audience.ad_account
where ad_account.connection = %(connection)s and audience.workspace = %(workspace)s
order by audience.id;

-- name: set_transport
-- Audiences that are made from now on; those that are there keep theirs.
update connection
set transport = %(transport)s, streaming_since = null, streaming_asked_at = %(now)s
where id = %(connection)s and workspace = %(workspace)s and transport <> %(transport)s;

-- name: claim_streaming_asks
-- Connections by files: once a day each, is their app allowlisted by now?
with due as materialized (
  select id from connection
  where transport = 'files' and state = 'ready' and streaming_since is null
    and (streaming_asked_at is null or streaming_asked_at <= %(before)s)
  order by id limit %(limit)s for update skip locked
)
update connection set streaming_asked_at = %(now)s
from due, app
where connection.id = due.id and app.id = connection.app
returning connection.id, connection.workspace, connection.app, app.partner, connection.token,
  (select partner_ref from ad_account
   where ad_account.connection = connection.id and chosen order by ad_account.id limit 1);

-- name: note_streaming
update connection set streaming_since = %(now)s
where id = %(connection)s and transport = 'files' and streaming_since is null;
