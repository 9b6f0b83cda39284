-- Continuous segment syncs: a Canvas of its own kind, and how its segment stood at the last look.

-- name: insert_canvas
insert into canvas (workspace, name, kind, draft, state, created_at, changed_at)
values (%(workspace)s, %(name)s, 'segment sync', %(draft)s, 'running', %(now)s, %(now)s)
on conflict (workspace, name) do nothing
returning id;

-- name: insert_version
insert into canvas_version (workspace, canvas, number, graph, launched_at)
values (%(workspace)s, %(canvas)s, 1, %(graph)s, %(now)s)
returning id;

-- name: insert_sync
insert into segment_sync (canvas, workspace, version, plan, look_at)
values (%(canvas)s, %(workspace)s, %(version)s, %(plan)s, %(now)s);

-- name: list_page
select s.canvas, s.workspace, s.version, c.state, s.plan, s.look_at, s.looked_at, s.people,
  s.trouble, s.emptying, c.created_at
from segment_sync s join canvas c on c.id = s.canvas
where s.workspace = %(workspace)s and c.name > %(after)s
order by c.name limit %(limit)s;

-- name: read_sync
select s.canvas, s.workspace, s.version, c.state, s.plan, s.look_at, s.looked_at, s.people,
  s.trouble, s.emptying, c.created_at
from segment_sync s join canvas c on c.id = s.canvas
where s.workspace = %(workspace)s and s.canvas = %(canvas)s;

-- name: find_sync
select s.canvas, s.workspace, s.version, c.state, s.plan, s.look_at, s.looked_at, s.people,
  s.trouble, s.emptying, c.created_at
from segment_sync s join canvas c on c.id = s.canvas
where s.workspace = %(workspace)s and c.name = %(name)s;

-- name: find_due
select s.canvas from segment_sync s join canvas c on c.id = s.canvas
where c.state = 'running' and s.look_at <= %(now)s
order by s.look_at, s.canvas;

-- name: lock_due
-- One worker looks; the others pass over it.
select s.canvas, s.workspace, s.version, c.state, s.plan, s.look_at, s.looked_at, s.people,
  s.trouble, s.emptying, c.created_at
from segment_sync s join canvas c on c.id = s.canvas
where s.canvas = %(canvas)s and c.state = 'running' and s.look_at <= %(now)s
for update of s skip locked;

-- name: read_members
select members from segment_sync where canvas = %s;

-- name: write_look
update segment_sync set members = %b, people = %s, looked_at = %s, look_at = %s, trouble = null
where canvas = %s;

-- name: write_trouble
update segment_sync set trouble = %s, look_at = %s where canvas = %s;

-- name: empty_sync
update segment_sync set emptying = true, look_at = %(now)s where canvas = %(canvas)s;

-- name: end_sync
update canvas set state = 'stopped', changed_at = %(now)s where id = %(canvas)s;

-- name: next_look
select min(s.look_at) from segment_sync s join canvas c on c.id = s.canvas
where c.state = 'running';
