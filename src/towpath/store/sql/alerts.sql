-- Alerts: what is ill and was noticed, and what is to be said of it.

-- name: open_alert
-- Whoever of the workers comes first; the others find it open.
insert into alert (workspace, subject, number, name, problem, message, remedy, code, said,
  partner_request_ref, stops, since, opened_at)
values (%(workspace)s, %(subject)s, %(number)s, %(name)s, %(problem)s, %(message)s, %(remedy)s,
  %(code)s, %(said)s, %(partner_request_ref)s, %(stops)s, %(since)s, %(now)s)
on conflict (workspace, subject, number, problem) where ended_at is null do nothing
returning id;

-- name: list_open
select id, subject, number, problem from alert
where workspace = %(workspace)s and ended_at is null;

-- name: end_alert
update alert set ended_at = %(now)s where id = %(alert)s and ended_at is null returning id;

-- name: drop_untold
-- Nobody heard of it, so nobody need hear that it is over.
update alert_notice set send_at = null, failure = 'it was over before'
where alert = %(alert)s and not ending and send_at is not null and tries = 0;

-- name: notice_alert
insert into alert_notice (alert, ending, channel, send_at)
select %(alert)s, false, channel, %(now)s
from alert_setting
cross join (values ('email'), ('webhook')) as way (channel)
where workspace = %(workspace)s and case channel
  when 'email' then recipients <> '{}' else webhook_url is not null end;

-- name: notice_end
insert into alert_notice (alert, ending, channel, send_at)
select alert, true, channel, %(now)s from alert_notice
where alert = %(alert)s and not ending and (sent_at is not null or send_at is not null);

-- name: claim_notice
-- The end is said after the beginning, and only where that was said.
with due as materialized (
  select alert, ending, channel from alert_notice
  where send_at <= %(now)s and channel = any(%(channels)s) and (not ending or exists (
    select from alert_notice before
    where before.alert = alert_notice.alert and before.channel = alert_notice.channel
      and not before.ending and before.sent_at is not null))
  order by send_at limit 1 for update skip locked
)
update alert_notice set send_at = %(held_until)s, tries = tries + 1
from due, alert, alert_setting
where alert_notice.alert = due.alert and alert_notice.ending = due.ending
  and alert_notice.channel = due.channel and alert.id = due.alert
  and alert_setting.workspace = alert.workspace
returning alert.id, alert_notice.ending, alert_notice.channel, tries, alert_setting.workspace,
  recipients, webhook_url, webhook_secret;

-- name: note_sent
update alert_notice set send_at = null, sent_at = %(now)s, failure = null
where alert = %(alert)s and ending = %(ending)s and channel = %(channel)s and sent_at is null;

-- name: note_failed
-- Without a next time it is given up, and so is its end.
update alert_notice set failure = %(failure)s,
  send_at = case when ending = %(ending)s then %(next_at)s end
where alert = %(alert)s and channel = %(channel)s and sent_at is null
  and (ending = %(ending)s or %(next_at)s::timestamptz is null);

-- name: read_alert
select id, workspace, subject, number, name, problem, message, remedy, code, said,
  partner_request_ref, stops, since, opened_at, ended_at,
  (select min(sent_at) from alert_notice where alert = id and not ending) as told_at,
  (select min(sent_at) from alert_notice where alert = id and ending) as clear_told_at,
  (select min(channel || ': ' || failure) from alert_notice where alert = id) as failure
from alert where id = %(alert)s;

-- name: list_alerts
select id, workspace, subject, number, name, problem, message, remedy, code, said,
  partner_request_ref, stops, since, opened_at, ended_at,
  (select min(sent_at) from alert_notice where alert = id and not ending) as told_at,
  (select min(sent_at) from alert_notice where alert = id and ending) as clear_told_at,
  (select min(channel || ': ' || failure) from alert_notice where alert = id) as failure
from alert
where workspace = %(workspace)s and id < %(before)s and (not %(open)s or ended_at is null)
order by id desc limit %(limit)s;

-- name: read_setting
select recipients, webhook_url, webhook_secret, pending_minutes, error_percent
from alert_setting where workspace = %(workspace)s;

-- name: write_setting
insert into alert_setting (workspace, recipients, webhook_url, webhook_secret, pending_minutes,
  error_percent)
values (%(workspace)s, %(recipients)s, %(webhook_url)s, %(webhook_secret)s, %(pending_minutes)s,
  %(error_percent)s)
on conflict (workspace) do update set recipients = excluded.recipients,
  webhook_url = excluded.webhook_url, webhook_secret = excluded.webhook_secret,
  pending_minutes = excluded.pending_minutes, error_percent = excluded.error_percent;
