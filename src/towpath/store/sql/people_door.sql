-- The people door: the questions that are asked about people. Answers are packed numbers in no
-- order (store/number_sets.py).
-- `joins` and `filter` stand for what `store/filter_sql.py` writes, `whom` for one of the scopes.

-- name: read_matching
select string_agg(int4send(profile.number), '')
from profile :joins
where profile.workspace = %(workspace)s and profile.gone_at is null and :whom
  and (:filter)

-- name: count_rules
-- How many are asked about, then how many of them each condition keeps.
select array[:counts]
from (
  select :rules from profile :joins
  where profile.workspace = %(workspace)s and profile.gone_at is null and :whom
  offset 0 -- each rule is looked at once
) asked

-- name: read_shown
-- Who some people are, for a look at a segment.
select number, external_id, first_name, last_name, email, country
from profile
where workspace = %(workspace)s and gone_at is null and number = any(%(members)s)
order by number

-- name: find_person
select number from profile
where workspace = %(workspace)s and external_id = %(external_id)s and gone_at is null

-- name: read_highest_number
-- Walks the primary key from its end; -1 when the workspace has nobody.
select coalesce(max(number), -1) from profile where workspace = %(workspace)s
