-- The operator's registrations at partners.

-- name: ensure_app
insert into app (partner, partner_ref, requests_per_second)
values (%(partner)s, %(partner_ref)s, %(requests_per_second)s)
on conflict (partner, partner_ref) do update
  set requests_per_second = excluded.requests_per_second
returning id;

-- name: read_app
select id, partner, partner_ref, requests_per_second, paused_until, pause_reason
from app where id = %(app)s;
