-- Consent pages that somebody was sent to.

-- name: insert_authorisation
insert into authorisation (digest, workspace, partner, name, holder, member, redirect_uri,
  expires_at)
values (%(digest)s, %(workspace)s, %(partner)s, %(name)s, %(holder)s, %(member)s, %(redirect_uri)s,
  %(expires_at)s);

-- name: read_authorisation
select workspace, partner, name, holder, member, redirect_uri, expires_at, used_at
from authorisation where digest = %(digest)s;

-- name: use_authorisation
-- Of two at once one updates nothing.
update authorisation set used_at = %(now)s
where digest = %(digest)s and used_at is null and expires_at > %(now)s;

-- name: delete_old_authorisations
delete from authorisation where expires_at <= %(before)s;
