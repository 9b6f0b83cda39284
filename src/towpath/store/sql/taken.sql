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
returning members;

-- name: read_moved
select members from taken where version = %s and step = %s and lane = %s and moved;

-- name: read_best
select branch, members from taken
where version = %s and step = %s and lane = %s and not moved order by id;

-- name: lock
select id, members from taken where version = %s and step = %s and lane = %s order by id for update;

-- name: rewrite
update taken set members = %b, people = %s where id = %s;

-- name: delete
delete from taken where id = %s;
