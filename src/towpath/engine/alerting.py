"""Alerting: tells people once when something stops their syncs, and once when it is over.

Alerts are opened and ended by what `store/health.py` sees. A notice is claimed, sent by e-mail or
webhook without a transaction, and noted; if a worker dies in between it is sent again under the
same message id. Nothing of a person is in it.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from towpath.canvas.addresses import Allowed
from towpath.clock import Instant
from towpath.engine.threads import in_thread, sleep, tell_failed, tick
from towpath.ids import WorkspaceId
from towpath.net.guard import CallFailed, GuardedDoor
from towpath.net.mail import Mail, NotMailed, Post
from towpath.partners.tiktok.problems import TOLD
from towpath.partners.tiktok.problems import read as read_problem
from towpath.store import alerts, health, named_secrets, workspaces
from towpath.store.alerts import Channel, Notice, Noticed
from towpath.store.database import Db, database_now, is_lost
from towpath.store.health import Ill
from towpath.store.secrets import KeyRing

IDLE_S = 1.0
EVERY = timedelta(seconds=15)
HELD = timedelta(minutes=2)
DEADLINE_S = 20.0
TRIES_MAX = 40  # at most a quarter of an hour apart: some nine hours
PAUSE_MAX = timedelta(minutes=15)
PAUSE_FIRST = timedelta(seconds=15)
PEOPLE_MIN = 100
SIGNATURE = "Towpath-Signature"


class Caller(Protocol):
    """Who calls webhooks: `net.guard.GuardedDoor`."""

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> tuple[int, str | None]:
        """One call: the status and what Retry-After says. Raises CallFailed."""
        ...


@dataclass(slots=True)
class Alerting:
    """The service; any number of workers may run one. Looks once in EVERY."""

    db: Db
    _rests_until: Instant | None = field(default=None)

    def tick(self, now: Instant) -> bool:
        """Look at every workspace: open and end alerts. Says that nothing more waits."""
        if self._rests_until is not None and now < self._rests_until:
            return False
        self._rests_until = now + EVERY
        health.sample(self.db, now)
        for workspace in workspaces.list_all(self.db):
            alerts.note(self.db, workspace.id, noticed(self.db, workspace.id, now), now)
        return False


def noticed(db: Db, workspace: WorkspaceId, now: Instant) -> list[Noticed]:
    """What a person must look at in a workspace now."""
    setting = alerts.read_setting(db, workspace)
    found = [one for ill in health.read(db, workspace, now) if (one := _ill(ill, now))]
    late = timedelta(minutes=setting.pending_minutes)
    for waiting in health.stale(db, workspace, now - late):
        message = f"Somebody has waited to be synced for more than {setting.pending_minutes} min."
        remedy = f"See why: `towpath canvas show {waiting.name!r}`."
        name, number = waiting.name, waiting.canvas
        one = Noticed("canvas", number, name, "pending_age", message, remedy, [name], waiting.since)
        found.append(one)
    for failing in health.failing(db, workspace):
        people = failing.errored + failing.synced
        if people >= PEOPLE_MIN and failing.errored * 100 > people * setting.error_percent:
            message = f"More than {setting.error_percent} % of the last hour's people were errored."
            remedy = f"See why: `towpath canvas show {failing.name!r}`."
            name, number = failing.name, failing.canvas
            one = Noticed("canvas", number, name, "error_rate", message, remedy, [name], now)
            found.append(one)
    return found


def _ill(ill: Ill, now: Instant) -> Noticed | None:
    """None: it heals by itself, or it stops nobody. A connection is told of in any case."""
    problem, code = read_problem(ill.cause, ill.code)
    if not problem.alerts or not (ill.stops or ill.subject == "connection"):
        return None
    told, stops = TOLD[problem], [user.name for user in ill.stops]
    return Noticed(
        ill.subject,
        ill.number,
        ill.name,
        problem,
        told.message,
        told.remedy,
        stops,
        ill.since or now,
        code,
        ill.message,
        ill.partner_request_ref,
    )


@dataclass(slots=True)
class Teller:
    """Sends notices that are due. `post` is None where no SMTP server is set: e-mails then wait."""

    db: Db
    keys: KeyRing
    post: Post | None

    @property
    def channels(self) -> Sequence[Channel]:
        """What this worker can send by."""
        return ("email", "webhook") if self.post else ("webhook",)

    def claim(self, now: Instant) -> Notice | None:
        """A notice to send, if one is due; nobody else has it for HELD."""
        return alerts.claim(self.db, self.channels, now, now + HELD)

    def secret(self, notice: Notice) -> str | None:
        """What signs the workspace's webhook; None: it is gone."""
        assert notice.alert.workspace is not None
        known = named_secrets.open_all(self.db, self.keys, notice.alert.workspace)
        return known.get(notice.setting.webhook_secret or "")

    def mail(self, notice: Notice, now: Instant) -> str | None:
        """Hand the e-mail in; blocks. Says why it failed."""
        assert self.post is not None
        try:
            self.post.send(mail_of(notice, now), DEADLINE_S)
        except NotMailed as failure:
            return failure.why
        return None

    def note(self, notice: Notice, failure: str | None, now: Instant) -> None:
        """What became of it: said, or to be tried again later."""
        if failure is None:
            alerts.sent(self.db, notice, now)
            return
        pause = min(PAUSE_FIRST * 2 ** min(notice.tries - 1, 10), PAUSE_MAX)
        again = notice.tries < TRIES_MAX
        alerts.failed(self.db, notice, failure, now + pause if again else None)


async def keep_alerting(
    pool: ThreadPoolExecutor,
    db: Db,
    teller: Teller,
    hosts: Sequence[str],
    stop: asyncio.Event,
) -> None:
    """Look and tell until stopped. `hosts` inside may be reached by webhooks."""
    alerting, allowed = Alerting(db), Allowed(hosts)
    async with GuardedDoor(allowed.address, allowed.host) as door:
        while not stop.is_set():
            await tick(pool, alerting, await in_thread(pool, database_now, db))
            try:
                told = await _tell_one(pool, db, teller, door)
            except Exception as error:
                if is_lost(error):
                    raise
                tell_failed(error)  # the notice is due again when its hold ends
                told = False
            if not told:
                await sleep(stop, IDLE_S)


async def _tell_one(pool: ThreadPoolExecutor, db: Db, teller: Teller, door: Caller) -> bool:
    """Send one notice; says whether there was one."""
    now = await in_thread(pool, database_now, db)
    notice = await in_thread(pool, teller.claim, now)
    if notice is None:
        return False
    if notice.channel == "email":
        failure = await in_thread(pool, teller.mail, notice, now)
    else:
        failure = await call_webhook(notice, await in_thread(pool, teller.secret, notice), door)
    await in_thread(pool, teller.note, notice, failure, await in_thread(pool, database_now, db))
    return True


async def call_webhook(notice: Notice, secret: str | None, door: Caller) -> str | None:
    """Post a notice to the workspace's address, signed; says why it failed."""
    if secret is None:
        return "its secret is gone"
    assert notice.setting.webhook_url is not None
    body = json.dumps(data_of(notice), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "Towpath-Message-Id": message_id(notice),
        SIGNATURE: sign(secret, body),
    }
    try:
        status, _ = await door.call("POST", notice.setting.webhook_url, headers, body, DEADLINE_S)
    except CallFailed as failed:
        return failed.why
    return None if 200 <= status < 300 else f"answered {status}"


def sign(secret: str, body: bytes) -> str:
    """The header that proves where a webhook comes from: HMAC-SHA256 of its body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def message_id(notice: Notice) -> str:
    """The same for every try of a notice, so that whoever gets it twice can tell."""
    return f"alert-{notice.alert.id}-{'clear' if notice.ending else 'raised'}"


def data_of(notice: Notice) -> dict[str, object]:
    """A notice as JSON."""
    alert = notice.alert
    return {
        "message_id": message_id(notice),
        "state": "clear" if notice.ending else "raised",
        "alert": alert.id,
        "subject": alert.subject,
        "id": alert.number,
        "name": alert.name,
        "problem": alert.problem,
        "message": alert.message,
        "remedy": alert.remedy,
        "code": alert.code,
        "tiktok_message": alert.said,
        "request_id": alert.partner_request_ref,
        "stops": alert.stops,
        "since": alert.since.isoformat(),
        "ended_at": alert.ended_at.isoformat() if alert.ended_at else None,
    }


def mail_of(notice: Notice, now: Instant) -> Mail:
    """A notice as an e-mail of plain text."""
    alert = notice.alert
    state = "Clear" if notice.ending else "Alert"
    lines = [f"{alert.subject.capitalize()} {alert.name}: {alert.message}"]
    lines.append(f"Since {alert.since:%Y-%m-%d %H:%M} UTC.")
    if notice.ending and alert.ended_at is not None:
        lines.append(f"It is over since {alert.ended_at:%Y-%m-%d %H:%M} UTC.")
    else:
        lines.append(f"What to do: {alert.remedy}")
    if alert.stops:
        lines.append("It stopped: " if notice.ending else "It stops: ")
        lines[-1] += ", ".join(alert.stops) + "."
    if alert.code is not None:
        lines.append(f"TikTok said {alert.code}: {alert.said or 'nothing more'}")
    if alert.partner_request_ref:
        lines.append(f"TikTok's request id: {alert.partner_request_ref}")
    where = " ".join(f"{alert.subject} {alert.name}".split())
    subject = f"[Towpath] {state}: {where}: {alert.problem.replace('_', ' ')}"
    name = f"<{message_id(notice)}-{int(alert.opened_at.timestamp())}@towpath>"  # type: ignore[union-attr]
    return Mail(notice.setting.recipients, subject, "\n".join(lines) + "\n", name, now)
