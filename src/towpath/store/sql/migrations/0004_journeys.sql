-- Segments; contexts and exits of entries; who moves a wave.

alter table wave
  add hand text not null default 'advance' check (hand in ('advance', 'webhook')),
  add tries smallint not null default 0,
  add tried_since timestamptz;
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

-- What people did at a step that waits for it: those who went on at once (moved), whom the claim of
-- their wave leaves out; or, of a ranked step, the best that they did so far.
create table taken (
  id bigint generated always as identity primary key,
  canvas int not null references canvas,
  version int not null references canvas_version,
  step text not null,
  lane smallint not null,
  branch text not null,
  moved boolean not null,
  members bytea not null,
  people int not null check (people > 0),
  at timestamptz not null
);
alter table taken alter members set storage external;
create index taken_step on taken (version, step, lane);

-- Who reached a goal of a Canvas, once for an entry; the control group apart.
create table conversion (
  id bigint generated always as identity primary key,
  canvas int not null references canvas,
  version int not null references canvas_version,
  goal smallint not null,           -- its place among the Canvas' conversions
  control boolean not null,
  members bytea not null,
  people int not null check (people > 0),
  at timestamptz not null
);
alter table conversion alter members set storage external;
create index conversion_version on conversion (version, goal, control, id);

-- Who reached a goal and has not entered since: they convert no more, until they enter again.
create table converted (
  canvas int not null references canvas,
  goal smallint not null,
  control boolean not null,
  block int not null,
  members bytea not null,
  primary key (canvas, goal, control, block)
) with (fillfactor = 70);
alter table converted alter members set storage external;

-- Who would have entered, and is of the control group: their conversions are counted too.
create table withheld (
  id bigint generated always as identity primary key,
  canvas int not null references canvas,
  members bytea not null,
  at timestamptz not null
);
alter table withheld alter members set storage external;
create index withheld_canvas on withheld (canvas, at);

-- Where a Canvas' entries stand: whoever lets people in locks it.
create table entry_head (
  canvas int primary key references canvas,
  folded bigint not null default 0, -- entries up to this one are in entry_fold
  log_rows int not null,            -- entries that wait to be folded, and the people in them
  log_people bigint not null
) with (fillfactor = 50);

-- The fold of entries: who entered a Canvas, by hour and block of numbers.
create table entry_fold (
  canvas int not null references canvas,
  hour int not null, -- since 1970; 0: all hours together
  block int not null,
  members bytea not null,
  primary key (canvas, hour, block)
);
alter table entry_fold alter members set storage external;

-- With which keys people entered, only for Canvases with keyed entries.
create table entry_key (
  profile int not null,
  canvas int not null references canvas,
  key text not null,
  entered_at timestamptz not null,
  primary key (profile, canvas, key)
);

-- Entries that were asked for by API and wait for the intake: one person's, or a broadcast.
create table api_entry (
  id bigint generated always as identity primary key,
  workspace int not null references workspace,
  canvas int not null references canvas,
  dispatch text not null,
  profile int,     -- null: everybody who matches the audience
  context jsonb,
  audience jsonb,  -- a filter; null: everybody
  asked_at timestamptz not null
);
create index api_entry_workspace on api_entry (workspace, id);

-- What is looked at once a minute: segments that let people in, filters that let people out.
create table look (
  workspace int not null references workspace,
  name text not null,
  members bytea,   -- of a segment; null: it was never looked at
  looked_at timestamptz not null,
  primary key (workspace, name)
);
alter table look alter members set storage external;

-- Secrets that webhooks use, by name.
create table named_secret (
  workspace int not null references workspace,
  name text not null check (name ~ '^[a-z][a-z0-9_]{0,39}$'),
  secret int not null references secret,
  primary key (workspace, name)
);

-- Why webhooks failed for good, and of how many people.
create table webhook_failure (
  version int not null references canvas_version,
  step text not null,
  reason text not null,
  people bigint not null,
  last_at timestamptz not null,
  primary key (version, step, reason)
) with (fillfactor = 50);
