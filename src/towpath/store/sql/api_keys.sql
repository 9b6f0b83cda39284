-- Keys that open the API: only their digests.

-- name: insert_api_key
insert into api_key (workspace, name, digest, hint, scopes, created_at)
values (%(workspace)s, %(name)s, %(digest)s, %(hint)s, %(scopes)s, %(now)s)
returning id, name, hint, scopes, created_at, used_at, revoked_at;

-- name: list_api_keys
select id, name, hint, scopes, created_at, used_at, revoked_at
from api_key where workspace = %(workspace)s and id > %(after)s
order by id limit %(limit)s;

-- name: revoke_api_key
-- Again changes nothing: the first time stays.
update api_key set revoked_at = coalesce(revoked_at, %(now)s)
where workspace = %(workspace)s and id = %(key)s
returning id, name, hint, scopes, created_at, used_at, revoked_at;

-- name: find_holder
-- Unknown and revoked keys are the same work: one look-up by digest.
select id, workspace, name, digest, scopes, used_at, revoked_at
from api_key where digest = %(digest)s;

-- name: note_used
update api_key set used_at = %(now)s
where id = %(key)s and (used_at is null or used_at < %(before)s);
