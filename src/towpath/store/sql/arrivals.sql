-- name: write_arrival
insert into arrival
  (workspace, audience, version, step, action, fields, seq, arrived_at, deadline, members, keyless,
   waiting, low, high, entered, synced, not_synced, pending, errored)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %b, %b, %b, %s, %s, %s, %s, %s, %s, 0)
returning id;

-- name: read_open
-- Arrivals of whom some wait, and whose numbers lie in the range.
select id, action, fields, waiting, arrived_at, deadline, version, step from arrival
where audience = %s and pending > 0 and low <= %s and high >= %s order by id;

-- name: read_overdue
-- Audiences that have arrivals past their deadline.
select distinct audience from arrival where pending > 0 and deadline <= %s;

-- name: next_deadline
select min(deadline) from arrival where pending > 0;

-- name: oldest_waiting
select min(arrived_at) from arrival where audience = %s and pending > 0;

-- name: waiting_since
select coalesce(sum(pending), 0)::bigint from arrival
where audience = %s and action = %s and pending > 0 and arrived_at >= %s;

-- name: write_closed
update arrival set waiting = %b, pending = %s, synced = synced + %s,
  not_synced = not_synced + %s, errored = errored + %s
where id = %s;

-- name: write_outcome
insert into outcome
  (audience, arrival, state, reason, request, code, partner_request_ref, members, people, at)
values (%s, %s, %s, %s, %s, %s, %s, %b, %s, %s);

-- name: reasons_of_steps
-- Why people of a version's sync steps are not synced, errored, or synced at once.
select a.step, o.state, o.reason, sum(o.people)::bigint
from outcome o join arrival a on a.id = o.arrival
where a.version = %s group by a.step, o.state, o.reason order by 1, 2, 3;
