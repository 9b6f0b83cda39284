-- Entries that were asked for by API.

-- name: write_api_entries
insert into api_entry (id, workspace, canvas, dispatch, profile, context, asked_at)
overriding system value
select nextval('event_id'), %(workspace)s, %(canvas)s, %(dispatch)s, profile, context::jsonb,
  %(now)s
from unnest(%(profiles)s::int[], %(contexts)s::text[]) mine(profile, context);

-- name: write_broadcast
insert into api_entry (id, workspace, canvas, dispatch, audience, asked_at)
overriding system value
values (nextval('event_id'), %(workspace)s, %(canvas)s, %(dispatch)s, %(audience)s, %(now)s);

-- name: read_last_of
select id from api_entry where workspace = %s order by id offset %s limit 1;

-- name: take_api_entries
-- The oldest, which are done once the transaction commits. Somebody who was absorbed while the
-- call was taken is whoever survived.
delete from api_entry e where id in (
  select id from api_entry
  where workspace = %(workspace)s and (%(last)s::bigint is null or id <= %(last)s)
  order by id limit %(most)s)
returning id, canvas,
  coalesce((select p.merged_into from profile p where p.number = e.profile), e.profile),
  context, audience, asked_at;
