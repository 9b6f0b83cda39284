-- Entries are a log; the fold answers re-entry without reading a row an entry.

-- name: write_entry
insert into entry (workspace, canvas, version, lane, entered_at, members, people)
values (%s, %s, %s, %s, %s, %b, %s);

-- name: read_entries
select entered_at, members from entry where version = %s order by id;

-- name: begin_head
-- Entries from before there were heads wait for the first fold.
insert into entry_head (canvas, log_rows, log_people)
select %(canvas)s, count(*), coalesce(sum(people), 0) from entry where canvas = %(canvas)s
on conflict (canvas) do nothing;

-- name: lock_head
select folded, log_rows, log_people from entry_head where canvas = %s for update;

-- name: read_folded_to
select coalesce((select folded from entry_head where canvas = %s), 0);

-- name: grow_head
update entry_head set log_rows = log_rows + %s, log_people = log_people + %s where canvas = %s;

-- name: read_log
select id, entered_at, members from entry where canvas = %s and id > %s order by id;

-- name: read_log_since
-- Not yet folded, or of the hour in which the window begins.
select members from entry
where canvas = %(canvas)s and entered_at > %(since)s
  and (id > %(folded)s or entered_at < %(hour_end)s);

-- name: read_fold
select members from entry_fold where canvas = %s and hour = %s and block = any(%b);

-- name: read_fold_since
select members from entry_fold where canvas = %s and hour > %s and block = any(%b);

-- name: read_ever
select members from entry_fold where canvas = %s and hour = 0;

-- name: read_fold_blocks
select hour, block, members from entry_fold
where canvas = %s and hour = any(%s) and block = any(%b);

-- name: write_fold
insert into entry_fold (canvas, hour, block, members) values (%s, %s, %s, %b)
on conflict (canvas, hour, block) do update set members = excluded.members;

-- name: forget_fold
-- No window of re-entry reaches so far back.
delete from entry_fold where canvas = %s and hour between 1 and %s;

-- name: mark_folded
update entry_head set folded = %s, log_rows = 0, log_people = 0 where canvas = %s;

-- name: count_entered
-- How many entered in the span, all versions together.
select coalesce(sum(people), 0)::bigint from entry where canvas = %s and entered_at >= %s;

-- name: count_ever
-- From the counters, which stay when old entries go.
select coalesce(sum(people), 0)::bigint from edge_tally t join canvas_version v on v.id = t.version
where v.canvas = %s and t.step = '(entry)' and t.edge = 'entered';

-- name: read_keys
-- When these people last entered with these keys.
select k.profile, k.key, k.entered_at from entry_key k
join unnest(%(profiles)s::int[], %(keys)s::text[]) mine(profile, key)
  on k.profile = mine.profile and k.key = mine.key
where k.canvas = %(canvas)s;

-- name: write_keys
insert into entry_key (profile, canvas, key, entered_at)
select profile, %(canvas)s, key, %(now)s
from unnest(%(profiles)s::int[], %(keys)s::text[]) mine(profile, key)
on conflict (profile, canvas, key) do update set entered_at = excluded.entered_at;
