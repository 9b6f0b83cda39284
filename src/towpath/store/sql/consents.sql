-- Whom a workspace may send to partners: who granted consent, or of whom none is known where the
-- workspace says so, who did not opt out of sharing, and who is not known to be a minor there.
-- `day`: today. Where the workspace names purposes, consent to each of them is needed too, by the
-- attributes `consent.PURPOSE`; attributes are read only then.

-- name: read_sendable
select string_agg(int4send(p.number), '')
from profile p join workspace w on w.id = p.workspace
where p.number = any(%(numbers)b) and p.gone_at is null
  and (p.consent = 1 or (p.consent = 0 and w.unknown_consent_is_sent))
  and p.opt_out_sharing is not true
  and not (w.purposes <> '{}' and exists (
    select from unnest(w.purposes) as purpose
    cross join lateral (select p.attributes ->> ('consent.' || purpose) as said) told
    where said = 'withdrawn'
      or (said is distinct from 'granted' and not w.unknown_consent_is_sent)))
  and (p.birth_date > %(day)s - make_interval(years => w.age_min)) is not true

-- name: find_barred
-- Of the merged people, before they are written: who may not be sent any more.
select string_agg(int4send(p.number), '')
from merged m
join profile p on p.number = m.number
join workspace w on w.id = %(workspace)s
cross join lateral (
  select
    m.consent = 2 or (m.consent = 0 and not w.unknown_consent_is_sent)
      or ((m.attributes ->> 'opt_out_sharing') = 'true') is true
      or (w.purposes <> '{}' and exists (
        select from unnest(w.purposes) as purpose
        cross join lateral (select m.attributes ->> ('consent.' || purpose) as said) told
        where said = 'withdrawn'
          or (said is distinct from 'granted' and not w.unknown_consent_is_sent)))
      or (m.birth_date > %(day)s - make_interval(years => w.age_min)) is true as is,
    p.consent = 2 or (p.consent = 0 and not w.unknown_consent_is_sent)
      or p.opt_out_sharing is true
      or (w.purposes <> '{}' and exists (
        select from unnest(w.purposes) as purpose
        cross join lateral (select p.attributes ->> ('consent.' || purpose) as said) told
        where said = 'withdrawn'
          or (said is distinct from 'granted' and not w.unknown_consent_is_sent)))
      or (p.birth_date > %(day)s - make_interval(years => w.age_min)) is true as was
) barred
where m.known and m.changed and barred.is and not barred.was

-- name: read_barred
-- Everybody of the workspace who may not be sent.
select string_agg(int4send(p.number), '')
from profile p join workspace w on w.id = p.workspace
where p.workspace = %(workspace)s and p.gone_at is null
  and (
    p.consent = 2 or (p.consent = 0 and not w.unknown_consent_is_sent)
    or p.opt_out_sharing is true
    or (w.purposes <> '{}' and exists (
      select from unnest(w.purposes) as purpose
      cross join lateral (select p.attributes ->> ('consent.' || purpose) as said) told
      where said = 'withdrawn'
        or (said is distinct from 'granted' and not w.unknown_consent_is_sent)))
    or (p.birth_date > %(day)s - make_interval(years => w.age_min)) is true
  )

-- name: read_adding
-- Requests in flight that add some people near these numbers.
select id, members, changed from request
where audience in (select id from audience where workspace = %(workspace)s)
  and state = 'in flight' and action = 0 and low <= %(high)s and high >= %(low)s
order by id

-- name: write_left
update request set changed = %b where id = %s

-- name: read_left
-- Who of a request is not what they were when it was claimed; mostly nobody.
select workspace, changed from request where id = %s
