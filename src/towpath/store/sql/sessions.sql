-- Sessions of browsers, and links that sign in once; of both only the digest.

-- name: insert_session
insert into session (digest, member, workspace, created_at, seen_at, expires_at)
values (%(digest)s, %(member)s, %(workspace)s, %(now)s, %(now)s, %(expires_at)s);

-- name: read_session
select session.digest, session.member, member.name, session.workspace, seen_at
from session join member on member.id = session.member
where digest = %(digest)s and expires_at > %(now)s and seen_at > %(idle_since)s;

-- name: note_seen
update session set seen_at = %(now)s where digest = %(digest)s and seen_at < %(now)s;

-- name: switch_session
update session set workspace = %(workspace)s where digest = %(digest)s;

-- name: delete_session
delete from session where digest = %(digest)s;

-- name: delete_other_sessions
delete from session where member = %(member)s and digest <> %(digest)s;

-- name: delete_ended_sessions
delete from session where expires_at <= %(now)s or seen_at <= %(idle_since)s;

-- name: insert_link
insert into sign_in_link (digest, member, expires_at)
values (%(digest)s, %(member)s, %(expires_at)s);

-- name: use_link
-- Whoever deletes it has used it: of two at once one finds nothing.
delete from sign_in_link where digest = %(digest)s returning member, expires_at;

-- name: link_stands
select exists (select from sign_in_link where digest = %(digest)s);

-- name: delete_ended_links
delete from sign_in_link where expires_at <= %(now)s;
