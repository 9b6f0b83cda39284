-- The whole state, row by row, for the simulator's checkers; and a clean start for its next run.
-- Small databases only: nothing here is bounded.

-- name: wipe
-- Deleting keeps the files; truncating would make new ones, and costs three times as much.
delete from resend;
delete from outcome;
delete from ledger_mark;
delete from ledger_shard;
delete from arrival;
delete from request;
delete from taken;
delete from conversion;
delete from converted;
delete from withheld;
delete from wave;
delete from webhook_failure;
delete from exit_set;
delete from entry_context;
delete from entry_key;
delete from entry_fold;
delete from entry_head;
delete from entry;
delete from api_entry;
delete from look;
delete from watch;
delete from intake;
delete from tally;
delete from edge_tally;
delete from canvas_version;
delete from canvas;
delete from audience;
delete from ad_account;
delete from connection;
delete from permit;
delete from app;
delete from named_secret;
delete from secret;
delete from event;
delete from event_seen;
delete from event_name;
delete from import_job;
delete from shared_key;
delete from match_key;
delete from alias;
delete from device;
delete from profile;
delete from segment;
delete from idempotent_answer;
delete from api_key;
delete from sign_in_attempt;
delete from sign_in_link;
delete from session;
delete from membership;
delete from member;
delete from pulse;
delete from workspace;
select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
from pg_sequences where schemaname = current_schema()

-- name: skip_numbers
-- The next profile gets this number.
select setval(pg_get_serial_sequence('profile', 'number'), %s, false)

-- name: read_new_arrivals
select id, audience, version, step, action, fields, seq, arrived_at, members, keyless from arrival
where id > %s order by id

-- name: read_counts
select id, waiting, deadline, entered, synced, not_synced, pending, errored from arrival order by id

-- name: read_new_outcomes
select id, arrival, state, reason, request, code, members, people, at from outcome
where id > %s order by id

-- name: count_outcomes
select count(*) from outcome

-- name: read_new_requests
select id, audience, action, fields, members, sharing, coholders, omitted, worker, permit,
  started_at, lease_until, tries, parent, root, parts
from request where id > %s order by id

-- name: read_answers
select id, state, answered_at, seq, found_keyless, retry_at, window_end, cause, code,
  partner_request_ref
from request order by id

-- name: read_heads
select id, created_here, fields, seq, folded_seq, log_rows, due_since, look_at,
  people_per_request_learned from audience
order by id

-- name: read_shard_counts
select audience, field, block, due_in, due_out from ledger_shard

-- name: read_waves
select id, canvas, version, step, lane, members from wave order by id

-- name: read_entries
select canvas, version, lane, entered_at, members from entry order by id

-- name: read_tallies
select version, step, entered, advanced, synced, not_synced, pending, errored, exited from tally
order by version, step

-- name: read_edges
select version, step, edge, people from edge_tally order by version, step, edge

-- name: dump
-- Every table that a run fills, as text, without the sealed token (its nonce is drawn at random).
select 'arrival', array_agg(t::text order by id) from arrival t
union all select 'outcome', array_agg(t::text order by id) from outcome t
union all select 'request', array_agg(t::text order by id) from request t
union all select 'resend', array_agg(t::text order by id) from resend t
union all select 'ledger_mark', array_agg(t::text order by audience, seq) from ledger_mark t
union all select 'ledger_shard', array_agg(t::text order by audience, field, block)
  from ledger_shard t
union all select 'audience', array_agg(t::text order by id) from audience t
union all select 'connection', array_agg(t::text order by id) from connection t
union all select 'ad_account', array_agg(t::text order by id) from ad_account t
union all select 'app', array_agg(t::text order by id) from app t
union all select 'permit', array_agg(t::text order by app, endpoint_class, number) from permit t
union all select 'canvas', array_agg(t::text order by id) from canvas t
union all select 'entry', array_agg(t::text order by id) from entry t
union all select 'wave', array_agg(t::text order by id) from wave t
union all select 'tally', array_agg(t::text order by version, step) from tally t
union all select 'edge_tally', array_agg(t::text order by version, step, edge) from edge_tally t
union all select 'pulse', array_agg(t::text order by service) from pulse t

-- name: forget_key
-- As if the person had never had the identifier: no request carried it.
update match_key set
  email = case when %(field)s <> 'email' then email end,
  phone = case when %(field)s <> 'phone' then phone end,
  idfa = case when %(field)s <> 'idfa' then idfa end,
  gaid = case when %(field)s <> 'gaid' then gaid end
where profile = %(profile)s

-- name: withdraw_consent
update profile set consent = 2 where number = %s
