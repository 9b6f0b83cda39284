-- What a filter's names stand for: segments, events, Canvases, audiences.

-- name: read_filters
select name, filter from segment where workspace = %(workspace)s and name = any(%(names)s)

-- name: read_event_ids
select kind, name, id from event_name
where workspace = %(workspace)s
  and (kind, name) in (select * from unnest(%(kinds)s::smallint[], %(names)s::text[]))

-- name: find_canvas_id
select id from canvas where workspace = %(workspace)s and name = %(name)s

-- name: read_entered_between
select members from entry
where canvas = %(canvas)s and (%(since)s::timestamptz is null or entered_at >= %(since)s)
  and (%(before)s::timestamptz is null or entered_at < %(before)s)

-- name: read_standing
select lane, members from wave
where canvas = %(canvas)s and (%(step)s::text is null or step = %(step)s)

-- name: read_leaving
select lane, members from exit_set where canvas = %(canvas)s

-- name: find_audience_ids
select audience.id from audience join ad_account on ad_account.id = audience.ad_account
where audience.workspace = %(workspace)s
  and (%(name)s::text is null or audience.name = %(name)s)
  and (%(ref)s::text is null or audience.partner_ref = %(ref)s)
  and (%(ad_account)s::text is null or ad_account.partner_ref = %(ad_account)s)
order by audience.id
