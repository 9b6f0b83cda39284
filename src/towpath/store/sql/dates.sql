-- Dates: what people's attributes say of time, in groups. Groups are packed numbers in no order
-- (store/number_sets.py).

-- name: read_zones
select time_zone, string_agg(int4send(number), '') from profile
where number = any(%(members)b) and gone_at is null group by time_zone;

-- name: read_dates
-- `held` stands for the date as text, as free attributes hold times (people/filter.py). What lies
-- far ahead is grouped by day, what is long over is one group, and all else goes by the minute.
with held as (
  select number, time_zone, :held as text from profile
  where number = any(%(members)b) and gone_at is null
), keyed as (
  select number, time_zone, length(text) = 10 as bare,
    (rtrim(text, 'Z') || substr(%(filling)s, length(rtrim(text, 'Z')) + 1)) collate "C" as key
  from held where text ~ %(pattern)s
)
select
  case when key < %(over)s then '' when key >= %(far)s then substr(key, 1, 10)
    else substr(key, 1, 16) end,
  key >= %(far)s, bare, key >= %(over)s and substr(key, 17) > ':00.000000',
  case when key >= %(over)s and key < %(far)s then time_zone end,
  string_agg(int4send(number), '')
from keyed group by 1, 2, 3, 4, 5;
