-- Answers kept under the caller's idempotency key.

-- name: lock_key
-- Who comes second with the same key waits here, and then finds the answer.
select pg_advisory_xact_lock(hashtextextended(%(name)s, %(workspace)s));

-- name: find_answer
select request_digest, status, answer from idempotent_answer
where workspace = %(workspace)s and route = %(route)s and key = %(key)s and at > %(since)s;

-- name: keep_answer
insert into idempotent_answer (workspace, route, key, request_digest, status, answer, at)
values (%(workspace)s, %(route)s, %(key)s, %(digest)s, %(status)s, %(answer)s, %(now)s)
on conflict (workspace, route, key) do update
  set request_digest = excluded.request_digest, status = excluded.status,
      answer = excluded.answer, at = excluded.at;

-- name: forget_answers
delete from idempotent_answer where ctid in (
  select ctid from idempotent_answer where at <= %(since)s limit %(limit)s
  for update skip locked
);
