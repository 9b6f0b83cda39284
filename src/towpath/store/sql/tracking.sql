-- Calls of /users/track: what they change of what is stored, and answers kept under a key.

-- name: read_stored
-- What these people have under these names, and where they are.
select p.number, p.country,
  (select jsonb_object_agg(a.key, a.value) from jsonb_each(p.attributes) a
    where a.key = any(%(names)s::text[]))::text
from profile p
where p.number = any(%(numbers)s::int[])

-- name: tune_attributes
-- For this transaction: the people are few beside those who are stored, and found by their numbers.
select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
  set_config('enable_mergejoin', 'off', true)

-- name: lay_attributes
-- Only who changes is written. The nth attributes belong to the nth number.
update profile p
set attributes = p.attributes || u.said, updated_at = %(now)s
from unnest(
  %(numbers)s::int[], array(select jsonb_array_elements(%(attributes)s::jsonb))
) u (number, said)
where p.number = u.number and p.workspace = %(workspace)s and p.gone_at is null
  and p.attributes || u.said <> p.attributes

-- name: forget_batch
-- The tables of `profiles.upsert` are emptied at each commit only; this lets it run twice in one
-- transaction.
truncate staged, merged, key_change

-- name: read_answers
select key, request_digest, status, answer from idempotent_answer
where workspace = %(workspace)s and route = %(route)s and key = any(%(keys)s::text[])
  and at > %(since)s

-- name: keep_answers
insert into idempotent_answer (workspace, route, key, request_digest, status, answer, at)
select %(workspace)s, %(route)s, u.key, u.digest, u.status, u.answer, %(now)s
from unnest(
  %(keys)s::text[], %(digests)s::bytea[], %(statuses)s::smallint[], %(answers)s::bytea[]
) u (key, digest, status, answer)
on conflict (workspace, route, key) do update
  set request_digest = excluded.request_digest, status = excluded.status,
      answer = excluded.answer, at = excluded.at
