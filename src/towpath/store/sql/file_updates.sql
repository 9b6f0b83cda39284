-- Customer File audiences: a few updates a day, one at a time. All of it is read from requests.

-- name: read_standing
-- Updates of the last day that the partner may have accepted, and what else holds the next one up.
select count(*) filter (where counted) as updates,
  min(started_at) filter (where counted) as oldest,
  max(started_at) filter (where counted) as newest,
  max(started_at) filter (where counted and whole) as newest_whole,
  max(retry_at) as retry_at,
  exists (
    select from audience mine
    join audience other on other.ad_account = mine.ad_account and other.transport = 'files'
    join request r on r.audience = other.id
    where mine.id = %(audience)s and r.state = 'in flight'
  ) as flying
from (
  select started_at, whole, retry_at, started_at > %(since)s and state <> 'refused' as counted
  from request
  where audience = %(audience)s and (started_at > %(since)s or retry_at is not null)
) requests;

-- name: extend_deadlines
-- Nobody's time runs while the audience takes no update.
update arrival set deadline = %(until)s
where audience = %(audience)s and pending > 0 and deadline < %(until)s - interval '1 hour';

-- name: list_audiences
-- The Customer File audiences of a workspace.
select audience.id, audience.name, audience.partner_ref, ad_account.connection
from audience
join ad_account on ad_account.id = audience.ad_account
where audience.workspace = %(workspace)s and audience.transport = 'files'
  and audience.deleted_at is null
order by audience.name, audience.id;
