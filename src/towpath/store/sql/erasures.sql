-- name: find_named
select string_agg(int4send(number), ''), count(*) from profile
where workspace = %s and external_id = any(%s) and gone_at is null

-- name: insert_erasure
insert into erasure (workspace, asked_by, asked_at, people, unknown, others, strays)
values (%s, %s, %s, %s, %s, 0, '{}')
returning id

-- name: read_newest_stray
select coalesce(max(id), 0) from stray where workspace = %s

-- name: write_strays
-- Those that this transaction made; nobody else makes any meanwhile.
update erasure set others = %(others)s, strays = (
  select coalesce(array_agg(id order by id), '{}') from stray
  where workspace = %(workspace)s and id > %(before)s
)
where id = %(erasure)s

-- name: read_erasure
select id, asked_by, asked_at, people, unknown, others, strays, confirmed_at, receipt
from erasure where workspace = %s and id = %s

-- name: list_erasures
select id, asked_by, asked_at, people, unknown, others, strays, confirmed_at, receipt
from erasure where workspace = %s and id > %s order by id limit %s

-- name: read_out
-- Open erasures whose people are out of every audience.
select e.workspace, e.id from erasure e
where e.confirmed_at is null
  and not exists (select from stray s where s.id = any(e.strays) and s.ended_at is null)
order by e.id limit 1

-- name: confirm
update erasure set confirmed_at = %s, receipt = %s where id = %s and confirmed_at is null

-- name: read_members
select s.members from stray s where s.id = any(%s) and s.reason = 'erased'
