-- Conversions: who reached a goal, and who would have entered but is of the control group.

-- name: read_newest
select id, at, members from conversion
where canvas = %s and version = %s and goal = %s and control = %s order by id desc limit 1
for update;

-- name: grow
update conversion set members = %b, people = %s, at = %s where id = %s;

-- name: write
insert into conversion (canvas, version, goal, control, members, people, at)
values (%s, %s, %s, %s, %b, %s, %s);

-- name: read_since
select at, members from conversion
where canvas = %s and goal = %s and control = %s and at > %s order by at desc, id desc;

-- name: count
select goal, control, sum(people)::bigint from conversion where version = %s
group by goal, control order by goal, control;

-- name: withhold
insert into withheld (canvas, members, at) values (%s, %b, %s);

-- name: read_withheld
select members from withheld where canvas = %s and at > %s;
