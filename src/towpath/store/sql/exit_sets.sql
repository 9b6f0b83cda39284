-- Exit sets: people who are to leave a Canvas wherever they stand; a row a reason.

-- name: read_growing
-- The row of a reason, to be grown.
select id, members from exit_set where canvas = %s and lane = %s and reason = %s
order by id limit 1 for update;

-- name: grow
update exit_set set members = %b, at = greatest(at, %s) where id = %s;

-- name: rewrite
update exit_set set members = %b where id = %s;

-- name: write
insert into exit_set (canvas, lane, members, reason, at) values (%s, %s, %b, %s, %s);

-- name: read_lane
select id, reason, members from exit_set where canvas = %s and lane = %s order by id;

-- name: lock_lane
select id, members from exit_set where canvas = %s and lane = %s order by id for update;

-- name: read_lanes
select lane, members from exit_set
where canvas = %(canvas)s and (%(until)s::timestamptz is null or at <= %(until)s) order by id;

-- name: read_canvases
select distinct canvas from exit_set;

-- name: delete
delete from exit_set where id = %s;
