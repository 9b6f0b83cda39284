-- name: claim_waves
-- The oldest due wave that nobody holds, and others that stand with it; a pause holds them all.
-- Those that rest are not in the index; what was written since the pause began is walked over.
with head as (
  select w.version, w.step, w.lane from wave w join canvas c on c.id = w.canvas
  where w.hand = %(hand)s and w.due_at <= %(now)s and not w.resting
    and (w.lease_until is null or w.lease_until <= %(now)s)
    and c.state in ('running', 'stopped')
  order by w.due_at, w.id limit 1 for update of w skip locked
), mine as (
  select w.id from wave w join head h
    on w.version = h.version and w.step = h.step and w.lane = h.lane
  where w.hand = %(hand)s and w.due_at <= %(now)s
    and (w.lease_until is null or w.lease_until <= %(now)s)
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
update wave set step = %(step)s, arrived_at = %(now)s, due_at = %(due_at)s, hand = %(hand)s,
  lease_until = null
where id = any(%(ids)s);

-- name: rest_waves
-- A pause begins or ends. In the order in which workers lock waves, so that nobody is rolled back.
with mine as (
  select id from wave
  where version in (select id from canvas_version where canvas = %(canvas)s)
    and resting <> %(resting)s
  order by id for update
)
update wave set resting = %(resting)s from mine where wave.id = mine.id;

-- name: rest_late_waves
-- Waves that were written after their Canvas was paused, once they are due. The lock keeps a pause
-- from ending meanwhile, which would leave them at rest for ever.
with paused as (
  select id from canvas where state = 'paused' and id in (
    select canvas from wave
    where hand in ('advance', 'webhook') and due_at <= %(now)s and not resting
  ) for share skip locked
), late as (
  select w.id from wave w join paused on paused.id = w.canvas
  where w.hand in ('advance', 'webhook') and w.due_at <= %(now)s and not w.resting
  order by w.id for update of w skip locked
)
update wave set resting = true from late where wave.id = late.id;

-- name: end_waves
delete from wave where id = any(%s);

-- name: read_mergeable
-- A small wave at the same place and time that nobody holds.
select id, members, people from wave
where version = %s and step = %s and lane = %s and due_at = %s and lease_until is null
  and people <= %s
order by id limit 1 for update skip locked;

-- name: change_wave
-- Others are in it now: whoever claimed it before, or keeps its people in memory, shall know.
update wave set members = %b, people = %s, fence = fence + 1 where id = %s;

-- name: write_wave
insert into wave
  (workspace, canvas, version, step, lane, members, people, arrived_at, due_at, hand)
values (%s, %s, %s, %s, %s, %b, %s, %s, %s, %s);

-- name: read_inside
-- Who is in a Canvas now, by lane.
select lane, members from wave
where version in (select id from canvas_version where canvas = %s) order by lane, id;

-- name: count_waves
-- Waves that still move: of running Canvases. Who was taken from a wave stands elsewhere.
select (select count(*) from wave w join canvas c on c.id = w.canvas where c.state = 'running'),
  coalesce(sum(s.people), 0)::bigint
from (
  select canvas, people from wave union all select canvas, -people from taken where moved
) s join canvas c on c.id = s.canvas where c.state = 'running';

-- name: next_due
select min(w.due_at) from wave w join canvas c on c.id = w.canvas
where not w.resting and c.state in ('running', 'stopped');

-- name: standing
-- How many stand at each step of a version; who was taken from a wave stands elsewhere.
select step, sum(people)::bigint from (
  select step, people from wave where version = %(version)s
  union all select step, -people from taken where version = %(version)s and moved
) s group by step having sum(people) > 0 order by step;

-- name: read_overdue
-- Waves of a paused Canvas that would have moved before now.
select id, version, step, lane, members from wave
where version in (select id from canvas_version where canvas = %s) and due_at <= %s
order by id for update;

-- name: read_aside
-- Where the people of a step go that a newer version has not: is there a word about the step, what
-- does it say (null: out), and which version is the newest; was anybody taken from there; is
-- anybody to leave the Canvas.
select v.redirects ? %(step)s, v.redirects ->> %(step)s, (
    select n.id from canvas_version n where n.canvas = v.canvas order by n.number desc limit 1
  ),
  exists (
    select from taken t
    where t.version = v.id and t.step = %(step)s and t.lane = %(lane)s and t.moved
  ),
  exists (select from exit_set e where e.canvas = %(canvas)s and e.lane = %(lane)s)
from canvas_version v where v.id = %(version)s;

-- name: read_places
-- The waves at these steps of versions, the oldest arrival first, without their people; not where a
-- newer version leads them away: what the step waits for counts there no more.
select w.id, w.fence, w.people, w.arrived_at, w.workspace, w.canvas, w.version, w.step, w.lane
from wave w
join unnest(%(versions)s::int[], %(steps)s::text[]) as place(version, step)
  on w.version = place.version and w.step = place.step
join canvas_version v on v.id = w.version and not v.redirects ? w.step
order by w.arrived_at, w.id;

-- name: read_places_in
select id, fence, people, arrived_at, workspace, canvas, version, step, lane from wave
where version in (select id from canvas_version where canvas = %(canvas)s)
order by arrived_at, id;

-- name: read_members
select id, members from wave where id = any(%s);

-- name: share_waves
-- Nobody moves these waves until this transaction ends; who was quicker has moved them already, or
-- has changed who is in them.
select w.id, case when w.fence <> mine.fence then w.members end from wave w
join unnest(%(ids)s::bigint[], %(versions)s::int[], %(steps)s::text[], %(fences)s::bigint[])
  as mine(id, version, step, fence)
  on w.id = mine.id and w.version = mine.version and w.step = mine.step
order by w.id for share of w;

-- name: lock_idle
select id, members from wave
where id = any(%(ids)s) and version = %(version)s and step = %(step)s
  and (lease_until is null or lease_until <= %(now)s)
order by id for update skip locked;

-- name: read_gone
-- Whom the waves of a Canvas hold no more, though they are still in them.
select version, step, lane, members from taken where canvas = %s and moved;

-- name: read_live_versions
select v.id, v.canvas from canvas_version v join canvas c on c.id = v.canvas
where c.workspace = %s and c.state in ('running', 'paused') order by v.id;
