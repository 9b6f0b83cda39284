-- What `towpath audit` reads. Every statement only looks, in one snapshot, and is streamed.

-- name: open_snapshot
-- Everything that follows is of one moment, whatever workers commit meanwhile.
set transaction isolation level repeatable read, read only;

-- name: read_arrival_sets
-- Of each table that packs people: the row's key, its audience, what the row says of the first set
-- (how many people, the lowest and the highest), the mask of its fields, then the sets.
select id::text, audience, null::int, low, high, fields, members, waiting, keyless
from arrival order by id;

-- name: read_outcome_sets
select id::text, audience, people, null::int, null::int, null::int, members
from outcome order by id;

-- name: read_request_sets
select id::text, audience, people, low, high, fields, members, sharing, omitted, found_keyless,
  coholders, changed, heirs
from request order by id;

-- name: read_resend_sets
select id::text, audience, null::int, null::int, null::int, null::int, members
from resend order by id;

-- name: read_mark_sets
select audience || '/' || seq, audience, null::int, null::int, null::int, null::int, members
from ledger_mark order by audience, seq;

-- name: read_shard_sets
select audience || '/' || field || '/' || block, audience, null::int, null::int, null::int,
  null::int, want, acked, maybe, parked, keyless
from ledger_shard order by audience, field, block;

-- name: read_entry_sets
select id::text, null::int, people, null::int, null::int, null::int, members
from entry order by id;

-- name: read_wave_sets
select id::text, null::int, people, null::int, null::int, null::int, members
from wave order by id;

-- name: read_exit_sets
select id::text, null::int, null::int, null::int, null::int, null::int, members
from exit_set order by id;

-- name: read_taken_sets
select id::text, null::int, people, null::int, null::int, null::int, members
from taken order by id;

-- name: read_conversion_sets
select id::text, null::int, people, null::int, null::int, null::int, members
from conversion order by id;

-- name: read_withheld_sets
select id::text, null::int, null::int, null::int, null::int, null::int, members
from withheld order by id;

-- name: read_converted_sets
select canvas || '/' || goal || '/' || control || '/' || block, null::int, null::int, null::int,
  null::int, null::int, members
from converted order by canvas, goal, control, block;

-- name: read_entry_fold_sets
select canvas || '/' || hour || '/' || block, null::int, null::int, null::int, null::int, null::int,
  members
from entry_fold order by canvas, hour, block;

-- name: read_arrivals
-- The arrivals of an audience, the newest first, each with its outcomes.
select a.id, a.action, a.fields, a.arrived_at, a.members, a.waiting, a.entered, a.synced,
  a.not_synced, a.pending, a.errored, o.ids, o.audiences, o.states, o.reasons, o.sets
from arrival a
left join lateral (
  select array_agg(id order by id) as ids, array_agg(audience order by id) as audiences,
    array_agg(state order by id) as states, array_agg(reason order by id) as reasons,
    array_agg(members order by id) as sets
  from outcome where arrival = a.id
) o on true
where a.audience = %s order by a.arrived_at desc, a.id desc;

-- name: read_applied_newest
select id, action, fields, members, answered_at from request
where audience = %s and state = 'applied' order by answered_at desc, id desc;

-- name: read_applied_oldest
select id, action, fields, members, answered_at from request
where audience = %s and state = 'applied' order by answered_at, id;

-- name: read_known_in
-- Who was counted as synced because an earlier request had added them, the oldest first.
select o.id, o.arrival, a.fields, o.members, o.at from outcome o join arrival a on a.id = o.arrival
where o.audience = %s and o.reason = 'known_in' order by o.at, o.id;

-- name: read_log_breaks
-- Where the log's numbers do not follow one another: the number before, and the number after.
with log as (
  select seq from arrival where audience = %(audience)s
  union all select seq from request where audience = %(audience)s and seq is not null
  union all select seq from resend where audience = %(audience)s and seq is not null
  union all select seq from ledger_mark where audience = %(audience)s
), pairs as (
  select coalesce(lag(seq) over (order by seq), 0) as before, seq as after from log
)
select before, after from pairs where after <> before + 1
order by after, before limit %(most)s;

-- name: read_log_end
-- How many rows the log has, its highest number, and every field that they speak of.
select count(*), coalesce(max(seq), 0), coalesce(bit_or(fields), 0)::int from (
  select seq, fields from arrival where audience = %(audience)s
  union all select seq, fields from request where audience = %(audience)s and seq is not null
  union all select seq, fields from resend where audience = %(audience)s and seq is not null
  union all select seq, fields from ledger_mark where audience = %(audience)s
) log;

-- name: read_shards
select field, block, want, acked, maybe, parked, keyless, due_in, due_out from ledger_shard
where audience = %s order by field, block;

-- name: read_waiting
select id, action, waiting from arrival where audience = %s and pending > 0 order by id;

-- name: read_request_states
-- Every request, with the tries of the one that it retries.
select r.id, r.audience, r.state, r.seq, r.answered_at, r.retry_at, r.window_end, r.lease_until,
  r.tries, r.parent, p.tries
from request r left join request p on p.id = r.parent order by r.id;

-- name: read_retried
select r.id, r.members, p.id, p.members from request r
join request p on p.id = r.parent and p.audience = r.audience and p.action = r.action
where r.audience = %s order by r.id;

-- name: read_in_flight
select id, members from request where audience = %s and state = 'in flight' order by id;

-- name: read_arrived
select id, action, members from arrival where audience = %s order by id;

-- name: read_unwanted
-- Who was deleted or merged, and old keys: a removal goes out without an arrival.
select audience || '/' || seq, members from ledger_mark
where audience = %s and kind in ('unwanted', 'stray') order by seq;

-- name: read_requested
select id, action, members from request where audience = %s order by id;

-- name: read_versions
select id, canvas, graph from canvas_version order by id;

-- name: read_canvases_with_waves
select distinct canvas from wave order by canvas;

-- name: read_waves
select id, version, step, lane, members from wave where canvas = %s order by lane, id;

-- name: read_taken
-- Who went on from a wave that still holds them, the moved, and who is held at a ranked step.
select id, version, step, lane, moved, members from taken where canvas = %s order by id;

-- name: read_exits
-- Who is to leave, and is not counted yet.
select id, lane, members from exit_set where canvas = %s order by id;

-- name: read_canvases_with_goals
select canvas from conversion union select canvas from converted union select canvas from withheld
order by canvas;

-- name: read_comers
-- Who entered, and who would have but is of the control group.
select 'entry', id::text, false, members from entry where canvas = %(canvas)s
union all select 'withheld', id::text, true, members from withheld where canvas = %(canvas)s;

-- name: count_held_back
select coalesce(sum(e.people), 0)::bigint
from edge_tally e join canvas_version v on v.id = e.version
where v.canvas = %s and e.step = '(entry)' and e.edge = 'refused: control group';

-- name: read_conversions
select id, goal, control, members from conversion where canvas = %s order by id;

-- name: read_converted
select canvas || '/' || goal || '/' || control || '/' || block, goal, control, members
from converted where canvas = %s order by goal, control, block;

-- name: read_entries
select id, version, lane, members from entry where canvas = %s order by id;

-- name: read_tallies
select version, step, entered, advanced, synced, not_synced, pending, errored, exited from tally;

-- name: read_edges
select version, step, edge, people from edge_tally;

-- name: sum_entries
select version, sum(people)::bigint from entry group by version;

-- name: sum_waves
-- Who stands at each step: who went on from a wave that still holds them does not.
select version, step, sum(people)::bigint from (
  select version, step, people from wave
  union all select version, step, -people from taken where moved
) stands group by version, step;

-- name: sum_arrivals
select version, step, sum(entered)::bigint, sum(synced)::bigint, sum(not_synced)::bigint,
  sum(pending)::bigint, sum(errored)::bigint
from arrival group by version, step;

-- name: read_arrival_places
-- Which audiences and actions the arrivals of a step name; its version knows one of each.
select distinct version, step, audience, action from arrival order by 1, 2, 3, 4;
