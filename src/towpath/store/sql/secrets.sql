-- Secrets, sealed before they come here. The id is taken first: the seal binds the value to it.

-- name: reserve_id
select nextval(pg_get_serial_sequence('secret', 'id'))::int4;

-- name: insert_secret
insert into secret (id, workspace, purpose, key_id, nonce, sealed, created_at)
overriding system value
values (%(id)s, %(workspace)s, %(purpose)s, %(key_id)s, %(nonce)b, %(sealed)b, %(now)s);

-- name: read_secret
select id, workspace, purpose, key_id, nonce, sealed from secret
where id = %(id)s and workspace = %(workspace)s;

-- name: lock_stale
select id, workspace, purpose, key_id, nonce, sealed from secret
where key_id <> %(current)s
order by id limit %(limit)s for update;

-- name: reseal_secret
update secret set key_id = %(key_id)s, nonce = %(nonce)b, sealed = %(sealed)b where id = %(id)s;

-- name: delete_secret
delete from secret where id = %(id)s and workspace = %(workspace)s;

-- name: list_key_ids
select distinct key_id from secret order by key_id;

-- name: count_stale
select count(*) from secret where key_id <> %(current)s;
