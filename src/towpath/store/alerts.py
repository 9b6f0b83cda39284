"""Alerts: opened once when something falls ill, ended once when it is well, and said once each.

Any number of workers may notice the same: the first one's row stands. What is to be said are
notices, one by each channel: claimed, sent without a transaction, and noted.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from psycopg.rows import class_row

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.store.database import Db
from towpath.store.health import Subject
from towpath.store.queries import queries

Channel = Literal["email", "webhook"]
_SQL = queries("alerts")
_NEWEST = 2**62


@dataclass(frozen=True, slots=True)
class Setting:
    """Whom to tell, and what is too long (minutes) and too many (percent of an hour's people)."""

    recipients: list[str]
    webhook_url: str | None = None
    webhook_secret: str | None = None
    pending_minutes: int = 30
    error_percent: int = 5


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that is ill now; `problem` is its code in our words."""

    subject: Subject
    number: int
    name: str
    problem: str
    message: str
    remedy: str
    stops: list[str]
    since: Instant
    code: int | None = None
    said: str | None = None
    partner_request_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Alert(Noticed):
    """An alert as it is kept. `failure`: why a channel could not be told."""

    id: int = 0
    workspace: WorkspaceId | None = None
    opened_at: Instant | None = None
    ended_at: Instant | None = None
    told_at: Instant | None = None
    clear_told_at: Instant | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that this worker alone may send now. `tries`: 1 for the first."""

    alert: Alert
    ending: bool
    channel: Channel
    tries: int
    setting: Setting


def note(db: Db, workspace: WorkspaceId, ill: Sequence[Noticed], now: Instant) -> None:
    """Open what is new, end what is not among `ill` any more, and queue what is to be said."""
    given = {"workspace": workspace, "now": now}
    with db.transaction():
        wanted = {(one.subject, one.number, one.problem): one for one in ill}
        for alert, *key in db.execute(_SQL["list_open"], given).fetchall():
            if wanted.pop((key[0], key[1], key[2]), None) is None:
                _end(db, alert, now)
        for one in wanted.values():
            row = db.execute(_SQL["open_alert"], given | asdict(one)).fetchone()
            if row is not None:
                db.execute(_SQL["notice_alert"], given | {"alert": row[0]})


def _end(db: Db, alert: int, now: Instant) -> None:
    given = {"alert": alert, "now": now}
    if db.execute(_SQL["end_alert"], given).fetchone() is not None:
        db.execute(_SQL["drop_untold"], given)
        db.execute(_SQL["notice_end"], given)


def claim(db: Db, channels: Sequence[Channel], now: Instant, held_until: Instant) -> Notice | None:
    """A notice that is due, by one of these channels. It is due again at `held_until`."""
    given = {"channels": list(channels), "now": now, "held_until": held_until}
    row = db.execute(_SQL["claim_notice"], given).fetchone()
    if row is None:
        return None
    alert, ending, channel, tries, workspace, *setting = row
    with db.cursor(row_factory=class_row(Alert)) as cursor:
        found = cursor.execute(_SQL["read_alert"], {"alert": alert}).fetchone()
    assert found is not None
    assert found.workspace == workspace
    return Notice(found, ending, channel, tries, Setting(*setting))


def sent(db: Db, notice: Notice, now: Instant) -> None:
    """It was said."""
    db.execute(_SQL["note_sent"], _of(notice) | {"now": now})


def failed(db: Db, notice: Notice, failure: str, next_at: Instant | None) -> None:
    """It could not be said; it is tried again at `next_at`, or given up."""
    db.execute(_SQL["note_failed"], _of(notice) | {"failure": failure, "next_at": next_at})


def _of(notice: Notice) -> dict[str, object]:
    return {"alert": notice.alert.id, "ending": notice.ending, "channel": notice.channel}


def list_page(
    db: Db,
    workspace: WorkspaceId,
    *,
    before: int | None = None,
    limit: int = 50,
    only_open: bool = False,
) -> list[Alert]:
    """Alerts, the newest first, from before an id on."""
    given = {
        "workspace": workspace,
        "before": _NEWEST if before is None else before,
        "limit": limit,
        "open": only_open,
    }
    with db.cursor(row_factory=class_row(Alert)) as cursor:
        return cursor.execute(_SQL["list_alerts"], given).fetchall()


def read_setting(db: Db, workspace: WorkspaceId) -> Setting:
    """How the workspace wants to be told: nobody, unless somebody said so."""
    row = db.execute(_SQL["read_setting"], {"workspace": workspace}).fetchone()
    return Setting([]) if row is None else Setting(*row)


def write_setting(db: Db, workspace: WorkspaceId, setting: Setting) -> None:
    """From the next alert on. Whoever calls has checked the addresses."""
    db.execute(_SQL["write_setting"], asdict(setting) | {"workspace": workspace})
