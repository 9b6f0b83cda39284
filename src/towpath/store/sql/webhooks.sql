-- Webhooks: who is to be called, and what became of it.

-- name: hold_wave
-- The claimed wave, if nobody has claimed it since; a pause does not undo a call that was made.
select version, members from wave where id = %s and fence = %s for update;

-- name: read_tries
select tries, tried_since, arrived_at from wave where id = %s;

-- name: shrink_wave
-- These are still to be called; anybody may.
update wave set members = %(members)b, people = %(people)s, lease_until = null where id = %(id)s;

-- name: keep_wave
-- Others left while it was claimed; the claim stands.
update wave set members = %(members)b, people = %(people)s where id = %(id)s;

-- name: write_retry
insert into wave (workspace, canvas, version, step, lane, members, people, arrived_at, due_at, hand,
  tries, tried_since)
values (%(workspace)s, %(canvas)s, %(version)s, %(step)s, %(lane)s, %(members)b, %(people)s,
  %(arrived_at)s, %(due_at)s, 'webhook', %(tries)s, %(since)s);

-- name: read_recipients
select number, external_id, email, phone, first_name, last_name, country, language, time_zone,
  birth_date::text, attributes
from profile where number = any(%b) order by number;

-- name: count_failures
insert into webhook_failure (version, step, reason, people, last_at)
values (%(version)s, %(step)s, %(reason)s, %(people)s, %(now)s)
on conflict (version, step, reason) do update
set people = webhook_failure.people + excluded.people, last_at = excluded.last_at;

-- name: read_failures
select step, reason, people from webhook_failure where version = %s order by step, reason;
