-- The people door: the questions that are asked about people. Answers are packed numbers in no
-- order (store/number_sets.py).
-- `filter` stands for the condition that `store/filter_sql.py` writes.

-- name: read_matching
select string_agg(int4send(profile.number), '')
from profile left join match_key on match_key.profile = profile.number
where profile.workspace = %(workspace)s and profile.gone_at is null
  and profile.number >= %(low)s and profile.number < %(high)s
  and (:filter)

-- name: read_matching_of
select string_agg(int4send(profile.number), '')
from profile left join match_key on match_key.profile = profile.number
where profile.workspace = %(workspace)s and profile.gone_at is null
  and profile.number = any(%(members)b)
  and (:filter)

-- name: read_highest_number
-- Walks the primary key from its end; -1 when the workspace has nobody.
select coalesce(max(number), -1) from profile where workspace = %(workspace)s
