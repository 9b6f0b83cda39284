-- The audit trail: appended to, read, and never changed.

-- name: take_turns
select pg_advisory_xact_lock(7401003, %s);

-- name: read_newest
select number, digest from audit_trail where workspace = %s order by number desc limit 1;

-- name: append_entry
insert into audit_trail (workspace, number, at, actor, action, object, details, digest)
values (%(workspace)s, %(number)s, %(at)s, %(actor)s, %(action)s, %(object)s, %(details)s,
  %(digest)s);

-- name: list_entries
select number, at, actor, action, object, details, digest from audit_trail
where workspace = %(workspace)s and number > %(after)s
order by number limit %(limit)s;
