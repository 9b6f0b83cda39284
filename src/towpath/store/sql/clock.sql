-- name: read_clock
-- The one query that asks the time.
select clock_timestamp();
