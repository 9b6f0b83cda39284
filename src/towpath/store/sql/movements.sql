-- What moves of a Canvas while people watch it.

-- name: read_movements
-- One statement, so one snapshot: the sums of the counters hold in it.
select c.state, c.revision,
  (select max(v.number) from canvas_version v where v.canvas = c.id),
  (select coalesce(jsonb_object_agg(step, counters), '{}') from (
    select t.step, jsonb_build_object(
      'entered', sum(t.entered), 'advanced', sum(t.advanced), 'synced', sum(t.synced),
      'not_synced', sum(t.not_synced), 'pending', sum(t.pending), 'errored', sum(t.errored),
      'exited', sum(t.exited)) as counters
    from tally t join canvas_version v on v.id = t.version where v.canvas = c.id group by t.step
  ) as by_step),
  (select coalesce(
      jsonb_agg(jsonb_build_object('step', step, 'edge', edge, 'people', people)), '[]')
  from (
    select e.step, e.edge, sum(e.people) as people
    from edge_tally e join canvas_version v on v.id = e.version where v.canvas = c.id
    group by e.step, e.edge order by e.step, e.edge
  ) as by_edge),
  (select coalesce(jsonb_object_agg(step, people), '{}') from (
    select w.step, sum(w.people) as people from canvas_version v cross join lateral (
      select step, people from wave where version = v.id
      union all select step, -people from taken where version = v.id and moved
    ) w where v.canvas = c.id group by w.step having sum(w.people) > 0
  ) as standing)
from canvas c where c.workspace = %(workspace)s and c.id = %(canvas)s;
