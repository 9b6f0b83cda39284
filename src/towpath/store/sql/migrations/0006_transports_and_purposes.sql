-- Customer Files: a connection whose app is not allowlisted for streaming fills its audiences by
-- files; an audience keeps the transport that it was made for.

alter table connection add column transport text not null default 'streaming'
  check (transport in ('streaming', 'files'));
alter table connection add column streaming_asked_at timestamptz; -- is the app allowlisted by now?
alter table connection add column streaming_since timestamptz;    -- it is, since then

alter table audience add column transport text not null default 'streaming'
  check (transport in ('streaming', 'files'));

alter table request add column whole boolean not null default false; -- who is not in it, leaves

-- An opt-out of sharing for ads (CCPA, Global Privacy Control) bars like a withdrawal. It is said
-- by an attribute, so that it comes by every way in.
alter table profile add column opt_out_sharing boolean
  generated always as ((attributes ->> 'opt_out_sharing') = 'true') stored;

-- A person says yes or no to each purpose by an attribute, `consent.PURPOSE`.
alter table workspace add column purposes text[] not null default '{}'; -- all must be granted
