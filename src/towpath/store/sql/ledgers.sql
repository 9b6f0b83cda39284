-- name: lock_head
-- Claim, settle and fold lock this row first (after permits): one writer an audience.
select id, workspace, created_here, fields, seq, folded_seq, log_people, log_rows, log_since,
       due_since, look_at, people_per_request_learned, transport = 'files'
from audience where id = %s for update;

-- name: read_head
select id, workspace, created_here, fields, seq, folded_seq, log_people, log_rows, log_since,
       due_since, look_at, people_per_request_learned, transport = 'files'
from audience where id = %s;

-- name: write_head
update audience set fields = %s, seq = %s, folded_seq = %s, log_people = %s, log_rows = %s,
  log_since = %s, due_since = %s, look_at = %s, people_per_request_learned = %s
where id = %s;

-- name: read_shards
select block, field, want, acked, maybe, parked, keyless from ledger_shard
where audience = %s and block = any(%s) order by block, field;

-- name: read_all_shards
select field, want, acked, maybe, parked, keyless from ledger_shard
where audience = %s order by block, field;

-- name: read_work
-- Blocks where somebody is due: a claim opens only these.
select block, max(due_in), max(due_out) from ledger_shard
where audience = %s and (due_in > 0 or due_out > 0) group by block order by block;

-- name: list_blocks
select distinct block from ledger_shard where audience = %s;

-- name: write_shard
insert into ledger_shard
  (audience, field, block, want, acked, maybe, parked, keyless, due_in, due_out)
values (%s, %s, %s, %b, %b, %b, %b, %b, %s, %s)
on conflict (audience, field, block) do update set
  want = excluded.want, acked = excluded.acked, maybe = excluded.maybe,
  parked = excluded.parked, keyless = excluded.keyless,
  due_in = excluded.due_in, due_out = excluded.due_out;

-- name: write_known
-- Sets that are not named here stay where they lie.
update ledger_shard set acked = %b, maybe = %b, due_in = %s, due_out = %s
where audience = %s and field = %s and block = %s;

-- name: read_arrived
-- The log, one of four kinds: arrivals after the fold.
select seq, action, fields, members, keyless from arrival
where audience = %s and seq > %s and seq <= %s order by seq;

-- name: read_settled
select seq, action, fields, members, state, omitted, found_keyless, coholders, changed
from request
where audience = %s and seq > %s and seq <= %s order by seq;

-- name: read_resent
select seq, action, fields, members from resend
where audience = %s and seq > %s and seq <= %s order by seq;

-- name: read_marked
select seq, kind, fields, members from ledger_mark
where audience = %s and seq > %s and seq <= %s order by seq;

-- name: write_mark
insert into ledger_mark (audience, seq, kind, fields, members, at, cause)
values (%s, %s, %s, %s, %b, %s, %s);

-- name: audiences_to_look_at
-- Where the sender must look now, those waiting longest first; of several that were woken at one
-- moment, the one whose turn was longest ago.
select a.id from audience a where a.look_at <= %s
order by a.look_at, (select max(r.id) from request r where r.audience = a.id) nulls first, a.id
limit %s;

-- name: list_audiences
select id from audience order by id;

-- name: next_look
select min(look_at) from audience;

-- name: postpone
-- Nothing can be sent before then: do not look again until it may.
update audience set look_at = %s where id = %s and look_at is not null;

-- name: wake_connection
-- The connection may be used again: look now wherever somebody waits.
update audience a set look_at = least(a.look_at, %s)
from ad_account c where c.id = a.ad_account and c.connection = %s and a.look_at is not null;

-- name: read_aged
-- Ledgers whose log has waited since before a moment.
select id from audience where log_since <= %s order by id;
