-- What is looked at once a minute.

-- name: begin_look
insert into look (workspace, name, looked_at) values (%(workspace)s, %(name)s, %(now)s)
on conflict do nothing returning true;

-- name: lock_look
select members from look
where workspace = %(workspace)s and name = %(name)s and looked_at <= %(before)s
for update skip locked;

-- name: write_look
update look set members = %b, looked_at = %s where workspace = %s and name = %s;

-- name: forget_looks
delete from look where workspace = %s and not name = any(%s);
