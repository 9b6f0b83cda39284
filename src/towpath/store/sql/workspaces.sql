-- name: find_workspace
select id, name, default_country, unknown_consent_is_sent, fields_allowed, age_min, purposes
from workspace where name = %b

-- name: read_workspace
select id, name, default_country, unknown_consent_is_sent, fields_allowed, age_min, purposes
from workspace where id = %b

-- name: list_workspaces
select id, name, default_country, unknown_consent_is_sent, fields_allowed, age_min, purposes
from workspace order by name

-- name: insert_workspace
insert into workspace (name, created_at) values (%b, %b) on conflict (name) do nothing

-- name: change_workspace
update workspace set default_country = %b, unknown_consent_is_sent = %b,
  fields_allowed = %b, age_min = %b, purposes = %b where id = %b

-- name: lock_workspace
-- Who writes people holds this to the end of the transaction; foreign keys are not hindered by it.
select id from workspace where id = %b for no key update

-- name: pass_gate
-- The first number is this file's own.
select pg_advisory_xact_lock_shared(7402, %s::int4)

-- name: close_gate
select pg_advisory_xact_lock(7402, %s::int4)
