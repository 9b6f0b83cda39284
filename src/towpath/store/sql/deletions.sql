-- name: withdraw_consent
-- Of those who are there; gives who they were.
with gone as (
  update profile set consent = 2, consent_at = %(now)s
  where workspace = %(workspace)s and number = any(%(members)b) and gone_at is null
  returning number
)
select string_agg(int4send(number), '') from gone;
