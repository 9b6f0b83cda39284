-- Towpath's tables: the whole truth, which the migrations must reproduce
-- (tests/store/test_migrations.py).
-- People move as sets: `members`, `waiting`, `want` ... are compressed bitmaps of profile numbers
-- (people/people_set.py), never a row a person. `fields` is a mask of match fields
-- (people/match_field.py). Every time is handed in; no default asks the clock.

-- A workspace owns everything else.
create table workspace (
  id int generated always as identity primary key,
  name text not null unique,
  default_country text check (default_country ~ '^[A-Z]{2}$'),
  unknown_consent_is_sent boolean not null default false,
  created_at timestamptz not null,
  fields_allowed smallint not null default 15 -- match fields that may leave, as a mask
    check (fields_allowed between 0 and 15),
  age_min smallint check (age_min between 1 and 99), -- who is younger is never sent
  purposes text[] not null default '{}' -- of all of them consent must be granted
);

-- One person. `number` is dense and never given twice; sets hold it.
create table profile (
  number int generated always as identity (minvalue 0 start 0) primary key,
  workspace int not null, -- no foreign key: writers hold the workspace's row (store/workspaces.py)
  external_id text check (length(external_id) between 1 and 256), -- none: known by an alias only
  email text,
  phone text,
  country text,
  language text,
  first_name text,
  last_name text,
  birth_date date,
  attributes jsonb not null default '{}',
  consent smallint not null default 0 check (consent in (0, 1, 2)), -- unknown, granted, withdrawn
  consent_source text,
  consent_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  time_zone text check (length(time_zone) between 1 and 64),
  gone_at timestamptz, -- deleted or merged: the number stays for the ledger, personal data does not
  merged_into int,
  opt_out_sharing boolean generated always as ((attributes ->> 'opt_out_sharing') = 'true') stored,
  unique (workspace, external_id)
);
create index profile_merged_into on profile (merged_into) where merged_into is not null;

-- A person's phones and tablets, with their advertising ids.
create table device (
  profile int not null references profile,
  workspace int not null,
  kind text not null check (kind in ('idfa', 'gaid')),
  value text not null,
  tracking_allowed boolean not null,
  seen_at timestamptz not null,
  primary key (profile, kind, value)
);

-- Identifiers normalised and hashed, once, when they change. Narrow: delivery reads 10,000 at once.
create table match_key (
  profile int primary key,
  email bytea,
  phone bytea,
  idfa bytea,
  gaid bytea,
  workspace int not null,
  rule smallint not null -- the version of the rules, people/normalise.py
);
alter table match_key
  alter email set storage plain, alter phone set storage plain,
  alter idfa set storage plain, alter gaid set storage plain;
-- Who else holds this key? Eight bytes find it; the statement compares the rest. Hash indexes are
-- half as dear to fill as B-trees, whose pages digests meet at random.
create index match_key_email on match_key using hash (substr(email, 1, 8)) where email is not null;
create index match_key_phone on match_key using hash (substr(phone, 1, 8)) where phone is not null;
create index match_key_idfa on match_key (substr(idfa, 1, 8)) where idfa is not null;
create index match_key_gaid on match_key (substr(gaid, 1, 8)) where gaid is not null;
-- Whose keys were made by other rules than the current ones (people/normalise.py): nobody, mostly.
create index match_key_rule on match_key (workspace) where rule <> 1;

-- Keys that more than one profile holds: few, and the only people who take the slow path.
create table shared_key (
  workspace int not null references workspace,
  field smallint not null, -- the bit of the match field
  digest bytea not null,
  profile int not null,
  primary key (workspace, field, digest, profile)
);
create index shared_key_profile on shared_key (profile);

-- Secrets, sealed by AES-256-GCM under a named key; the associated data binds them to their place.
create table secret (
  id int generated always as identity primary key,
  workspace int not null references workspace,
  purpose text not null,
  key_id text not null,
  nonce bytea not null,
  sealed bytea not null,
  created_at timestamptz not null
);

-- The operator's registration at the partner: rates belong to it.
create table app (
  id int generated always as identity primary key,
  partner text not null,
  partner_ref text not null,
  requests_per_second int not null check (requests_per_second between 1 and 1000),
  paused_until timestamptz,
  pause_reason text,
  unique (partner, partner_ref)
);

-- As many permits as requests a second, each free again one second after its answer.
create table permit (
  app int not null references app,
  endpoint_class text not null, -- 'streaming' or 'other'
  number int not null,
  holder text,
  free_at timestamptz not null,
  primary key (app, endpoint_class, number)
) with (fillfactor = 20);

-- An authorised link to the partner. Sizes belong to it.
create table connection (
  id int generated always as identity primary key,
  workspace int not null references workspace,
  app int not null references app,
  name text not null,
  token int references secret,
  state text not null default 'ready' check (state in ('ready', 'broken')),
  broken_since timestamptz,
  broken_reason text,
  probe_at timestamptz,
  probe_refused_at timestamptz, -- the newest refused probe: an attempt of all who wait behind
  probe_code int,
  probe_request_ref text,
  people_per_request_max int not null check (people_per_request_max between 1 and 10000),
  keys_per_request_max int not null check (keys_per_request_max between 1 and 40000),
  granted int[], -- permissions; null: not said
  person text, -- whose authorisation it is
  connected_at timestamptz,
  connected_by text,
  terms_accepted_at timestamptz,
  terms_accepted_by text,
  emptying_since timestamptz, -- everybody is being removed first
  transport text not null default 'streaming' check (transport in ('streaming', 'files')),
  streaming_asked_at timestamptz, -- is the app allowlisted by now?
  streaming_since timestamptz, -- it is, since then
  unique (workspace, name)
);

create table ad_account (
  id int generated always as identity primary key,
  workspace int not null references workspace,
  connection int not null references connection,
  partner_ref text not null,
  name text not null,
  paused_until timestamptz,
  pause_reason text,
  chosen boolean not null default true,
  reached boolean not null default true, -- by the newest token
  status text, -- enabled, or the partner's own word
  business_ref text, -- the Business Center that owns it
  denied text, -- why we may not work in it
  looked_at timestamptz,
  unique (connection, partner_ref)
);

-- An audience at the partner and the head of its ledger: claim, settle and fold lock it first.
create table audience (
  id int generated always as identity primary key,
  workspace int not null references workspace,
  ad_account int not null references ad_account,
  partner_ref text not null,
  name text not null,
  created_here boolean not null,
  created_at timestamptz not null,
  fields smallint not null default 0,   -- every match field that was ever asked for
  seq bigint not null default 0,        -- of the newest log row
  folded_seq bigint not null default 0, -- the shards hold the log up to here
  log_people bigint not null default 0, -- waiting in the log since the last fold
  log_rows int not null default 0,
  log_since timestamptz,
  due_since timestamptz,                -- the oldest arrival that may not have been claimed yet
  look_at timestamptz,                  -- when the sender must look next
  people_per_request_learned int,       -- a size that only succeeded after halving
  deleted_at timestamptz,               -- at the partner, by us
  transport text not null default 'streaming' check (transport in ('streaming', 'files')),
  unique (ad_account, partner_ref)
) with (fillfactor = 50);
create index audience_look on audience (look_at) where look_at is not null;

-- The fold: what we want in the audience and know of it, a row a field and block of numbers.
create table ledger_shard (
  audience int not null references audience,
  field smallint not null,
  block int not null,
  want bytea not null,
  acked bytea not null,
  maybe bytea not null,
  parked bytea not null,
  keyless bytea not null,
  due_in int not null,  -- how many are due, in flight and backing off included: where work is
  due_out int not null,
  primary key (audience, field, block)
) with (fillfactor = 50);
alter table ledger_shard
  alter want set storage external, alter acked set storage external,
  alter maybe set storage external,
  alter parked set storage external, alter keyless set storage external;

-- A wave's coming to an Audience Sync step, in pieces cut in number order. It carries the counters.
create table arrival (
  id bigint generated always as identity primary key,
  workspace int not null references workspace,
  audience int not null references audience,
  version int not null,
  step text not null,
  action smallint not null check (action in (0, 1)), -- add, remove
  fields smallint not null,
  seq bigint not null,
  arrived_at timestamptz not null,
  deadline timestamptz not null,
  members bytea not null, -- everybody who came and went into the ledger
  keyless bytea[] not null, -- of them, by field in the order of the mask: who has no usable key
  waiting bytea not null, -- of them: pending
  low int not null,
  high int not null,
  entered int not null,
  synced int not null,
  not_synced int not null,
  pending int not null,
  errored int not null,
  check (entered = synced + not_synced + pending + errored)
) with (fillfactor = 70);
alter table arrival alter members set storage external, alter waiting set storage external;
create index arrival_open on arrival (audience, action) where pending > 0;
create index arrival_deadline on arrival (deadline) where pending > 0;
create index arrival_log on arrival (audience, seq);
create index arrival_step on arrival (version, step);

-- What became of people otherwise than by an applied request: why not synced, errored, or synced
-- at once.
create table outcome (
  id bigint generated always as identity primary key,
  audience int not null references audience,
  arrival bigint not null references arrival,
  state text not null check (state in ('synced', 'not_synced', 'errored')),
  reason text not null,
  request bigint,
  code int,
  partner_request_ref text,
  members bytea not null,
  people int not null check (people > 0),
  at timestamptz not null
);
alter table outcome alter members set storage external;
create index outcome_arrival on outcome (arrival);

-- One call to the partner. In flight, backing off and open windows are derived from these rows.
create table request (
  id bigint generated always as identity primary key,
  workspace int not null references workspace,
  audience int not null references audience,
  action smallint not null check (action in (0, 1)),
  fields smallint not null,
  members bytea not null,
  people int not null check (people > 0),
  sharing bytea not null,    -- of them: who hold a key that somebody else holds too
  coholders bytea not null,  -- the others who hold a key that this request sends
  omitted bytea[] not null,  -- by field in the mask's order: whose key is left out
  low int not null,
  high int not null,
  worker text not null,
  permit int,
  started_at timestamptz not null,
  lease_until timestamptz not null,
  tries int not null,        -- 1 for the first
  parent bigint,             -- the request that this one retries
  root bigint,               -- the first of the line
  parts int not null default 1, -- into how many the first one is halved by now
  state text not null check (state in ('in flight', 'applied', 'refused', 'unknown')),
  answered_at timestamptz,
  seq bigint,                -- of its settling in the log
  changed bytea,             -- whose identifiers changed while it was in flight
  found_keyless bytea[],     -- who had no key left when digests were read
  retry_at timestamptz,      -- until then its people back off; null: none, or retried already
  window_end timestamptz,    -- until then it may still take effect
  cause text,
  code int,
  message text,
  partner_request_ref text,
  heirs bytea,               -- numbers of old keys that it carried as another's
  whole boolean not null default false -- who is not in it is to leave
) with (fillfactor = 70);
alter table request alter members set storage external;
create index request_in_flight on request (audience) where state = 'in flight';
create index request_lease on request (lease_until) where state = 'in flight';
create index request_retry on request (audience, retry_at) where retry_at is not null;
create index request_window on request (audience, window_end) where window_end is not null;
create index request_root on request (root) where root is not null;
create index request_attempts on request (audience, action, started_at);
create index request_log on request (audience, seq) where seq is not null;
create index request_newest on request (audience, id); -- whose turn was longest ago

-- A contrary request to repeat when a window ends: people go to `maybe` then (settle resend).
create table resend (
  id bigint generated always as identity primary key,
  audience int not null references audience,
  action smallint not null check (action in (0, 1)), -- the action to repeat
  fields smallint not null,
  members bytea not null,
  due_at timestamptz not null,
  request bigint, -- the applied one that must be repeated; null once it came due with others
  seq bigint -- its number in the log, once it came due
);
create index resend_due on resend (audience, due_at) where seq is null;
create index resend_log on resend (audience, seq) where seq is not null;

-- Other changes of the ledger, in the log: parked, freed, found keyless, held by somebody wanted.
create table ledger_mark (
  audience int not null references audience,
  seq bigint not null,
  kind text not null,
  fields smallint not null,
  members bytea not null,
  at timestamptz not null,
  cause text,
  primary key (audience, seq)
);

-- A Canvas, its draft, and its frozen versions.
create table canvas (
  id int generated always as identity primary key,
  workspace int not null references workspace,
  name text not null,
  draft jsonb,
  revision int not null default 1,
  state text not null default 'draft'
    check (state in ('draft', 'running', 'paused', 'stopped')),
  created_at timestamptz not null,
  changed_at timestamptz not null,
  kind text not null default 'canvas' check (kind in ('canvas', 'segment sync')),
  live_since timestamptz, -- launched then, and not stopped since; null: long ago
  unique (workspace, name)
);

create table canvas_version (
  id int generated always as identity primary key,
  workspace int not null references workspace,
  canvas int not null references canvas,
  number int not null,
  graph jsonb not null,
  launched_at timestamptz not null,
  enter_at timestamptz, -- when people enter; null once they have
  redirects jsonb not null default '{}', -- steps whose people are led to a newer version's, or out
  unique (canvas, number)
);
create index canvas_version_enter on canvas_version (enter_at) where enter_at is not null;

-- Who entered, and when: windows of re-entry are unions of these sets.
create table entry (
  id bigint generated always as identity primary key,
  workspace int not null references workspace,
  canvas int not null references canvas,
  version int not null references canvas_version,
  lane smallint not null,
  entered_at timestamptz not null,
  members bytea not null,
  people int not null check (people > 0)
);
alter table entry alter members set storage external;
create index entry_canvas on entry (canvas, entered_at);

-- People who stand at the same step of the same version and move together.
create table wave (
  id bigint generated always as identity primary key,
  workspace int not null references workspace,
  canvas int not null references canvas,
  version int not null references canvas_version,
  step text not null,
  lane smallint not null,
  members bytea not null,
  people int not null check (people > 0),
  arrived_at timestamptz not null,
  due_at timestamptz not null,
  lease_until timestamptz,
  fence bigint not null default 0,
  hand text not null default 'advance' check (hand in ('advance', 'webhook')), -- who moves it
  tries smallint not null default 0, -- of a webhook: how often it was tried
  tried_since timestamptz,
  resting boolean not null default false -- its Canvas is paused: whoever looks for work skips it
) with (fillfactor = 70);
alter table wave alter members set storage external;
create index wave_due on wave (hand, due_at) where not resting;
create index wave_step on wave (version, step);

-- The counters of a step: a sum, kept in the transaction that moves people; `audit` recounts.
create table tally (
  version int not null references canvas_version,
  step text not null,
  entered bigint not null default 0,
  advanced bigint not null default 0,
  synced bigint not null default 0,
  not_synced bigint not null default 0,
  pending bigint not null default 0,
  errored bigint not null default 0,
  exited bigint not null default 0,
  primary key (version, step)
) with (fillfactor = 50);

-- How many went along each arrow, and how many were kept out at the door (edge 'refused: …').
create table edge_tally (
  version int not null references canvas_version,
  step text not null,
  edge text not null,
  people bigint not null default 0,
  primary key (version, step, edge)
) with (fillfactor = 50);

-- When the engine last ticked, and since when it has done so without a gap: nobody is given up on
-- for an outage of ours.
create table pulse (
  service text primary key,
  ticked_at timestamptz not null,
  steady_since timestamptz not null
) with (fillfactor = 50);

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
create index event_seen_at on event_seen using brin (received_at);

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

-- Who may call the API. Only the digest of a key is kept.
create table api_key (
  id int generated always as identity primary key,
  workspace int not null references workspace,
  name text not null check (length(name) between 1 and 200),
  digest bytea not null unique,     -- SHA-256
  hint text not null,               -- the key's first characters, to know it again
  scopes text[] not null,
  created_at timestamptz not null,
  used_at timestamptz,
  revoked_at timestamptz
);
create index api_key_workspace on api_key (workspace, id);

-- Who works in the dashboard.
create table member (
  id int generated always as identity primary key,
  email text not null unique check (length(email) between 3 and 254),
  name text not null check (length(name) between 1 and 200),
  password text,                    -- argon2id; null: none yet
  created_at timestamptz not null
);

create table membership (
  member int not null references member,
  workspace int not null references workspace,
  role text not null check (role in ('owner', 'admin', 'editor', 'analyst', 'privacy')),
  primary key (member, workspace)
);

-- Sessions of browsers, and links that sign in once; of both only the digest.
create table session (
  digest bytea primary key,
  member int not null references member,
  workspace int not null references workspace, -- the one that is looked at
  created_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null
);

create table sign_in_link (
  digest bytea primary key,
  member int not null references member,
  expires_at timestamptz not null
);

-- Tries to sign in that did not succeed (yet), of an account and of an address: they are limited.
create table sign_in_attempt (
  id bigint generated always as identity primary key,
  subject bytea not null,           -- SHA-256 of what is tried, or from where
  at timestamptz not null
);
create index sign_in_attempt_subject on sign_in_attempt (subject, at);

-- Answers kept under the caller's idempotency key.
create table idempotent_answer (
  workspace int not null references workspace,
  route text not null,
  key text not null check (length(key) between 1 and 255),
  request_digest bytea not null,    -- SHA-256 of the body
  status smallint not null,
  answer bytea not null,
  at timestamptz not null,
  primary key (workspace, route, key)
);
create index idempotent_answer_at on idempotent_answer (at);

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

-- A consent page that somebody was sent to; its state comes back once.
create table authorisation (
  digest bytea primary key,         -- SHA-256 of the state
  workspace int not null references workspace,
  partner text not null,
  name text not null,               -- of the connection
  holder text not null,             -- the session, key or terminal that began it
  member int references member,
  redirect_uri text not null,
  expires_at timestamptz not null,
  used_at timestamptz
);

-- Who did what that others must be able to look up: only ever appended to.
create table audit_trail (
  workspace int not null references workspace,
  number bigint not null,
  at timestamptz not null,
  actor text not null,
  action text not null,
  object text not null,
  details text not null,            -- JSON, as it went into the digest
  digest bytea not null,            -- SHA-256 of the entry before and of this one
  primary key (workspace, number)
);
create function refuse_to_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit trail is only ever appended to';
end
$$;
create trigger audit_trail_kept before update or delete on audit_trail
  for each row execute function refuse_to_change();
create trigger audit_trail_not_emptied before truncate on audit_trail
  for each statement execute function refuse_to_change();

-- Keys that are to leave every audience: they changed, or their person goes.
create table stray (
  id bigint generated always as identity primary key,
  workspace int not null references workspace,
  reason text not null check (reason in ('changed', 'merged', 'deleted', 'erased', 'opt out')),
  members bytea not null,           -- of changed keys: numbers made for the old ones
  people int not null check (people > 0),
  at timestamptz not null,
  ended_at timestamptz              -- when they were out everywhere
);
create index stray_open on stray (id) where ended_at is null;
create table stray_audience (
  stray bigint not null references stray,
  audience int not null references audience,
  members bytea not null,           -- who may be in it
  confirmed bytea not null,         -- of them: who is out, and nothing may bring them back
  look_at timestamptz,              -- null: all are
  primary key (stray, audience)
);
create index stray_audience_look on stray_audience (look_at) where look_at is not null;

-- People who were erased, as a receipt; while it is open, strays tell how far it is.
create table erasure (
  id bigint generated always as identity primary key,
  workspace int not null references workspace,
  asked_by text not null,
  asked_at timestamptz not null,
  people int not null,              -- who were there
  unknown int not null,             -- ids that were nobody's
  others int not null,              -- people who shared an identifier, and lost it
  strays bigint[] not null,
  confirmed_at timestamptz,
  receipt jsonb                     -- by audience, as it stood when all was confirmed
);
create index erasure_workspace on erasure (workspace, id);
create index erasure_open on erasure (id) where confirmed_at is null;

-- Identifiers that must not come back: HMAC-SHA256 under the workspace's key.
create table tombstone_key (
  workspace int primary key references workspace,
  key bytea not null
);
create table tombstone (
  workspace int not null references workspace,
  digest bytea not null,
  erasure bigint not null references erasure,
  primary key (workspace, digest)
);

-- The audiences of an ad account as the partner listed them last, those that we do not use too.
create table audience_listing (
  workspace int not null references workspace,
  ad_account int not null references ad_account,
  partner_ref text not null,
  name text not null,
  kind text not null,               -- the partner's word
  fits boolean not null,            -- that kind takes a sync
  owned boolean not null,           -- not another ad account's, shared with this one
  shared boolean not null,
  people int,                       -- matched there; null: not said
  ready boolean not null,           -- ads may use it
  expiring boolean not null,
  expires_at timestamptz,
  primary key (ad_account, partner_ref)
);

create table audience_refresh (
  ad_account int primary key references ad_account,
  refreshed_at timestamptz not null
);

-- A name at which an audience is being made: one at a time asks the partner for it.
create table audience_reservation (
  partner text not null,
  ad_account_ref text not null,
  name text not null,
  holder text not null,
  held_until timestamptz not null,
  unsure_until timestamptz,         -- a call may still be applied: look, do not ask again
  primary key (partner, ad_account_ref, name)
);

-- A segment sync is a Canvas of its own kind: two steps that people come to from a segment.
create table segment_sync (
  canvas int primary key references canvas,
  workspace int not null references workspace,
  version int not null references canvas_version,
  plan jsonb not null,
  members bytea,                    -- who was in the segment, and could be sent, at the last look
  people int not null default 0,    -- of them
  looked_at timestamptz,
  look_at timestamptz not null,
  trouble text,                     -- why the last look failed
  emptying boolean not null default false -- everybody is taken out, and then it stops
) with (fillfactor = 50);
alter table segment_sync alter members set storage external;
create index segment_sync_look on segment_sync (look_at);

-- Whom to tell of what is ill in a workspace, and from when on it is.
create table alert_setting (
  workspace int primary key references workspace,
  recipients text[] not null,       -- e-mail addresses of the operator's people
  webhook_url text,
  webhook_secret text,              -- the name of a secret that signs
  pending_minutes int not null check (pending_minutes between 1 and 10080),
  error_percent int not null check (error_percent between 1 and 100),
  check ((webhook_url is null) = (webhook_secret is null))
);

-- Something that is ill, from when it was noticed to its end. One of a kind is open at a time.
create table alert (
  id bigint generated always as identity primary key,
  workspace int not null references workspace,
  subject text not null check (subject in ('connection', 'ad account', 'audience', 'canvas')),
  number int not null,              -- of the subject
  name text not null,
  problem text not null,
  message text not null,
  remedy text not null,
  code int,                         -- the partner's
  said text,                        -- by the partner
  partner_request_ref text,
  stops text[] not null,            -- Canvases, by name
  since timestamptz not null,
  opened_at timestamptz not null,
  ended_at timestamptz
);
create unique index alert_open on alert (workspace, subject, number, problem)
  where ended_at is null;
create index alert_workspace on alert (workspace, id);

-- What is to be said of an alert: that it is, and that it is over; once by each channel.
create table alert_notice (
  alert bigint not null references alert,
  ending boolean not null,
  channel text not null check (channel in ('email', 'webhook')),
  send_at timestamptz,              -- null: sent, or given up
  tries int not null default 0,
  sent_at timestamptz,
  failure text,                     -- of the newest try
  primary key (alert, channel, ending)
);
create index alert_notice_send on alert_notice (send_at) where send_at is not null;

-- The counters of a Canvas some time ago, to see how many were given up since.
create table tally_sample (
  canvas int not null references canvas,
  at timestamptz not null,
  synced bigint not null,
  errored bigint not null,
  primary key (canvas, at)
);
