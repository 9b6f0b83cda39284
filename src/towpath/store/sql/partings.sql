-- name: blank_profiles
-- The number stays, with consent (a key of theirs may still be blocked by it); nothing personal.
update profile set
  external_id = null, email = null, phone = null, country = null, language = null,
  first_name = null, last_name = null, birth_date = null, time_zone = null, attributes = '{}',
  consent_source = null, updated_at = %(now)s, gone_at = %(now)s
where number = any(%(members)b);

-- name: delete_aliases
delete from alias where profile = any(%(members)b);

-- name: delete_devices
delete from device where profile = any(%(members)b);

-- name: delete_events
-- By name, as the index begins: without it every day's index would be walked whole.
delete from event
where name = any(array(select id from event_name where workspace = %(workspace)s))
  and profile = any(%(members)b);

-- name: delete_contexts
delete from entry_context where profile = any(%(members)b);

-- name: delete_entry_keys
delete from entry_key where profile = any(%(members)b);

-- name: delete_api_entries
delete from api_entry where profile = any(%(members)b);

-- name: read_standing
select canvas, lane, members from wave where workspace = %s;
