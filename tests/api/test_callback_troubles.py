"""More of the bad inputs O01 … of a callback: odd lists of ad accounts, lost databases, other
hosts, too many at once, and what must not stand in a log.
"""

import json
import logging
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.api.consent import (
    Desk,
    app,
    back,
    begin,
    browser,
    desk,
    olga,
    owner,
    shown,
)

from towpath.api.app import build
from towpath.api.callback_pace import CallbackPace
from towpath.api.callers import COOKIE
from towpath.api.connections import CALLBACK
from towpath.clock import Instant
from towpath.errors import SettingsError
from towpath.limits import CALLBACKS_ADDRESSES_KEPT, CALLBACKS_MAX, CALLBACKS_S
from towpath.store import database
from towpath.store.database import Db
from towpath.store.secrets import KeyRing

__all__ = ["app", "desk", "olga", "owner"]

BEYOND = 2**53 + 1


def said(data: Any) -> bytes:
    return json.dumps({"code": 0, "message": "OK", "request_id": "1", "data": data}).encode()


async def accounts(client: httpx.AsyncClient, desk: Desk, listed: list[Any]) -> list[str]:
    """The ad accounts that are kept when TikTok lists these."""
    desk.accounts_say = said({"list": listed, "odd": [1]})
    answer = await back(client, state=await begin(client), auth_code=desk.code())
    assert answer.status_code == 303, answer.text
    return [each["ad_account"] for each in (await shown(client))[0]["ad_accounts"]]


async def test_ad_accounts_are_kept_exactly_and_once(olga: httpx.AsyncClient, desk: Desk) -> None:
    """O30: numbers beyond 2^53 keep every digit; O33: twice is once; O36: more fields are nothing;
    R53: a line without an id is passed over."""
    listed = [
        {"advertiser_id": BEYOND, "advertiser_name": None, "odd": {}},
        {"advertiser_id": str(BEYOND), "advertiser_name": "River"},
        {"advertiser_name": "none"},
        {"advertiser_id": BEYOND + 1},
    ]
    assert sorted(await accounts(olga, desk, listed)) == [str(BEYOND), str(BEYOND + 1)]


async def test_ten_thousand_ad_accounts(olga: httpx.AsyncClient, desk: Desk) -> None:
    """O32."""
    listed = [{"advertiser_id": str(7 * 10**18 + number)} for number in range(10_000)]
    assert len(await accounts(olga, desk, listed)) == 10_000


async def test_odd_fields_of_an_exchange_are_nothing(olga: httpx.AsyncClient, desk: Desk) -> None:
    """O36."""
    token = desk.sandbox.world.token
    desk.exchange_says = said(
        {"access_token": token, "scope": [1, 3], "advertiser_ids": [BEYOND], "x": {"y": None}}
    )
    answer = await back(olga, state=await begin(olga), auth_code="a")
    assert answer.status_code == 303, answer.text


async def test_an_answer_at_another_address_says_which_two_differ(
    app: FastAPI, olga: httpx.AsyncClient, desk: Desk
) -> None:
    """O41: a proxy, or http for https; the browser's cookie did not follow."""
    state, code = await begin(olga), desk.code()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://other.example") as there:
        answer = await back(there, state=state, auth_code=code)
    assert answer.status_code == 400
    assert f"https://other.example{CALLBACK}" in answer.text
    assert "TOWPATH_PUBLIC_URL" in answer.text
    assert (await back(olga, state=state, auth_code=code)).status_code == 303


async def test_a_lost_database_leaves_the_state_as_it_was(
    app: FastAPI, olga: httpx.AsyncClient, owner: str, desk: Desk, database_url: str
) -> None:
    """O46."""
    state, code = await begin(olga), desk.code()
    parts = app.state.parts
    pool = database.open_pool(database_url, 1, name="test")
    pool.close()
    async with browser(build(type(parts)(pool, parts.keys, parts.reach)), owner) as cut:
        answer = await back(cut, state=state, auth_code=code)
        assert (answer.status_code, desk.exchanges) == (503, [])
    assert (await back(olga, state=state, auth_code=code)).status_code == 303


async def test_a_database_lost_after_the_exchange_is_told(
    olga: httpx.AsyncClient, desk: Desk, db: Db
) -> None:
    """O47: no permit, no call: where the token can be removed is told."""
    others = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
    desk.on_exchange = lambda: db.execute(f"{others} and datname = current_database()")
    answer = await back(olga, state=await begin(olga), auth_code=desk.code())
    assert answer.status_code == 503
    assert "not connected" in answer.text
    assert "ads.tiktok.com/ac/page/authorizations" in answer.text
    assert await shown(olga) == []


async def test_a_token_that_cannot_be_kept_is_revoked(
    olga: httpx.AsyncClient, desk: Desk, db: Db
) -> None:
    """O47: what cannot be stored for another reason dies at TikTok too."""
    desk.on_exchange = lambda: db.execute("alter table ad_account rename to gone")
    grants = desk.sandbox.world.grants
    living = {token for token, grant in grants.items() if grant.alive}
    answer = await back(olga, state=await begin(olga), auth_code=desk.code())
    assert answer.status_code == 500
    db.execute("alter table gone rename to ad_account")
    assert {token for token, grant in grants.items() if grant.alive} == living
    assert len(grants) == len(living) + 1


def test_without_a_key_nothing_starts() -> None:
    """O48: what could not be sealed is never asked for."""
    with pytest.raises(SettingsError, match="new"):
        KeyRing({"old": b"k" * 32}, "new")


async def test_no_log_holds_the_code_or_the_state(
    olga: httpx.AsyncClient, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """O51: neither when it connects nor when it fails."""
    caplog.set_level(logging.DEBUG)
    state, code = await begin(olga), desk.code()
    assert (await back(olga, state=state, auth_code=code)).status_code == 303
    assert (await back(olga, state=state, auth_code=code)).status_code == 400
    # The test's own client tells every address that it asks for.
    ours = [one for one in caplog.records if not one.name.startswith(("httpx", "httpcore"))]
    told = "\n".join(f"{one.getMessage()} {one.__dict__}" for one in ours)
    assert state not in told
    assert code not in told


async def test_too_many_answers_of_one_address(app: FastAPI, olga: httpx.AsyncClient) -> None:
    """O52."""
    found = [(await back(olga, state="x" * 43, auth_code="a")).status_code for _ in range(100)]
    assert found == [400] * CALLBACKS_MAX + [429] * (100 - CALLBACKS_MAX)
    elsewhere = httpx.ASGITransport(app, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(
        transport=elsewhere, base_url=str(olga.base_url), headers={"Cookie": f"{COOKIE}=x"}
    ) as other:
        assert (await back(other, state="x" * 43, auth_code="a")).status_code == 400


def test_the_pace_forgets(now: Instant) -> None:
    pace = CallbackPace()
    assert [pace.allows("a", now) for _ in range(CALLBACKS_MAX + 1)] == [True] * CALLBACKS_MAX + [
        False
    ]
    assert pace.allows("b", now)
    assert pace.allows("a", now + timedelta(seconds=CALLBACKS_S))
    for number in range(CALLBACKS_ADDRESSES_KEPT + 5):
        pace.allows(str(number), now)
    assert len(pace._came) == CALLBACKS_ADDRESSES_KEPT
