-- What is ill: connections, ad accounts and audiences that cannot be sent to.

-- name: list_ills
-- An ad account or an audience is judged by its newest answer that tells of it, since one that is
-- tried again is neither refused nor mended yet; and by the partner's lists where they are newer.
with mine as (
  select audience.id, audience.name, audience.ad_account, ad_account.connection,
    audience.transport = 'files' as by_files,
    -- A list is made as the connection sends now, which says nothing of another transport.
    listing.fits or audience.transport <> connection.transport as fits,
    listing.expires_at, refresh.refreshed_at
  from audience
  join ad_account on ad_account.id = audience.ad_account
  join connection on connection.id = ad_account.connection
  left join audience_listing listing on listing.ad_account = audience.ad_account
    and listing.partner_ref = audience.partner_ref
  left join audience_refresh refresh on refresh.ad_account = audience.ad_account
  where audience.workspace = %(workspace)s and audience.deleted_at is null
), told as (
  select mine.id as audience, mine.ad_account, about.audience_too, answer.*
  from mine
  cross join (values (0::smallint), (1::smallint)) as way (action)
  cross join (values (true), (false)) as about (audience_too)
  cross join lateral (
    select action, state, cause, code, message, partner_request_ref, answered_at, started_at
    from request
    where request.audience = mine.id and request.action = way.action
      and answered_at is not null and (state = 'applied' or cause = 'audience'
        or (not about.audience_too and cause in ('permission', 'ad account')))
    order by started_at desc limit 1
  ) as answer
), of_audience as (
  select distinct on (audience) * from told where audience_too
  order by audience, answered_at desc, started_at desc
), of_ad_account as (
  select distinct on (ad_account) * from told where not audience_too
  order by ad_account, answered_at desc, started_at desc
), found as (
  select 'connection' as subject, connection.id as number, connection.name,
    connection.id as connection, null::int as ad_account,
    coalesce(connection.broken_reason, 'no token') as cause, answer.code, answer.message,
    coalesce(probe_request_ref, answer.partner_request_ref) as partner_request_ref,
    connection.broken_since as since, null::timestamptz as until, 1 as width
  from connection
  left join lateral (
    select code, message, partner_request_ref
    from request join mine on mine.id = request.audience
    where mine.connection = connection.id and cause = 'connection'
      and started_at >= connection.broken_since - interval '1 hour'
    order by started_at desc limit 1
  ) as answer on true
  where connection.workspace = %(workspace)s and connection.state = 'broken'
  union all
  select 'connection', connection.id, connection.name, connection.id, null, app.pause_reason,
    null, null, null, null, app.paused_until, 2
  from connection join app on app.id = connection.app
  where connection.workspace = %(workspace)s and app.paused_until > %(now)s
  union all
  select 'ad account', ad_account.id, ad_account.name, ad_account.connection, ad_account.id,
    of_ad_account.cause, code, message, partner_request_ref, (
      select min(answered_at) from request
      where request.audience = of_ad_account.audience and request.action = of_ad_account.action
        and request.cause = of_ad_account.cause and started_at > coalesce((
          select started_at from request
          where request.audience = of_ad_account.audience
            and request.action = of_ad_account.action and request.state = 'applied'
          order by started_at desc limit 1), '-infinity')
    ), paused_until, 1
  from of_ad_account join ad_account on ad_account.id = of_ad_account.ad_account
  where of_ad_account.cause in ('permission', 'ad account')
  union all
  select 'ad account', ad_account.id, ad_account.name, ad_account.connection, ad_account.id,
    case when status <> 'enabled' then 'ad account' when not reached then 'not reached'
      else 'role' end,
    null, coalesce(denied, status), null, looked_at, null, 2
  from ad_account left join of_ad_account on of_ad_account.ad_account = ad_account.id
  where ad_account.workspace = %(workspace)s and chosen
    and (status <> 'enabled' or not reached or denied is not null)
    and (answered_at is null or answered_at < looked_at)
  union all
  select 'ad account', id, name, connection, id, pause_reason, null, null, null, null,
    paused_until, 3
  from ad_account where workspace = %(workspace)s and paused_until > %(now)s
    and pause_reason like 'throttled%%'
  union all
  select 'audience', mine.id, mine.name, mine.connection, mine.ad_account,
    case when not fits then 'not streaming' when expires_at <= %(now)s then 'expired'
      else 'audience' end,
    code, message, partner_request_ref, case when code is null or code = 0 then refreshed_at else (
      select min(answered_at) from request
      where request.audience = mine.id and request.action = of_audience.action
        and request.cause = 'audience' and started_at > coalesce((
          select started_at from request
          where request.audience = mine.id and request.action = of_audience.action
            and request.state = 'applied'
          order by started_at desc limit 1), '-infinity')
    ) end, null, 1
  from mine left join of_audience on of_audience.audience = mine.id
  where of_audience.cause = 'audience' or (
    (not fits or expires_at <= %(now)s)
    and (answered_at is null or answered_at < greatest(refreshed_at, expires_at)))
  union all
  -- A file is worked on for 48 hours at most: who is busy for longer is so for good.
  select 'audience', mine.id, mine.name, mine.connection, mine.ad_account, 'stuck', newest.code,
    newest.message, newest.partner_request_ref, accepted.answered_at + interval '48 hours', null, 2
  from mine
  cross join lateral (
    select cause, code, message, partner_request_ref from request
    where request.audience = mine.id and state <> 'in flight' order by id desc limit 1
  ) newest
  cross join lateral (
    select answered_at from request
    where request.audience = mine.id and state in ('applied', 'unknown') order by id desc limit 1
  ) accepted
  where mine.by_files and newest.cause = 'busy'
    and accepted.answered_at < %(now)s - interval '49 hours'
)
select distinct on (subject, number) subject, number, name, connection, ad_account, cause, code,
  message, partner_request_ref, since, until
from found order by subject, number, width;

-- name: list_users
-- Which running or paused Canvases, segment syncs too, have a step at which audience.
select distinct step.value::int as audience, canvas.id, canvas.name, canvas.kind
from canvas
join canvas_version version on version.canvas = canvas.id
cross join lateral jsonb_each_text(version.graph->'audiences') as step
where canvas.workspace = %(workspace)s and canvas.state in ('running', 'paused')
order by audience, canvas.name;

-- name: list_places
select audience.id, ad_account.id, ad_account.connection
from audience join ad_account on ad_account.id = audience.ad_account
where audience.workspace = %(workspace)s;

-- name: list_stale
-- By running Canvas that keeps people waiting: since when the first of them does. Files are late by
-- nature, and say when the next one leaves.
select canvas.id, canvas.name, min(arrival.arrived_at)
from arrival
join canvas_version version on version.id = arrival.version
join canvas on canvas.id = version.canvas
join audience on audience.id = arrival.audience and audience.transport = 'streaming'
where arrival.workspace = %(workspace)s and arrival.pending > 0 and canvas.state = 'running'
group by canvas.id
having min(arrival.arrived_at) < %(before)s;

-- name: write_sample
-- The counters of every Canvas that may still count, as they are now.
insert into tally_sample (canvas, at, synced, errored)
select version.canvas, %(at)s, sum(synced), sum(errored)
from tally
join canvas_version version on version.id = tally.version
join canvas on canvas.id = version.canvas
where canvas.state in ('running', 'paused')
group by version.canvas
on conflict (canvas, at) do nothing;

-- name: forget_samples
delete from tally_sample where at < %(before)s;

-- name: list_failing
-- What became of people since the oldest sample: who was given up, and who was synced.
select canvas.id, canvas.name, newest.errored - oldest.errored as errored,
  newest.synced - oldest.synced as synced
from canvas
cross join lateral (
  select synced, errored from tally_sample where canvas = canvas.id order by at limit 1
) as oldest
cross join lateral (
  select sum(synced)::bigint as synced, sum(errored)::bigint as errored
  from tally join canvas_version version on version.id = tally.version
  where version.canvas = canvas.id
) as newest
where canvas.workspace = %(workspace)s and canvas.state in ('running', 'paused')
  and newest.errored - oldest.errored > 0;
