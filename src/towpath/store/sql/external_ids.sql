-- name: read_names
select number, external_id from profile where number = any(%s) and external_id is not null;

-- name: set_names
update profile p set external_id = g.external_id
from unnest(%s::int[], %s::text[]) g (number, external_id)
where p.number = g.number;
