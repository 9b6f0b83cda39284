-- Taken: what people did at a step that waits for it.

-- name: write
insert into taken (canvas, version, step, lane, branch, moved, members, people, at)
values (%s, %s, %s, %s, %s, %s, %b, %s, %s);

-- name: count_small
select count(*) from taken
where version = %s and step = %s and lane = %s and branch = %s and moved = %s and people < %s;

-- name: take_small
delete from taken
where version = %s and step = %s and lane = %s and branch = %s and moved = %s and people < %s
returning members, at;

-- name: read_moved
select members from taken where version = %s and step = %s and lane = %s and moved;

-- name: read_best
select branch, members from taken
where version = %s and step = %s and lane = %s and not moved order by id;

-- name: read_canvases
select distinct canvas from taken where moved and at <= %s;

-- name: read_ripe
-- All who were moved from a stand, once the first of them has been so for long.
select c.workspace, t.version, t.step, t.lane, t.members
from taken t join canvas c on c.id = t.canvas
where t.version in (select id from canvas_version where canvas = %(canvas)s) and t.moved
  and exists (
    select from taken old where old.version = t.version and old.step = t.step
      and old.lane = t.lane and old.moved and old.at <= %(until)s
  )
order by t.id;

-- name: lock
select id, members from taken where version = %s and step = %s and lane = %s order by id for update;

-- name: rewrite
update taken set members = %b, people = %s where id = %s;

-- name: delete
delete from taken where id = %s;
