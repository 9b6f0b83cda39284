-- The sync log: requests as they were made and answered, newest first. Nothing is written here.

-- name: list_requests
select r.id, a.name, a.partner_ref, d.partner_ref, c.name, r.action, r.fields, r.people, r.tries,
  r.state, r.cause, r.code, r.message, r.partner_request_ref, r.started_at, r.answered_at,
  r.retry_at, r.parent, r.root, r.parts
from request r
join audience a on a.id = r.audience
join ad_account d on d.id = a.ad_account
join connection c on c.id = d.connection
where r.workspace = %(workspace)s and r.id < %(before)s
  and (cast(%(audiences)s as int[]) is null or r.audience = any(%(audiences)s))
  and (cast(%(state)s as text) is null or r.state = %(state)s)
  and (cast(%(action)s as smallint) is null or r.action = %(action)s)
  and (cast(%(code)s as int) is null or r.code = %(code)s)
  and (cast(%(since)s as timestamptz) is null or r.started_at >= %(since)s)
  and (cast(%(until)s as timestamptz) is null or r.started_at < %(until)s)
order by r.id desc limit %(limit)s;

-- name: list_line
-- A request's line of tries: all that come of one first request.
select r.id, a.name, a.partner_ref, d.partner_ref, c.name, r.action, r.fields, r.people, r.tries,
  r.state, r.cause, r.code, r.message, r.partner_request_ref, r.started_at, r.answered_at,
  r.retry_at, r.parent, r.root, r.parts
from request asked
join request r on r.id = coalesce(asked.root, asked.id) or r.root = coalesce(asked.root, asked.id)
join audience a on a.id = r.audience
join ad_account d on d.id = a.ad_account
join connection c on c.id = d.connection
where asked.id = %(request)s and asked.workspace = %(workspace)s
order by r.id limit %(limit)s;

-- name: read_members
select audience, action, started_at, members, low, high from request where id = %s;

-- name: find_audiences
select id from audience
where workspace = %(workspace)s and (partner_ref = %(named)s or name = %(named)s);

-- name: read_origins
-- Who came to a step for this action before the request began, near its people, newest first.
select c.id, c.name, c.kind, v.number, a.step, a.arrived_at, a.members
from arrival a
join canvas_version v on v.id = a.version
join canvas c on c.id = v.canvas
where a.audience = %(audience)s and a.action = %(action)s and a.arrived_at <= %(before)s
  and a.low <= %(high)s and a.high >= %(low)s
order by a.seq desc limit %(limit)s;

-- name: list_step_arrivals
-- Who waits no more and is in no outcome was synced by an answer.
select a.audience, a.action, a.step, a.arrived_at, a.members, a.waiting,
  array(select o.members from outcome o where o.arrival = a.id)
from arrival a
where a.version = any(%(versions)s) and a.arrived_at >= %(since)s and a.synced > 0
order by a.arrived_at desc limit %(limit)s;

-- name: list_applied
select audience, action, answered_at, members
from request
where audience = any(%(audiences)s) and started_at >= %(since)s and state = 'applied'
order by answered_at limit %(limit)s;
