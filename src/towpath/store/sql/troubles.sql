-- What keeps an audience's people from being sent.

-- name: read_troubles
-- Of each audience the widest trouble first: its connection, app, ad account, newest refusal.
with way as (
  select audience.id as audience, ad_account.paused_until as account_until,
    ad_account.pause_reason as account_reason, connection.state, connection.broken_reason,
    connection.broken_since, connection.probe_request_ref, app.paused_until as app_until,
    app.pause_reason as app_reason
  from audience
  join ad_account on ad_account.id = audience.ad_account
  join connection on connection.id = ad_account.connection
  join app on app.id = connection.app
  where audience.id = any(%(audiences)s)
), found as (
  select audience, 'connection' as scope, coalesce(broken_reason, 'no token') as reason,
    broken_since as since, null::timestamptz as until, probe_request_ref as partner_request_ref,
    1 as width
  from way where state = 'broken'
  union all
  select audience, 'app', coalesce(app_reason, ''), null, app_until, null, 2
  from way where app_until > %(now)s
  union all
  select audience, 'ad account', coalesce(account_reason, ''), null, account_until, null, 3
  from way where account_until > %(now)s
  union all
  (select distinct on (request.audience) request.audience, 'request',
    coalesce(cause, request.state) || case when code is null then '' else ' (' || code || ')' end,
    answered_at, retry_at, partner_request_ref, 4
  from request join way on way.audience = request.audience
  where retry_at is not null and request.state in ('refused', 'unknown')
    and cause is distinct from 'busy' -- an update takes its time
  order by request.audience, answered_at desc, request.id desc)
)
select audience, scope, reason, since, until, partner_request_ref from found
order by audience, width;
