-- Publishing: people of older versions go over to the newest.

-- name: lock_versions
-- Nobody enters by time.
select id from canvas_version where canvas = %s order by id for no key update;

-- name: lock_intake
-- Nobody enters, or goes on, because of what they did.
select workspace from intake where workspace = %s for update;

-- name: lock_waves
-- Nobody moves anybody of the Canvas until this transaction ends; claims made before fall away.
select id from wave where canvas = %s order by id for update;

-- name: versions_with_people
select distinct version from wave where canvas = %s;

-- name: hand_over_waves
-- They stand where they stood, in the new version. A claim made under the old one no longer holds;
-- but a webhook's does: its calls are out. Who was to be led away, from a step that is there again,
-- is moved by the step's own hand again.
update wave set version = %(new)s,
  hand = case when step = any(%(webhooks)s) then 'webhook' else hand end,
  lease_until = case when hand = 'webhook' then lease_until end,
  fence = fence + case when hand = 'webhook' then 0 else 1 end
where version = %(old)s and step = any(%(steps)s);

-- name: hand_over_taken
update taken set version = %(new)s where version = %(old)s and step = any(%(steps)s);

-- name: write_redirects
-- Newer redirects stand over older ones of the same version.
update canvas_version set redirects = redirects || %s where id = %s;

-- name: hasten_waves
update wave set due_at = least(due_at, %(now)s), lease_until = null, fence = fence + 1,
  hand = 'advance'
where version = %(old)s and step = any(%(steps)s);
