"""Alerts over HTTP: what is or was ill, and whom a workspace tells of it, how and when."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from towpath.api.bodies import Body, Name
from towpath.api.canvases import Reader
from towpath.api.connections import Admin
from towpath.api.database import Database, Now
from towpath.api.pages import Cursor, Page
from towpath.api.reach import Reach
from towpath.api.reaching import reaching
from towpath.canvas.addresses import Allowed, check_url
from towpath.errors import InputError
from towpath.ids import WorkspaceId
from towpath.limits import (
    ALERT_PENDING_MINUTES_MAX,
    ALERT_RECIPIENTS_MAX,
    EMAIL_CHARS_MAX,
    WEBHOOK_URL_CHARS_MAX,
)
from towpath.people.filter_parse import nearest
from towpath.store import alerts, audit_trail, named_secrets
from towpath.store.alerts import Alert, Setting
from towpath.store.database import Db

router = APIRouter(prefix="/v1", tags=["alerts"])
_ADDRESS = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]{2,}")
"""Visible ASCII around one @: what a mail server is handed as it stands."""


class AlertShown(BaseModel):
    """Something that stops syncs or soon will, from when it was noticed to its end."""

    id: int
    subject: str = Field(description="`connection`, `ad account`, `audience` or `canvas`.")
    number: int = Field(description="The id of that.")
    name: str
    problem: str
    message: str
    remedy: str
    stops: list[str] = Field(description="Canvases and segment syncs that it stops.")
    since: datetime
    code: int | None
    said: str | None = Field(description="The partner's own words.")
    opened_at: datetime | None
    ended_at: datetime | None = Field(description="Null: it goes on.")
    told_at: datetime | None
    clear_told_at: datetime | None = Field(description="When its end was told.")
    failure: str | None = Field(description="Why somebody could not be told.")


class SettingShown(BaseModel):
    """Whom to tell, and from when on."""

    recipients: list[str]
    webhook_url: str | None
    webhook_secret: str | None = Field(description="The name of the secret that signs.")
    pending_minutes: int = Field(description="People who wait longer are told of.")
    error_percent: int = Field(description="More errored of an hour's people are told of.")


class NewSetting(Body):
    """All of it: what is left out is none, or as without any setting."""

    recipients: list[Annotated[str, Field(max_length=EMAIL_CHARS_MAX)]] = Field(
        default_factory=list, max_length=ALERT_RECIPIENTS_MAX
    )
    webhook_url: str | None = Field(None, max_length=WEBHOOK_URL_CHARS_MAX)
    webhook_secret: Name | None = None
    pending_minutes: int = Field(Setting([]).pending_minutes, ge=1, le=ALERT_PENDING_MINUTES_MAX)
    error_percent: int = Field(Setting([]).error_percent, ge=1, le=100)


@router.get("/alerts", operation_id="list_alerts")
def list_alerts(
    caller: Reader,
    db: Database,
    cursor: Cursor,
    open: Annotated[bool, Query(description="Only those that go on.")] = False,  # noqa: A002
) -> Page[AlertShown]:
    """The workspace's alerts, newest first."""
    found = alerts.list_page(
        db,
        caller.workspace,
        before=cursor.number or None,
        limit=cursor.limit + 1,
        only_open=open,
    )
    return cursor.page([shown(one) for one in found], lambda one: one.id)


@router.get("/alert-setting", operation_id="read_alert_setting")
def read_alert_setting(caller: Admin, db: Database) -> SettingShown:
    """Whom the workspace tells; without a setting nobody."""
    return SettingShown(**asdict(alerts.read_setting(db, caller.workspace)))


@router.put("/alert-setting", operation_id="write_alert_setting")
def write_alert_setting(
    body: NewSetting, caller: Admin, db: Database, now: Now, request: Request
) -> SettingShown:
    """Say whom to tell from the next alert on."""
    wanted = Setting(**body.model_dump())

    async def hosts(reach: Reach) -> Sequence[str]:
        return reach.webhook_hosts

    check(db, caller.workspace, wanted, reaching(request, hosts))
    with audit_trail.noted(db, caller.workspace, caller.actor, "alerts.set", "", now):
        alerts.write_setting(db, caller.workspace, wanted)
    return SettingShown(**asdict(wanted))


def check(db: Db, workspace: WorkspaceId, wanted: Setting, hosts: Sequence[str]) -> None:
    """Raises InputError that names the field: an address that is none, a webhook that leads inside
    (`hosts` may be reached all the same), or whose secret is missing."""
    for place, one in enumerate(wanted.recipients):
        if len(one) > EMAIL_CHARS_MAX or not _ADDRESS.fullmatch(one):
            raise InputError("This is no e-mail address.", field=f"recipients[{place}]")
    if wanted.webhook_url is None and wanted.webhook_secret is None:
        return
    if wanted.webhook_url is None or wanted.webhook_secret is None:
        missing = "webhook_url" if wanted.webhook_url is None else "webhook_secret"
        raise InputError(
            "A webhook has an address and a secret that signs.",
            remedy="`towpath secret` keeps one; name it.",
            field=missing,
        )
    if "{{" in wanted.webhook_url or "{%" in wanted.webhook_url:
        raise InputError("This address is no template.", field="webhook_url")
    check_url(wanted.webhook_url, "webhook_url", Allowed(tuple(hosts)))
    known = named_secrets.names(db, workspace)
    if wanted.webhook_secret not in known:
        raise InputError(
            "There is no secret of that name.",
            remedy=nearest(wanted.webhook_secret, known),
            field="webhook_secret",
        )


def shown(one: Alert) -> AlertShown:
    """An alert as it is told."""
    told = {name: getattr(one, name) for name in AlertShown.model_fields}
    return AlertShown(**told)
