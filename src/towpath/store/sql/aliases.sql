-- name: read_profiles
select a.label, a.name, a.profile
from unnest(%s::text[], %s::text[]) given (label, name)
join alias a on a.workspace = %s and a.label = given.label and a.name = given.name;

-- name: insert_missing
insert into alias (workspace, label, name, profile)
select %s, u.label, u.name, u.profile
from unnest(%s::text[], %s::text[], %s::int[]) u (label, name, profile)
on conflict do nothing;
