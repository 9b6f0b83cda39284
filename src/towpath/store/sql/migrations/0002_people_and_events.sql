-- People without an external id, people who are gone, aliases; events and what is watched.

alter table profile
  alter external_id drop not null,
  add time_zone text check (length(time_zone) between 1 and 64),
  add gone_at timestamptz,
  add merged_into int;
create index profile_merged_into on profile (merged_into) where merged_into is not null;

-- Another name of a person, under a label: unique and case-sensitive.
create table alias (
  workspace int not null references workspace,
  label text not null check (length(label) between 1 and 256),
  name text not null check (length(name) between 1 and 256),
  profile int not null,
  primary key (workspace, label, name)
);
create index alias_profile on alias (profile);

-- Names of events (0), products of purchases (1) and watched attributes (2), so that an event is
-- narrow.
create table event_name (
  id int generated always as identity primary key,
  workspace int not null references workspace,
  kind smallint not null check (kind in (0, 1, 2)),
  name text not null check (length(name) between 1 and 256),
  unique (workspace, kind, name)
);

-- What people did, in the order in which it was received: within a workspace ids rise with commits,
-- since its writers take turns. Partitions are days of receipt (store/events.py).
create sequence event_id as bigint;
create table event (
  id bigint not null default nextval('event_id'),
  workspace int not null,
  name int not null,
  profile int not null,
  at timestamptz not null,          -- when it happened
  received_at timestamptz not null,
  amount numeric,                   -- of a purchase: price times quantity
  currency text,
  quantity int,
  properties jsonb                  -- of a change: value, and was
) partition by range (received_at);
-- By name first. On 3 million events, who of a million people did it twice in 7 days takes 60 to
-- 200 ms (by profile first 180 to 450), which of 10,000 did 20 to 30 (200): benchmarks/README.md.
create index event_name_profile on event (name, profile, at);
create index event_id_order on event (workspace, id);

-- Ids that events came with: each is taken once.
create table event_seen (
  workspace int not null references workspace,
  digest bytea not null,            -- the first 16 bytes of the SHA-256 of the id
  received_at timestamptz not null,
  primary key (workspace, digest)
);

-- What live Canvases wait for: events and products by name, and attributes that change.
create table watch (
  workspace int not null references workspace,
  canvas int not null references canvas,
  kind smallint not null check (kind in (0, 1, 2)),
  name text not null,
  primary key (workspace, kind, name, canvas)
);

-- A file being imported, or that was: `chunks` of its rows are stored, in the same transaction.
create table import_job (
  id int generated always as identity primary key,
  workspace int not null references workspace,
  kind text not null check (kind in ('people', 'events')),
  file text not null,               -- its name
  digest bytea not null,            -- SHA-256 of the file
  bytes bigint not null,
  asked jsonb not null,             -- how it is to be read
  state text not null check (state in ('running', 'done', 'cancelled')),
  chunks int not null default 0,
  counts jsonb not null default '{}',
  started_at timestamptz not null,
  changed_at timestamptz not null
);
create index import_job_workspace on import_job (workspace, id);

-- How far the intake has read a workspace's events.
create table intake (
  workspace int primary key references workspace,
  seen bigint not null,
  seen_at timestamptz not null      -- when that event was received
) with (fillfactor = 50);
