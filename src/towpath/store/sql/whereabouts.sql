-- Where one person is and how they came there: rows are found by the span of numbers, and their
-- sets asked. Nothing is written here.

-- name: read_person
select p.consent, p.consent_source, p.consent_at, p.opt_out_sharing is true, p.created_at,
  k.email is not null, k.phone is not null, k.idfa is not null, k.gaid is not null
from profile p left join match_key k on k.profile = p.number
where p.number = %s;

-- name: read_earlier
-- Numbers that were this person's before: of merged people, and of earlier keys.
select array_agg(number) from profile where merged_into = %s;

-- name: list_canvases
select c.id, c.name from canvas c join entry_head h on h.canvas = c.id
where c.workspace = %s order by c.name, c.id;

-- name: read_entries
select v.number, e.entered_at, e.members
from entry e join canvas_version v on v.id = e.version
where e.canvas = %(canvas)s order by e.id desc limit %(limit)s;

-- name: read_waves
select w.workspace, w.canvas, w.version, v.number, w.step, w.lane, w.arrived_at, w.due_at,
  w.resting, w.members
from wave w join canvas_version v on v.id = w.version
where w.version in (select id from canvas_version where canvas = %(canvas)s)
order by w.arrived_at, w.id limit %(limit)s;

-- name: list_audiences
-- Those that anybody ever came to; may the ledger know these numbers?
select a.id, a.name, a.partner_ref, d.partner_ref, a.deleted_at is not null,
  a.seq > a.folded_seq or exists (
    select from ledger_shard s where s.audience = a.id and s.block = any(%(blocks)s))
from audience a join ad_account d on d.id = a.ad_account
where a.workspace = %(workspace)s and a.seq > 0
order by a.name, a.id;

-- name: read_arrivals
select a.id, a.audience, a.action, a.arrived_at, c.id, c.name, c.kind, v.number, a.step,
  a.waiting, a.members
from arrival a
join canvas_version v on v.id = a.version
join canvas c on c.id = v.canvas
where a.audience = any(%(audiences)s) and a.low <= %(high)s and a.high >= %(low)s
order by a.id desc limit %(limit)s;

-- name: read_outcomes
select a.id, a.audience, a.action, a.arrived_at, c.id, c.name, c.kind, v.number, a.step,
  o.state, o.reason, o.request, o.code, o.partner_request_ref, o.at, o.members
from outcome o
join arrival a on a.id = o.arrival
join canvas_version v on v.id = a.version
join canvas c on c.id = v.canvas
where o.audience = any(%(audiences)s)
order by o.id desc limit %(limit)s;

-- name: read_requests
select id, audience, action, state, tries, code, partner_request_ref, started_at, answered_at,
  retry_at, members
from request
where audience = any(%(audiences)s) and low <= %(high)s and high >= %(low)s
order by id desc limit %(limit)s;
