-- The whole state, row by row, for the simulator's checkers; and a clean start for its next run.
-- Small databases only: nothing here is bounded.

-- name: wipe
-- Deleting keeps the files; truncating would make new ones, and costs three times as much. As a
-- replica nobody asks in which order, nor whether a table may be emptied at all.
do $$
declare one regclass;
begin
  set local session_replication_role = replica;
  for one in
    select oid from pg_class
    where relkind in ('r', 'p') and not relispartition
      and relnamespace = current_schema()::regnamespace and relname <> 'schema_version'
  loop
    execute format('delete from %s', one);
  end loop;
end $$;
select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
from pg_sequences where schemaname = current_schema()

-- name: skip_numbers
-- The next profile gets this number.
select setval(pg_get_serial_sequence('profile', 'number'), %s, false)

-- name: read_keys
select k.profile, p.gone_at is null, k.email, k.phone
from match_key k join profile p on p.number = k.profile
order by k.profile

-- name: read_erasures
select id, confirmed_at from erasure order by id

-- name: read_stray_look
select min(look_at) from stray_audience

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
select id, canvas, version, step, lane, members, due_at, lease_until, hand from wave order by id

-- name: read_taken
select version, step, lane, members from taken where moved order by id

-- name: read_new_entries
select id, canvas, version, lane, entered_at, members from entry where id > %s order by id

-- name: read_entry_keys
select profile, canvas, key, entered_at from entry_key

-- name: read_canvases
select id, state from canvas order by id

-- name: read_versions
select id, canvas, redirects from canvas_version order by id

-- name: read_tallies
select version, step, entered, advanced, synced, not_synced, pending, errored, exited from tally
order by version, step

-- name: read_edges
select version, step, edge, people from edge_tally order by version, step, edge

-- name: dump
-- Every table that a run fills, as text: not sealed secrets (their nonce is drawn at random), and
-- not what only people at a terminal or a browser fill.
select 'ad_account', array_agg(t::text order by t::text) from ad_account t
union all select 'alias', array_agg(t::text order by t::text) from alias t
union all select 'api_entry', array_agg(t::text order by t::text) from api_entry t
union all select 'app', array_agg(t::text order by t::text) from app t
union all select 'arrival', array_agg(t::text order by t::text) from arrival t
union all select 'audience', array_agg(t::text order by t::text) from audience t
union all select 'canvas', array_agg(t::text order by t::text) from canvas t
union all select 'canvas_version', array_agg(t::text order by t::text) from canvas_version t
union all select 'connection', array_agg(t::text order by t::text) from connection t
union all select 'conversion', array_agg(t::text order by t::text) from conversion t
union all select 'converted', array_agg(t::text order by t::text) from converted t
union all select 'device', array_agg(t::text order by t::text) from device t
union all select 'edge_tally', array_agg(t::text order by t::text) from edge_tally t
union all select 'entry', array_agg(t::text order by t::text) from entry t
union all select 'entry_context', array_agg(t::text order by t::text) from entry_context t
union all select 'entry_fold', array_agg(t::text order by t::text) from entry_fold t
union all select 'entry_head', array_agg(t::text order by t::text) from entry_head t
union all select 'entry_key', array_agg(t::text order by t::text) from entry_key t
union all select 'event', array_agg(t::text order by t::text) from event t
union all select 'event_name', array_agg(t::text order by t::text) from event_name t
union all select 'event_seen', array_agg(t::text order by t::text) from event_seen t
union all select 'exit_set', array_agg(t::text order by t::text) from exit_set t
union all select 'intake', array_agg(t::text order by t::text) from intake t
union all select 'ledger_mark', array_agg(t::text order by t::text) from ledger_mark t
union all select 'ledger_shard', array_agg(t::text order by t::text) from ledger_shard t
union all select 'look', array_agg(t::text order by t::text) from look t
union all select 'match_key', array_agg(t::text order by t::text) from match_key t
union all select 'outcome', array_agg(t::text order by t::text) from outcome t
union all select 'permit', array_agg(t::text order by t::text) from permit t
union all select 'profile', array_agg(t::text order by t::text) from profile t
union all select 'pulse', array_agg(t::text order by t::text) from pulse t
union all select 'request', array_agg(t::text order by t::text) from request t
union all select 'resend', array_agg(t::text order by t::text) from resend t
union all select 'segment', array_agg(t::text order by t::text) from segment t
union all select 'shared_key', array_agg(t::text order by t::text) from shared_key t
union all select 'stray', array_agg(t::text order by t::text) from stray t
union all select 'stray_audience', array_agg(t::text order by t::text) from stray_audience t
union all select 'taken', array_agg(t::text order by t::text) from taken t
union all select 'tally', array_agg(t::text order by t::text) from tally t
union all select 'watch', array_agg(t::text order by t::text) from watch t
union all select 'wave', array_agg(t::text order by t::text) from wave t
union all select 'webhook_failure', array_agg(t::text order by t::text) from webhook_failure t
union all select 'withheld', array_agg(t::text order by t::text) from withheld t
union all select 'workspace', array_agg(t::text order by t::text) from workspace t
-- Branches are read in parallel, so their order is anybody's.
order by 1

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
