-- Conversions: who reached a goal, and who would have entered but is of the control group.

-- name: read_newest
select id, at, members from conversion
where version = %s and goal = %s and control = %s order by id desc limit 1 for update;

-- name: grow
update conversion set members = %b, people = %s, at = greatest(at, %s) where id = %s;

-- name: write
insert into conversion (canvas, version, goal, control, members, people, at)
values (%s, %s, %s, %s, %b, %s, %s);

-- name: read_converted
select block, members from converted
where canvas = %(canvas)s and goal = %(goal)s and control = %(control)s
  and block = any(%(blocks)b);

-- name: write_converted
insert into converted (canvas, goal, control, block, members)
values (%(canvas)s, %(goal)s, %(control)s, %(block)s, %(members)b)
on conflict (canvas, goal, control, block) do update set members = excluded.members;

-- name: read_goals
-- What people who enter again may reach once more.
select goal, block, members from converted
where canvas = %(canvas)s and control = %(control)s and block = any(%(blocks)b)
order by goal, block;

-- name: count
select goal, control, sum(people)::bigint from conversion where version = %s
group by goal, control order by goal, control;

-- name: withhold
insert into withheld (canvas, members, at) values (%s, %b, %s);

-- name: read_withheld
-- The newest first, a page at a time; the next is of those before the last row of this one.
select id, at, members from withheld
where canvas = %(canvas)s and at > %(since)s
  and (%(before)s::timestamptz is null or at <= %(before)s and (at, id) < (%(before)s, %(last)s))
order by at desc, id desc limit %(most)s;
