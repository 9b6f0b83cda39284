-- name: tune_batch
-- For this transaction. Big tables are only ever reached by their indexes; the temporary tables
-- have no statistics, and the planner would rather read gigabytes for each batch.
select set_config('enable_seqscan', 'off', true), set_config('work_mem', '64MB', true)

-- name: tune_merging
-- Every join is from a batch to a big table, a row at a time.
select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)

-- name: create_staged
-- People handed in, as they came; null: leave as it is. Emptied at each commit.
create temp table if not exists staged (
  place int not null,
  number int,
  external_id text,
  email text,
  email_key bytea,
  phone text,
  phone_key bytea,
  idfa text,
  idfa_allowed boolean,
  gaid text,
  gaid_allowed boolean,
  tracking_allowed boolean,
  country text,
  language text,
  first_name text,
  last_name text,
  time_zone text,
  birth_date date,
  attributes jsonb,
  removed jsonb, -- names of attributes and own columns that go
  consent smallint,
  consent_source text,
  consent_at timestamptz
) on commit delete rows

-- name: find_known
-- Is anybody of the batch stored? The array is looked up in one walk over the index.
select 1 from profile
where workspace = %(workspace)s
  and external_id = any((select array_agg(external_id) from staged)::text[])
limit 1

-- name: draw_numbers
select min(number)::int, max(number)::int
from (select nextval('profile_number_seq') as number from generate_series(1, %b)) drawn

-- name: insert_staged
-- People of whom nobody is stored, in the batch's order.
insert into profile (
  number, workspace, external_id, email, phone, country, language, first_name, last_name,
  time_zone, birth_date, attributes, consent, consent_source, consent_at, created_at, updated_at
)
overriding system value
select
  %(first)s + place, %(workspace)s, external_id, email, phone, country, language, first_name,
  last_name, time_zone, birth_date,
  coalesce(
    case when removed is null then attributes
      else attributes - array(select jsonb_array_elements_text(removed)) end,
    '{}'
  ),
  coalesce(consent, 0),
  case when consent is not null then consent_source end,
  case when consent is not null then coalesce(consent_at, %(now)s) end,
  %(now)s, %(now)s
from staged

-- name: create_merged
-- The same people with what is stored of them: as they shall stand. `old_*`: their keys before.
create temp table if not exists merged (
  place int not null,
  number int not null,
  known boolean not null,
  changed boolean not null,
  keyed boolean not null,
  external_id text,
  email text,
  phone text,
  country text,
  language text,
  first_name text,
  last_name text,
  time_zone text,
  birth_date date,
  attributes jsonb not null,
  consent smallint not null,
  consent_source text,
  consent_at timestamptz,
  email_key bytea,
  phone_key bytea,
  old_email bytea,
  old_phone bytea,
  old_idfa bytea,
  old_gaid bytea,
  idfa text,
  idfa_allowed boolean,
  gaid text,
  gaid_allowed boolean,
  tracking_allowed boolean
) on commit delete rows

-- name: copy_staged
copy staged from stdin

-- name: merge_staged
-- Numbers are drawn for new people only, in the order of the rows: they stay dense. A hash that
-- came alone keeps the clear value it belongs to and drops any other. A consent said earlier than
-- the stored one is left out; at the same moment the greater (withdrawn) holds.
-- A column named in `removed` goes, unless a value comes with it.
insert into merged
select
  s.place,
  coalesce(p.number, nextval('profile_number_seq')::int),
  p.number is not null,
  p.number is not null and row(
    n.email, n.phone, n.country, n.language, n.first_name, n.last_name, n.time_zone, n.birth_date,
    n.attributes, n.consent, n.consent_source, n.consent_at
  ) is distinct from row(
    p.email, p.phone, p.country, p.language, p.first_name, p.last_name, p.time_zone, p.birth_date,
    p.attributes, p.consent, p.consent_source, p.consent_at
  ),
  k.profile is not null,
  s.external_id,
  n.email, n.phone, n.country, n.language, n.first_name, n.last_name, n.time_zone, n.birth_date,
  n.attributes, n.consent, n.consent_source, n.consent_at,
  coalesce(s.email_key, case when (s.removed ? 'email') is not true then k.email end),
  coalesce(s.phone_key, case when (s.removed ? 'phone') is not true then k.phone end),
  k.email, k.phone, k.idfa, k.gaid,
  s.idfa, s.idfa_allowed, s.gaid, s.gaid_allowed, s.tracking_allowed
from staged s
left join lateral (
  select q.number from profile q
  where q.number = s.number and q.workspace = %(workspace)s and q.gone_at is null
  union all
  select q.number from profile q
  where s.number is null and q.workspace = %(workspace)s and q.external_id = s.external_id
  offset 0 -- or the planner would try every profile of the workspace
) found on true
left join profile p on p.number = found.number
left join match_key k on k.profile = p.number
cross join lateral (
  select s.consent is not null
    and (row(s.consent_at, s.consent) >= row(p.consent_at, p.consent)) is not false as spoken
) c
cross join lateral (
  select
    case
      when s.email_key is null then
        case when (s.removed ? 'email') is not true then p.email end
      when s.email is not null then s.email
      when s.email_key = k.email then p.email
    end as email,
    case
      when s.phone_key is null then
        case when (s.removed ? 'phone') is not true then p.phone end
      when s.phone is not null then s.phone
      when s.phone_key = k.phone then p.phone
    end as phone,
    coalesce(s.country, case when (s.removed ? 'country') is not true then p.country end)
      as country,
    coalesce(s.language, case when (s.removed ? 'language') is not true then p.language end)
      as language,
    coalesce(s.first_name, case when (s.removed ? 'first_name') is not true then p.first_name end)
      as first_name,
    coalesce(s.last_name, case when (s.removed ? 'last_name') is not true then p.last_name end)
      as last_name,
    coalesce(s.time_zone, case when (s.removed ? 'time_zone') is not true then p.time_zone end)
      as time_zone,
    coalesce(s.birth_date, case when (s.removed ? 'birth_date') is not true then p.birth_date end)
      as birth_date,
    case
      when s.removed is not null then
        (coalesce(p.attributes, '{}') || coalesce(s.attributes, '{}'))
        - array(select jsonb_array_elements_text(s.removed))
      when s.attributes is null then coalesce(p.attributes, '{}')
      else coalesce(p.attributes || s.attributes, s.attributes)
    end as attributes,
    case when c.spoken then s.consent else coalesce(p.consent, 0) end as consent,
    case
      when not c.spoken then p.consent_source
      when s.consent_source is not null then s.consent_source
      when s.consent = p.consent then p.consent_source
    end as consent_source,
    case
      when not c.spoken then p.consent_at
      when s.consent_at is not null then s.consent_at
      when s.consent = p.consent
        and coalesce(s.consent_source, p.consent_source) is not distinct from p.consent_source
        then coalesce(p.consent_at, %(now)s)
      else %(now)s
    end as consent_at
) n
where s.number is null or p.number is not null
order by s.place

-- name: insert_new
insert into profile (
  number, workspace, external_id, email, phone, country, language, first_name, last_name,
  time_zone, birth_date, attributes, consent, consent_source, consent_at, created_at, updated_at
)
overriding system value
select
  number, %(workspace)s, external_id, email, phone, country, language, first_name, last_name,
  time_zone, birth_date, attributes, consent, consent_source, consent_at, %(now)s, %(now)s
from merged
where not known

-- name: update_changed
update profile p
set
  email = m.email, phone = m.phone, country = m.country, language = m.language,
  first_name = m.first_name, last_name = m.last_name, time_zone = m.time_zone,
  birth_date = m.birth_date,
  attributes = m.attributes, consent = m.consent, consent_source = m.consent_source,
  consent_at = m.consent_at, updated_at = %(now)s
from merged m
where m.changed and p.number = m.number

-- name: read_numbers
-- Both aggregates take the rows in one pass: the nth place belongs to the nth number.
select string_agg(int4send(place), ''), string_agg(int4send(number), '') from merged

-- name: read_consents
-- Whoever is gone is in none of the sets.
select consent, string_agg(int4send(number), '') from profile
where number = any(%b) and gone_at is null
group by consent

-- name: read_countries
select external_id, country from profile
where workspace = %b and external_id = any(%b) and country is not null and gone_at is null
