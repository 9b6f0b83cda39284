-- Customer Files: a connection whose app is not allowlisted for streaming fills its audiences by
-- files; an audience keeps the transport that it was made for.

alter table connection add column transport text not null default 'streaming'
  check (transport in ('streaming', 'files'));
alter table connection add column streaming_asked_at timestamptz; -- is the app allowlisted by now?
alter table connection add column streaming_since timestamptz;    -- it is, since then

alter table audience add column transport text not null default 'streaming'
  check (transport in ('streaming', 'files'));

alter table request add column whole boolean not null default false; -- who is not in it is to leave
