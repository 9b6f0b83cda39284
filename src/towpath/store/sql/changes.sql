-- name: read_watched
select distinct name from watch where workspace = %b and kind = 2

-- name: append_merged
-- What the merged people are about to become, beside what still stands in `profile`. A person's own
-- columns have their own names, which no attribute bears.
insert into event (workspace, name, profile, at, received_at, properties)
select %(workspace)s, n.id, m.number, %(now)s, %(now)s,
  jsonb_build_object('value', c.value, 'was', c.was)
from merged m
left join profile p on m.known and p.number = m.number
cross join lateral (
  select
    m.attributes || jsonb_build_object(
      'email', m.email, 'phone', m.phone, 'country', m.country, 'language', m.language,
      'first_name', m.first_name, 'last_name', m.last_name, 'time_zone', m.time_zone,
      'birth_date', m.birth_date,
      'consent', (array['unknown', 'granted', 'withdrawn'])[m.consent + 1]
    ) as now,
    coalesce(p.attributes, '{}') || jsonb_build_object(
      'email', p.email, 'phone', p.phone, 'country', p.country, 'language', p.language,
      'first_name', p.first_name, 'last_name', p.last_name, 'time_zone', p.time_zone,
      'birth_date', p.birth_date,
      'consent', (array['unknown', 'granted', 'withdrawn'])[coalesce(p.consent, 0) + 1]
    ) as was
  offset 0
) person
join event_name n
  on n.workspace = %(workspace)s and n.kind = 2 and n.name = any(%(names)s)
cross join lateral (
  select
    coalesce(person.now -> n.name, 'null') as value,
    coalesce(person.was -> n.name, 'null') as was
) c
where (m.changed or not m.known) and c.value <> c.was
order by m.place
