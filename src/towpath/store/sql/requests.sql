-- name: write_request
insert into request
  (workspace, audience, action, fields, members, people, sharing, coholders, omitted, low, high,
   worker, permit, started_at, lease_until, tries, parent, root, parts, whole, state)
values (%s, %s, %s, %s, %b, %s, %b, %b, %b, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'in flight')
returning id;

-- name: read_in_flight
select action, members, heirs, coholders from request where audience = %s and state = 'in flight';

-- name: read_held
-- People who back off: nobody tries their action again before `retry_at`.
select action, members from request where audience = %s and retry_at > %s;

-- name: read_retries
-- Requests whose time to try again has come, oldest first.
select id, members, tries, root, parts, cause, code from request
where audience = %s and action = %s and retry_at <= %s order by id limit %s for update;

-- name: end_retries
update request set retry_at = null where id = any(%s);

-- name: next_retry
select min(retry_at) from request where audience = %s;

-- name: read_to_settle
-- Only requests still in flight: whose lease ran out was settled as unknown (rule 4).
select id, action, fields, members, people, sharing, coholders, omitted, permit, started_at,
       lease_until, tries, root, parts, worker, changed, heirs
from request where id = any(%s) and audience = %s and state = 'in flight'
order by id for update;

-- name: write_settled
update request set state = %s, answered_at = %s, seq = %s, found_keyless = %b, retry_at = %s,
  window_end = %s, cause = %s, code = %s, message = %s, partner_request_ref = %s
where id = %s;

-- name: log_late
-- A late answer changes nothing; it is kept for whoever reads the sync log.
update request set message = %s, partner_request_ref = %s where id = %s and state = 'unknown';

-- name: read_windows
-- Requests of an action that may still take effect after a moment.
select fields, members, heirs, omitted, window_end from request
where audience = %s and action = %s and window_end > %s
  and (low <= %s and high >= %s or heirs is not null);

-- name: read_expired
select id, audience from request where state = 'in flight' and lease_until <= %s
order by audience, id limit %s;

-- name: next_lease
select min(lease_until) from request where state = 'in flight';

-- name: size_after_halving
select max(r.people) from request r join request parent on parent.id = r.parent
where r.id = any(%s) and parent.cause = %s;

-- name: any_part_applied
select exists (select from request where root = %s and state = 'applied');

-- name: read_attempts
-- Who was in an answered attempt of an action that began after a moment, the newest first. One that
-- was never sent, of cause 'none', is no attempt.
select id, code, partner_request_ref, started_at, members from request
where audience = %s and action = %s and started_at >= %s and state <> 'in flight'
  and cause is distinct from 'none' and low <= %s and high >= %s
order by started_at desc, id desc;

-- name: stopped_behind
-- The newest failure since then that stopped everybody on the same way to the partner: the app, the
-- connection or the ad account; or a refused probe of the connection. Whoever waited behind it was
-- attempted (architecture 5, rule 8).
with way as (
  select account.id as account, connection.id as connection, connection.app
  from audience a
  join ad_account account on account.id = a.ad_account
  join connection connection on connection.id = account.connection
  where a.id = %(audience)s
)
(select r.id, r.code, r.partner_request_ref, r.started_at
from way
join connection on connection.app = way.app
join ad_account account on account.connection = connection.id
join audience on audience.ad_account = account.id
join request r on r.audience = audience.id
where r.started_at >= %(since)s and r.state in ('refused', 'unknown')
  and (r.cause = any(%(app_causes)s)
    or connection.id = way.connection and r.cause = any(%(connection_causes)s)
    or account.id = way.account and r.cause = any(%(account_causes)s))
order by r.started_at desc, r.id desc limit 1)
union all
select null, connection.probe_code, connection.probe_request_ref, connection.probe_refused_at
from way join connection on connection.id = way.connection
where connection.state = 'broken' and connection.probe_refused_at >= %(since)s
order by started_at desc limit 1;

-- name: count_open
-- What still has to happen: requests in flight, requests to retry, windows not ended.
select count(*) filter (where state = 'in flight'), count(*) filter (where retry_at is not null),
  count(*) filter (where window_end > %s)
from request;
