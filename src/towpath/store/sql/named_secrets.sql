-- Secrets that webhooks use, by name.

-- name: write_named
insert into named_secret (workspace, name, secret) values (%(workspace)s, %(name)s, %(secret)s)
on conflict (workspace, name) do update set secret = excluded.secret;

-- name: lock_named
select secret from named_secret where workspace = %(workspace)s and name = %(name)s for update;

-- name: list_named
select name, secret from named_secret where workspace = %(workspace)s order by name;

-- name: delete_named
delete from named_secret where workspace = %(workspace)s and name = %(name)s returning secret;
