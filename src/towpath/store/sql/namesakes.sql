-- name: read_by_email
select k.email, p.number, p.external_id is not null, p.updated_at
from unnest(%(keys)s::bytea[]) u (digest)
join match_key k on substr(k.email, 1, 8) = substr(u.digest, 1, 8) and k.email = u.digest
join profile p on p.number = k.profile
where p.workspace = %(workspace)s and p.gone_at is null;

-- name: read_by_phone
select k.phone, p.number, p.external_id is not null, p.updated_at
from unnest(%(keys)s::bytea[]) u (digest)
join match_key k on substr(k.phone, 1, 8) = substr(u.digest, 1, 8) and k.phone = u.digest
join profile p on p.number = k.profile
where p.workspace = %(workspace)s and p.gone_at is null;
