-- name: try_turn
-- Imports of a workspace take turns, in the order in which they began; the first number is this
-- file's own.
select pg_try_advisory_lock(7401002, %b)

-- name: wait_turn
select pg_advisory_lock(7401002, %b)

-- name: end_turn
select pg_advisory_unlock(7401002, %b)

-- name: find_stopped
-- The same file, read in the same way, that was not read to its end.
select id, kind, file, bytes, state, chunks, counts, started_at, changed_at
from import_job
where workspace = %(workspace)s and kind = %(kind)s and digest = %(digest)s
  and asked = %(asked)s and state = 'running'
order by id desc limit 1

-- name: insert_job
insert into import_job (
  workspace, kind, file, digest, bytes, asked, state, started_at, changed_at
)
values (
  %(workspace)s, %(kind)s, %(file)s, %(digest)s, %(bytes)s, %(asked)s, 'running', %(now)s, %(now)s
)
returning id, kind, file, bytes, state, chunks, counts, started_at, changed_at

-- name: note_place
update import_job set chunks = %(chunks)s, counts = %(counts)s, changed_at = %(now)s
where id = %(id)s and state = 'running'

-- name: finish_job
update import_job set state = 'done', counts = %(counts)s, changed_at = %(now)s
where id = %(id)s and state = 'running'

-- name: cancel_job
update import_job set state = 'cancelled', changed_at = %(now)s
where id = %(id)s and workspace = %(workspace)s and state = 'running'

-- name: read_job
select id, kind, file, bytes, state, chunks, counts, started_at, changed_at
from import_job where id = %(id)s and workspace = %(workspace)s

-- name: list_jobs
select id, kind, file, bytes, state, chunks, counts, started_at, changed_at
from import_job where workspace = %(workspace)s order by id desc limit %(limit)s
