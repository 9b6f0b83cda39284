-- Tries to sign in, of an account and of an address, so that guessing is slow in every process.

-- name: insert_attempts
insert into sign_in_attempt (subject, at)
select subject, %(now)s from unnest(%(subjects)s::bytea[]) as subject
returning id;

-- name: most_attempts
select max(count)::int from (
  select count(*) from sign_in_attempt
  where subject = any(%(subjects)s) and at > %(since)s group by subject
) as counted;

-- name: delete_attempts
delete from sign_in_attempt where id = any(%(ids)s);

-- name: delete_old_attempts
delete from sign_in_attempt where at <= %(since)s;
