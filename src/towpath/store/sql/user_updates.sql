-- name: forget_merged
delete from merged;

-- name: stage_updates
-- These people as they shall stand; only those who differ.
insert into merged (
  place, number, known, changed, keyed, email, phone, country, language, first_name, last_name,
  time_zone, birth_date, attributes, consent, consent_source, consent_at
)
select
  p.number, p.number, true, true, true, p.email, p.phone, n.country, n.language, n.first_name,
  n.last_name, n.time_zone, n.birth_date, n.attributes, p.consent, p.consent_source, p.consent_at
from profile p
cross join (
  select %(columns)s::jsonb as columns, %(free)s::jsonb as free, %(increment)s::jsonb as increment,
    %(added)s::jsonb as added, %(removed)s::jsonb as removed, %(unset)s::text[] as unset
) u
cross join lateral (
  -- Numbers: who has none begins at nought; who has something else keeps it, and so does who would
  -- have more digits than can be read.
  select coalesce(jsonb_object_agg(i.key, to_jsonb(i.total)), '{}') as numbers
  from (
    select key, case coalesce(jsonb_typeof(p.attributes -> key), 'null')
      when 'number' then (p.attributes ->> key)::numeric + (value #>> '{}')::numeric
      when 'null' then (value #>> '{}')::numeric
    end as total
    from jsonb_each(u.increment)
  ) i
  where abs(i.total) < %(number_max)s::numeric
) a
cross join lateral (
  -- Lists: what is added moves to the end, and what is removed goes; too long ones stay.
  select coalesce(jsonb_object_agg(l.key, kept.list || l.more), '{}') as lists
  from (
    select key, value as without, value as more from jsonb_each(u.added)
    union all select key, value, '[]'::jsonb from jsonb_each(u.removed)
  ) l
  cross join lateral (
    select coalesce(jsonb_agg(o.value order by o.place), '[]') as list
    from jsonb_array_elements(
      case jsonb_typeof(p.attributes -> l.key) when 'array' then p.attributes -> l.key else '[]' end
    ) with ordinality o (value, place)
    where not exists (select from jsonb_array_elements(l.without) w where w.value = o.value)
  ) kept
  where (jsonb_typeof(p.attributes -> l.key) = 'array'
      or l.more <> '[]' and coalesce(jsonb_typeof(p.attributes -> l.key), 'null') = 'null')
    and jsonb_array_length(kept.list || l.more) <= %(list_max)s
) b
cross join lateral (
  select
    case when u.columns ? 'country' then u.columns ->> 'country' else p.country end as country,
    case when u.columns ? 'language' then u.columns ->> 'language' else p.language end as language,
    case when u.columns ? 'first_name' then u.columns ->> 'first_name' else p.first_name end
      as first_name,
    case when u.columns ? 'last_name' then u.columns ->> 'last_name' else p.last_name end
      as last_name,
    case when u.columns ? 'time_zone' then u.columns ->> 'time_zone' else p.time_zone end
      as time_zone,
    case when not u.columns ? 'birth_date' then p.birth_date end as birth_date,
    -- Whoever would have too many keeps the names there were, with their new values.
    case
      when (select count(*) from jsonb_object_keys(w.attributes)) <= %(attributes_max)s
      then w.attributes
      else (select coalesce(jsonb_object_agg(k.key, k.value), '{}') from jsonb_each(w.attributes) k
        where p.attributes ? k.key)
    end as attributes
  from (select (p.attributes || u.free || a.numbers || b.lists) - u.unset as attributes offset 0) w
  offset 0
) n
where p.workspace = %(workspace)s and p.number = any(%(members)b) and p.gone_at is null
  and row(n.country, n.language, n.first_name, n.last_name, n.time_zone, n.birth_date, n.attributes)
    is distinct from
    row(p.country, p.language, p.first_name, p.last_name, p.time_zone, p.birth_date, p.attributes);
