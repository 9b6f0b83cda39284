-- Segments; contexts and exits of entries; who moves a wave.

alter table wave add hand text not null default 'advance' check (hand in ('advance', 'webhook'));
drop index wave_due;
create index wave_due on wave (hand, due_at);

alter table canvas_version add redirects jsonb not null default '{}';

-- A filter with a name; other filters may use it.
create table segment (
  id int generated always as identity primary key,
  workspace int not null references workspace,
  name text not null check (length(name) between 1 and 200),
  filter jsonb not null,
  revision int not null default 1,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  unique (workspace, name)
);

-- What an entry carries along, only for Canvases that use it.
create table entry_context (
  canvas int not null references canvas,
  lane smallint not null,
  profile int not null,
  key text,                         -- of a keyed entry
  context jsonb not null,
  entered_at timestamptz not null,
  primary key (canvas, lane, profile)
);
create index entry_context_profile on entry_context (profile);

-- People who are to leave a Canvas, wherever they stand: every claim subtracts and counts them.
create table exit_set (
  id bigint generated always as identity primary key,
  canvas int not null references canvas,
  lane smallint not null,
  members bytea not null,
  reason text not null,
  at timestamptz not null
);
create index exit_set_canvas on exit_set (canvas, lane);
