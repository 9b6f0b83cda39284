-- name: add
insert into tally
  (version, step, entered, advanced, synced, not_synced, pending, errored, exited)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (version, step) do update set
  entered = tally.entered + excluded.entered,
  advanced = tally.advanced + excluded.advanced,
  synced = tally.synced + excluded.synced,
  not_synced = tally.not_synced + excluded.not_synced,
  pending = tally.pending + excluded.pending,
  errored = tally.errored + excluded.errored,
  exited = tally.exited + excluded.exited;

-- name: add_edges
insert into edge_tally (version, step, edge, people) values (%s, %s, %s, %s)
on conflict (version, step, edge) do update set people = edge_tally.people + excluded.people;

-- name: read_tallies
select step, entered, advanced, synced, not_synced, pending, errored, exited from tally
where version = %s order by step;

-- name: read_edges
select step, edge, people from edge_tally where version = %s order by step, edge;
