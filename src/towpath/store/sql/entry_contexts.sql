-- name: write_contexts
-- A lane is free again once its entry has ended: whoever takes it next writes over.
insert into entry_context (canvas, lane, profile, key, context, entered_at)
select %(canvas)s, lane, profile, key, context::jsonb, %(now)s
from unnest(%(lanes)s::smallint[], %(profiles)s::int[], %(keys)s::text[], %(contexts)s::text[])
  mine(lane, profile, key, context)
on conflict (canvas, lane, profile) do update
set key = excluded.key, context = excluded.context, entered_at = excluded.entered_at;

-- name: read_contexts
-- What these people carry along in a lane.
select profile, context from entry_context
where canvas = %s and lane = %s and profile = any(%b);

-- name: read_lanes
-- The keys of these people's entries, by lane; whether an entry still lasts, the waves say.
select profile, lane, key from entry_context
where canvas = %s and key is not null and profile = any(%b);
