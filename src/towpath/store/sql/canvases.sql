-- Canvases: the draft that people edit, and the frozen versions that they launched.

-- name: insert_canvas
insert into canvas (workspace, name, draft, created_at, changed_at)
values (%(workspace)s, %(name)s, %(draft)s, %(now)s, %(now)s)
on conflict (workspace, name) do nothing
returning id;

-- name: name_is_taken
select exists (
  select from canvas where workspace = %(workspace)s and name = %(name)s and id <> %(canvas)s
);

-- name: read_users
-- Where a Canvas is named: in segments, in drafts, in versions that hold or admit people.
select 'segment', segment.name from segment
where segment.workspace = %(workspace)s
  and jsonb_path_exists(segment.filter,
    '$.** ? (@.canvas == $name && (exists(@.entered) || exists(@.inside)))', %(named)s)
union
select 'Canvas', other.name from canvas other
where other.workspace = %(workspace)s and other.id <> %(canvas)s
  and jsonb_path_exists(other.draft,
    '$.*.** ? (@.canvas == $name && (exists(@.entered) || exists(@.inside)))', %(named)s)
union
select 'Canvas', other.name
from canvas other join canvas_version version on version.canvas = other.id
where other.workspace = %(workspace)s and other.id <> %(canvas)s
  and (other.state in ('running', 'paused')
    or exists (select from wave where wave.version = version.id))
  and jsonb_path_exists(version.graph,
    '$.*.** ? (@.canvas == $name && (exists(@.entered) || exists(@.inside)))', %(named)s)
order by 1, 2;

-- name: update_draft
update canvas set name = %(name)s, draft = %(draft)s, revision = revision + 1, changed_at = %(now)s
where workspace = %(workspace)s and id = %(canvas)s
returning revision;

-- name: read_canvas
select id, name, state, revision, draft, created_at, changed_at from canvas
where workspace = %(workspace)s and id = %(canvas)s and kind = 'canvas';

-- name: lock_canvas
-- Rows that refer to it may be written meanwhile: waves that move, people who enter.
select id, name, state, revision, draft, created_at, changed_at from canvas
where workspace = %(workspace)s and id = %(canvas)s for no key update;

-- name: find_canvas
select id, name, state, revision, draft, created_at, changed_at from canvas
where workspace = %(workspace)s and name = %(name)s and kind = 'canvas';

-- name: list_canvases
select id, name, state, revision, draft, created_at, changed_at from canvas
where workspace = %(workspace)s and kind = 'canvas' order by name, id;

-- name: list_page
select c.id, c.name, c.state, c.revision, v.number, coalesce(w.people, 0)::bigint, c.changed_at
from canvas c
left join lateral (
  select max(number) as number from canvas_version where canvas = c.id
) v on true
left join lateral (
  select sum(s.people) as people from canvas_version o join lateral (
    select people from wave where version = o.id
    union all select -people from taken where version = o.id and moved
  ) s on true where o.canvas = c.id
) w on true
where c.workspace = %(workspace)s and c.kind = 'canvas' and c.name > %(after)s
order by c.name limit %(limit)s;

-- name: set_state
-- Whoever runs and did not before is launched.
update canvas
set state = %(state)s, changed_at = %(now)s,
  live_since = case when state in ('draft', 'stopped') then %(now)s else live_since end
where id = %(canvas)s;

-- name: insert_version
insert into canvas_version (workspace, canvas, number, graph, launched_at, enter_at)
select %(workspace)s, %(canvas)s, coalesce(max(number), 0) + 1, %(graph)s, %(now)s, %(enter_at)s
from canvas_version where canvas = %(canvas)s
returning id;

-- name: read_version
select id, workspace, canvas, number, graph, launched_at, enter_at from canvas_version
where id = %(version)s;

-- name: read_numbered
select id, workspace, canvas, number, graph, launched_at, enter_at from canvas_version
where workspace = %(workspace)s and canvas = %(canvas)s and number = %(number)s;

-- name: list_versions
select id, workspace, canvas, number, graph, launched_at, enter_at from canvas_version
where workspace = %(workspace)s and canvas = %(canvas)s order by number;

-- name: versions_to_enter
-- Of running Canvases only: a pause keeps people at the door, a stop sends them home. In a
-- transaction each row is one worker's.
select v.id, v.workspace, v.canvas, v.number, v.graph, v.launched_at, v.enter_at
from canvas_version v join canvas c on c.id = v.canvas
where v.enter_at <= %(now)s and c.state = 'running'
order by v.enter_at, v.id
for no key update of v skip locked;

-- name: mark_entered
update canvas_version set enter_at = %(next_at)s where id = %(version)s and enter_at is not null
returning id;

-- name: forget_entry
-- Whoever had not entered when the Canvas stopped never will.
update canvas_version set enter_at = null where canvas = %(canvas)s and enter_at is not null;

-- name: waiting_to_enter
select exists (
  select from canvas_version v join canvas c on c.id = v.canvas
  where v.enter_at is not null and c.state = 'running');
