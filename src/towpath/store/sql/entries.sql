-- name: write_entry
insert into entry (workspace, canvas, version, lane, entered_at, members, people)
values (%s, %s, %s, %s, %s, %b, %s);

-- name: read_entered
select members from entry where canvas = %s;

-- name: read_entered_since
select members from entry where canvas = %s and entered_at > %s;

-- name: read_entries
select entered_at, members from entry where version = %s order by id;
