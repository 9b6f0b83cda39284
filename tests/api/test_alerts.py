"""Alerts over HTTP: listed by pages, and whom to tell said and checked."""

from typing import Any

import httpx
import pytest

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.store import alerts, audit_trail, named_secrets
from towpath.store.alerts import Noticed
from towpath.store.database import Db
from towpath.store.secrets import KeyRing

KEYS = KeyRing({"test": b"k" * 32}, "test")
SETTING = "/v1/alert-setting"
NOBODY: dict[str, Any] = {
    "recipients": [],
    "webhook_url": None,
    "webhook_secret": None,
    "pending_minutes": 30,
    "error_percent": 5,
}


def ill(number: int, now: Instant) -> Noticed:
    return Noticed(
        "canvas", number, f"Canvas {number}", "pending_age", "It waits.", "Look.", ["Winback"], now
    )


async def test_who_is_told_is_said_once_for_all(
    client: httpx.AsyncClient,
    other_client: httpx.AsyncClient,
    db: Db,
    workspace: WorkspaceId,
    now: Instant,
) -> None:
    assert (await client.get(SETTING)).json() == NOBODY
    named_secrets.write(db, KEYS, workspace, "pager", "s3cret", now)
    wanted = {
        "recipients": ["ops@example.com"],
        "webhook_url": "https://pager.example.com/towpath",
        "webhook_secret": "pager",
        "pending_minutes": 10,
        "error_percent": 50,
    }
    answer = await client.put(SETTING, json=wanted)
    assert (answer.status_code, answer.json()) == (200, wanted), answer.text
    assert (await client.get(SETTING)).json() == wanted
    assert (await other_client.get(SETTING)).json() == NOBODY
    told = audit_trail.read_page(db, workspace, after=0, limit=9)
    assert [one.action for one in told] == ["alerts.set"]
    assert "example.com" not in told[0].details
    assert (await client.put(SETTING, json={})).json() == NOBODY


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"recipients": ["ops@example.com", "ops"]}, "recipients[1]"),
        ({"recipients": ["ops@example.com\nBcc: x@y.zz"]}, "recipients[0]"),
        ({"webhook_url": "https://pager.example.com"}, "webhook_secret"),
        ({"webhook_secret": "pager"}, "webhook_url"),
        ({"webhook_url": "http://127.0.0.1/x", "webhook_secret": "pager"}, "webhook_url"),
        ({"webhook_url": "https://a.example/{{ x }}", "webhook_secret": "pager"}, "webhook_url"),
        ({"webhook_url": "https://a.example/", "webhook_secret": "none"}, "webhook_secret"),
        ({"pending_minutes": 0}, "pending_minutes"),
        ({"error_percent": 101}, "error_percent"),
        ({"recipient": []}, "recipient"),
    ],
)
async def test_what_cannot_be_told_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await client.put(SETTING, json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (await client.get(SETTING)).json() == NOBODY


async def test_alerts_are_listed_newest_first(
    client: httpx.AsyncClient,
    other_client: httpx.AsyncClient,
    db: Db,
    workspace: WorkspaceId,
    now: Instant,
) -> None:
    alerts.note(db, workspace, [ill(number, now) for number in range(1, 6)], now)
    alerts.note(db, workspace, [ill(number, now) for number in (1, 2)], now)
    first = (await client.get("/v1/alerts?limit=3")).json()
    rest = (await client.get(f"/v1/alerts?limit=3&cursor={first['next']}")).json()
    found = first["items"] + rest["items"]
    assert [one["number"] for one in found] == [5, 4, 3, 2, 1]
    assert [one["ended_at"] is None for one in found] == [False, False, False, True, True]
    going = (await client.get("/v1/alerts?open=true")).json()["items"]
    assert [(one["number"], one["stops"]) for one in going] == [(2, ["Winback"]), (1, ["Winback"])]
    assert (await other_client.get("/v1/alerts")).json()["items"] == []
