-- Identities: the profile numbers behind what callers name people by.

-- name: resolve_external_ids
select external_id, number from profile
where workspace = %(workspace)s and external_id = any(%(keys)s::text[]) and gone_at is null

-- name: resolve_numbers
-- A profile that was merged into another is followed to where it went.
select p.number, coalesce(p.merged_into, p.number)
from profile p
where p.workspace = %(workspace)s and p.number = any(%(keys)s::int[])
  and (p.gone_at is null or p.merged_into is not null)

-- name: resolve_emails
-- Of several people with one e-mail the one whose profile changed last.
select distinct on (k.email) k.email, p.number
from unnest(%(keys)s::bytea[]) u (digest)
join match_key k on substr(k.email, 1, 8) = substr(u.digest, 1, 8) and k.email = u.digest
join profile p on p.number = k.profile
where p.workspace = %(workspace)s and p.gone_at is null
order by k.email, p.updated_at desc, p.number desc

-- name: resolve_phones
select distinct on (k.phone) k.phone, p.number
from unnest(%(keys)s::bytea[]) u (digest)
join match_key k on substr(k.phone, 1, 8) = substr(u.digest, 1, 8) and k.phone = u.digest
join profile p on p.number = k.profile
where p.workspace = %(workspace)s and p.gone_at is null
order by k.phone, p.updated_at desc, p.number desc
