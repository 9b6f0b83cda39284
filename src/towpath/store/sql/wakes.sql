-- name: wake
-- Heard when the transaction commits; many in one transaction are heard once.
notify towpath_walk;

-- name: listen
listen towpath_walk;
