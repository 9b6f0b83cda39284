-- Which ad accounts of a connection there are, which are chosen, and how they stand.

-- name: note_listed
-- Set-wise: all that the token reaches. New ones are chosen or not; known ones stay as they were.
insert into ad_account (workspace, connection, partner_ref, name, chosen, paused_until,
  pause_reason)
select connection.workspace, connection.id, ref, called, %(choose_new)s,
  case when not %(choose_new)s then %(never)s end,
  case when not %(choose_new)s then 'not chosen' end
from connection, unnest(%(refs)s::text[], %(names)s::text[]) as listed(ref, called)
where connection.id = %(connection)s and connection.workspace = %(workspace)s
on conflict (connection, partner_ref) do update set name = excluded.name, reached = true;

-- name: note_lost
update ad_account set reached = false
where connection = %(connection)s and reached and not (partner_ref = any(%(refs)s));

-- name: note_facts
update ad_account set status = facts.status, business_ref = facts.business_ref,
  denied = facts.denied, looked_at = %(now)s
from unnest(%(refs)s::text[], %(statuses)s::text[], %(businesses)s::text[], %(denials)s::text[])
  as facts(ref, status, business_ref, denied)
where connection = %(connection)s and partner_ref = facts.ref;

-- name: choose
-- What rests because it was not chosen goes on; other reasons to rest stay.
update ad_account set chosen = partner_ref = any(%(refs)s),
  paused_until = case when partner_ref = any(%(refs)s)
    then case when pause_reason = 'not chosen' then null else paused_until end
    else %(never)s end,
  pause_reason = case when partner_ref = any(%(refs)s)
    then case when pause_reason = 'not chosen' then null else pause_reason end
    else 'not chosen' end
where connection = %(connection)s and workspace = %(workspace)s
  and chosen <> (partner_ref = any(%(refs)s));
