-- name: beat
-- The service ticks; a gap longer than the outage begins a new steady time.
insert into pulse (service, ticked_at, steady_since) values (%(service)s, %(now)s, %(now)s)
on conflict (service) do update set
  steady_since = case when pulse.ticked_at < %(now)s::timestamptz - %(outage)s::interval
    then excluded.ticked_at else pulse.steady_since end,
  ticked_at = greatest(pulse.ticked_at, excluded.ticked_at)
returning steady_since;
