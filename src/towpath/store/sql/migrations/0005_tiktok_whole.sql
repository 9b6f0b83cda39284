-- TikTok, whole: connections, audiences, keys that change, erasure, continuous sync.

-- What the partner said of a connection and of its ad accounts, and who connected it.
alter table connection add column granted int[];            -- permissions; null: not said
alter table connection add column person text;              -- whose authorisation it is
alter table connection add column connected_at timestamptz;
alter table connection add column connected_by text;
alter table connection add column terms_accepted_at timestamptz;
alter table connection add column terms_accepted_by text;
alter table connection add column emptying_since timestamptz; -- everybody is being removed first
alter table ad_account add column chosen boolean not null default true;
alter table ad_account add column reached boolean not null default true; -- by the newest token
alter table ad_account add column status text;              -- enabled, or the partner's own word
alter table ad_account add column business_ref text;        -- the Business Center that owns it
alter table ad_account add column denied text;              -- why we may not work in it
alter table ad_account add column looked_at timestamptz;

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

-- Waves of paused Canvases rest: whoever looks for work does not walk over them.
alter table wave add column resting boolean not null default false;
update wave set resting = true
from canvas where canvas.id = wave.canvas and canvas.state = 'paused';
drop index wave_due;
create index wave_due on wave (hand, due_at) where not resting;

-- Keys that are to leave every audience: they changed, or their person goes.
alter table request add column heirs bytea; -- numbers of old keys that it carried as another's
create index request_newest on request (audience, id); -- whose turn was longest ago
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

alter table audience add column deleted_at timestamptz;
alter table workspace add column fields_allowed smallint not null default 15
  check (fields_allowed between 0 and 15);
alter table workspace add column age_min smallint check (age_min between 1 and 99);

-- A segment sync is a Canvas of its own kind: two steps that people come to from a segment.
alter table canvas add column kind text not null default 'canvas'
  check (kind in ('canvas', 'segment sync'));
-- Late events count from here on, whatever versions were published since; null: by the version.
alter table canvas add column live_since timestamptz;
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

-- Cheaper to fill: people come by the million. The foreign key was looked up for every new person,
-- though whoever writes people holds their workspace's row already (store/workspaces.py).
alter table profile drop constraint profile_workspace_fkey;
drop index match_key_email, match_key_phone;
create index match_key_email on match_key using hash (substr(email, 1, 8)) where email is not null;
create index match_key_phone on match_key using hash (substr(phone, 1, 8)) where phone is not null;

-- Ids of events are forgotten after a while: those that came long ago lie together.
create index event_seen_at on event_seen using brin (received_at);

-- Whose keys were made by other rules than the current ones (people/normalise.py): nobody, mostly.
create index match_key_rule on match_key (workspace) where rule <> 1;

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
