-- name: write_resend
insert into resend (audience, action, fields, members, due_at, request)
values (%s, %s, %s, %b, %s, %s);

-- name: read_due
-- Windows that ended: whom to send once more.
select id, action, fields, members from resend
where audience = %s and seq is null and due_at <= %s order by due_at, id for update;

-- name: read_later
select action, members from resend where audience = %s and seq is null and due_at > %s;

-- name: write_done
update resend set seq = %s, members = %b where id = %s;

-- name: read_due_audiences
select distinct audience from resend where seq is null and due_at <= %s;

-- name: next_due
select min(due_at) from resend where seq is null;

-- name: count_waiting
select count(*) from resend where seq is null;
