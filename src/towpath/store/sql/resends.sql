-- name: write_resend
insert into resend (audience, action, fields, members, due_at, request)
values (%s, %s, %s, %b, %s, %s);

-- name: find_due
select true from resend where audience = %s and seq is null and due_at <= %s limit 1;

-- name: read_waiting
select action, fields, members, due_at from resend
where audience = %s and seq is null order by due_at, id for update;

-- name: end_due
-- What came due together is written as its events; the single rows go.
delete from resend where audience = %s and seq is null and due_at <= %s;

-- name: write_came_due
insert into resend (audience, action, fields, members, due_at, seq) values (%s, %s, %s, %b, %s, %s);

-- name: read_due_audiences
select distinct audience from resend where seq is null and due_at <= %s;

-- name: next_due
select min(due_at) from resend where seq is null;

-- name: count_waiting
select count(*) from resend where seq is null;
