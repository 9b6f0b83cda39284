-- name: claim_waves
-- The oldest due wave that nobody holds, and others that stand with it; a pause holds them all.
with head as (
  select w.version, w.step, w.lane from wave w join canvas c on c.id = w.canvas
  where w.due_at <= %(now)s and (w.lease_until is null or w.lease_until <= %(now)s)
    and c.state in ('running', 'stopped')
  order by w.due_at, w.id limit 1 for update of w skip locked
), mine as (
  select w.id from wave w join head h
    on w.version = h.version and w.step = h.step and w.lane = h.lane
  where w.due_at <= %(now)s and (w.lease_until is null or w.lease_until <= %(now)s)
  order by w.due_at, w.id limit %(most)s for update of w skip locked
)
update wave set lease_until = %(lease_until)s, fence = fence + 1
from mine, canvas c where wave.id = mine.id and c.id = wave.canvas
returning wave.id, wave.workspace, wave.canvas, wave.version, wave.step, wave.lane, wave.members,
  wave.fence, c.state = 'stopped';

-- name: hold_waves
-- Lock the claimed waves for good, if the claim still stands; whoever was slower finds fewer, and
-- so does who meant to move people of a Canvas that was paused or stopped meanwhile.
select w.id from wave w
join unnest(%(ids)s::bigint[], %(fences)s::bigint[]) as mine(id, fence)
  on w.id = mine.id and w.fence = mine.fence
join canvas c on c.id = w.canvas
where c.state = case when %(stopped)s then 'stopped' else 'running' end
order by w.id for update of w;

-- name: move_waves
-- Undivided waves go to their next step in place.
update wave set step = %(step)s, arrived_at = %(now)s, due_at = %(due_at)s, lease_until = null
where id = any(%(ids)s);

-- name: end_waves
delete from wave where id = any(%s);

-- name: read_mergeable
-- A small wave at the same place and time that nobody holds.
select id, members, people from wave
where version = %s and step = %s and lane = %s and due_at = %s and lease_until is null
  and people <= %s
order by id limit 1 for update skip locked;

-- name: grow_wave
update wave set members = %b, people = %s where id = %s;

-- name: write_wave
insert into wave
  (workspace, canvas, version, step, lane, members, people, arrived_at, due_at)
values (%s, %s, %s, %s, %s, %b, %s, %s, %s);

-- name: read_inside
-- Who is in a Canvas now, by lane.
select lane, members from wave where canvas = %s order by lane, id;

-- name: count_waves
-- Waves that still move: of running Canvases.
select count(*), coalesce(sum(w.people), 0)::bigint from wave w join canvas c on c.id = w.canvas
where c.state = 'running';

-- name: next_due
select min(w.due_at) from wave w join canvas c on c.id = w.canvas
where c.state in ('running', 'stopped');

-- name: standing
-- How many stand at each step of a version.
select step, sum(people)::bigint from wave where version = %s group by step order by step;

-- name: read_overdue
-- Waves of a paused Canvas that would have moved before now.
select id, version, step, lane, members from wave
where canvas = %s and due_at <= %s order by id for update;
