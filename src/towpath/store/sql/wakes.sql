-- name: wake
-- Heard when the transaction commits; many in one transaction are heard once.
notify towpath_walk;

-- name: listen
listen towpath_walk;

-- name: read_next_due
-- The next moment at which time alone gives the walk something to do.
select least(
  (select due_at from wave where hand = 'advance' and due_at > %(now)s and not resting
    order by due_at limit 1),
  (select enter_at from canvas_version where enter_at > %(now)s order by enter_at limit 1)
);
