-- API keys, members of the team with their sessions, answers kept.

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
