-- Segments: filters with a name.

-- name: insert_segment
insert into segment (workspace, name, filter, created_at, changed_at)
values (%(workspace)s, %(name)s, %(filter)s, %(now)s, %(now)s)
on conflict (workspace, name) do nothing
returning id, name, filter, revision, created_at, changed_at

-- name: lock_segment
select id, name, filter, revision, created_at, changed_at from segment
where workspace = %(workspace)s and id = %(segment)s for update

-- name: name_is_taken
select exists (
  select from segment where workspace = %(workspace)s and name = %(name)s and id <> %(segment)s
)

-- name: update_segment
update segment
set name = %(name)s, filter = %(filter)s, revision = revision + 1, changed_at = %(now)s
where id = %(segment)s
returning id, name, filter, revision, created_at, changed_at

-- name: read_segment
select id, name, filter, revision, created_at, changed_at from segment
where workspace = %(workspace)s and id = %(segment)s

-- name: find_segment
select id, name, filter, revision, created_at, changed_at from segment
where workspace = %(workspace)s and name = %(name)s

-- name: list_segments
select id, name, filter, revision, created_at, changed_at from segment
where workspace = %(workspace)s and name > %(after)s
order by name limit %(limit)s

-- name: delete_segment
delete from segment where id = %(segment)s

-- name: read_users
-- Where a segment is named: in other segments, in drafts, in versions that hold or admit people.
select 'segment', other.name from segment other
where other.workspace = %(workspace)s and other.name <> %(name)s
  and jsonb_path_exists(other.filter, '$.**.segment ? (@ == $name)', %(named)s)
union
select 'Canvas', canvas.name from canvas
where canvas.workspace = %(workspace)s
  and jsonb_path_exists(canvas.draft, '$.**.segment ? (@ == $name)', %(named)s)
union
select 'Canvas', canvas.name
from canvas join canvas_version version on version.canvas = canvas.id
where canvas.workspace = %(workspace)s
  and (canvas.state in ('running', 'paused')
    or exists (select from wave where wave.version = version.id))
  and jsonb_path_exists(version.graph, '$.**.segment ? (@ == $name)', %(named)s)
order by 1, 2
