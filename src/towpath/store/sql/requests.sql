-- name: write_request
insert into request
  (workspace, audience, action, fields, members, people, sharing, coholders, omitted, low, high,
   worker, permit, started_at, lease_until, tries, parent, root, parts, state)
values (%s, %s, %s, %s, %b, %s, %b, %b, %b, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'in flight')
returning id;

-- name: read_in_flight
select action, members, coholders from request where audience = %s and state = 'in flight';

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
       lease_until, tries, root, parts, worker
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
select fields, members, omitted, window_end from request
where audience = %s and action = %s and window_end > %s and low <= %s and high >= %s;

-- name: read_expired
select id, audience from request where state = 'in flight' and lease_until <= %s
order by audience, id limit %s;

-- name: next_lease
select min(lease_until) from request where state = 'in flight';

-- name: any_part_applied
select exists (select from request where root = %s and state = 'applied');

-- name: read_attempts
-- Who was in an answered attempt of an action that began after a moment, the newest first. One that
-- was never sent, of cause 'none', is no attempt.
select id, code, partner_request_ref, members from request
where audience = %s and action = %s and started_at >= %s and state <> 'in flight'
  and cause is distinct from 'none' and low <= %s and high >= %s
order by answered_at desc, id desc;

-- name: stopped_behind
-- The newest failure since then that stopped everybody on the same way to the partner: the app, the
-- connection or the ad account. Whoever waited behind it was attempted (architecture 5, rule 8).
select r.id, r.code, r.partner_request_ref
from request r
join audience b on b.id = r.audience
join ad_account their_account on their_account.id = b.ad_account
join connection their_connection on their_connection.id = their_account.connection
join audience a on a.id = %(audience)s
join ad_account account on account.id = a.ad_account
join connection connection on connection.id = account.connection
where r.answered_at >= %(since)s and r.started_at >= %(since)s
  and r.state in ('refused', 'unknown')
  and (their_connection.app = connection.app and r.cause = any(%(app_causes)s)
    or their_connection.id = connection.id and r.cause = any(%(connection_causes)s)
    or their_account.id = account.id and r.cause = any(%(account_causes)s))
order by r.answered_at desc, r.id desc limit 1;

-- name: probe_refused_behind
select null::bigint, connection.probe_code, connection.probe_request_ref
from audience a
join ad_account account on account.id = a.ad_account
join connection connection on connection.id = account.connection
where a.id = %(audience)s and connection.state = 'broken'
  and connection.probe_refused_at >= %(since)s;

-- name: count_open
-- What still has to happen: requests in flight, requests to retry, windows not ended.
select count(*) filter (where state = 'in flight'), count(*) filter (where retry_at is not null),
  count(*) filter (where window_end > %s)
from request;
