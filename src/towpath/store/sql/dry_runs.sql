-- What a dry run must know beside the people. Nothing is written here.

-- name: read_answer_time
-- How long the newest answers took, in seconds.
select avg(extract(epoch from took.span))::float8 from (
  select answered_at - started_at as span from request
  where workspace = %(workspace)s and answered_at is not null and state = 'applied'
  order by id desc limit %(limit)s
) took;
