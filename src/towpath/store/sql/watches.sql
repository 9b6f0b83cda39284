-- What live Canvases wait for.

-- name: is_watching
select exists (select from watch where workspace = %s);

-- name: delete_watches
delete from watch where canvas = %s;

-- name: write_watches
insert into watch (workspace, canvas, kind, name)
select %(workspace)s, %(canvas)s, kind, name
from unnest(%(kinds)s::smallint[], %(names)s::text[]) mine(kind, name)
on conflict do nothing;
