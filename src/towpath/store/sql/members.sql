-- Members of the team, and which workspaces they work in, as what.

-- name: insert_member
insert into member (email, name, password, created_at)
values (%(email)s, %(name)s, %(password)s, %(now)s)
on conflict (email) do nothing
returning id, email, name, password;

-- name: find_member
select id, email, name, password from member where email = %(email)s;

-- name: read_member
select id, email, name, password from member where id = %(member)s;

-- name: set_password
update member set password = %(password)s where id = %(member)s;

-- name: join_workspace
insert into membership (member, workspace, role) values (%(member)s, %(workspace)s, %(role)s)
on conflict (member, workspace) do update set role = excluded.role;

-- name: list_memberships
select membership.workspace, workspace.name, role
from membership join workspace on workspace.id = membership.workspace
where member = %(member)s order by workspace.name;

-- name: list_members
select member.id, email, name, role, password is not null
from membership join member on member.id = membership.member
where membership.workspace = %(workspace)s order by email;
