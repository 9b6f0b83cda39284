"""The consent page's answer counts once, for who began: the bad inputs O01 … of a callback."""

import asyncio
import threading
from datetime import timedelta

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

from towpath.api.connections import CALLBACK
from towpath.ids import WorkspaceId
from towpath.store import audit_trail, connections, members, sessions
from towpath.store.database import Db, database_now
from towpath.store.members import Role

__all__ = ["app", "desk", "olga", "owner"]


LONG = "x" * 43


@pytest.mark.parametrize(
    ("query", "status", "why"),
    [
        ("", 400, "nothing to connect"),  # O01
        ("auth_code=a", 400, "no connecting"),  # O02
        (f"state={LONG}&auth_code=a", 400, "no connecting"),  # O03
        (f"state={LONG}", 400, "no usable auth_code"),  # O10
        (f"state={LONG}&auth_code=", 400, "no usable auth_code"),  # O11
        (f"state={LONG}&auth_code={'a' * 3_000}", 400, "no usable auth_code"),  # O12
        (f"state={LONG}&state={LONG}&auth_code=a", 400, "state twice"),  # O18
        (f"state={LONG}&auth_code=a&auth_code=b", 400, "auth_code twice"),
        ("state=%zz&auth_code=a", 400, "broken"),  # O43
        (f"state={LONG}%00&auth_code=a", 400, "broken"),  # O44
        (f"state={LONG}=&auth_code=a", 400, "no connecting"),  # O54
        ("state=" + "x" * 64_000, 414, "too long"),  # O42
    ],
)
async def test_what_no_consent_page_sends_is_refused(
    olga: httpx.AsyncClient, desk: Desk, query: str, status: int, why: str
) -> None:
    answer = await olga.get(f"{CALLBACK}?{query}" if query else CALLBACK)
    assert answer.status_code == status
    assert why in answer.text
    assert "Start again" in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]  # O49
    assert desk.exchanges == []


async def test_a_state_counts_once(olga: httpx.AsyncClient, desk: Desk) -> None:
    """O04, O14: the second time nothing is exchanged; O45: one bit is enough to be unknown."""
    state = await begin(olga)
    changed = state[:-1] + ("A" if state[-1] != "A" else "B")
    assert (await back(olga, state=changed, auth_code=desk.code())).status_code == 400
    assert (await back(olga, state=state, auth_code=desk.code())).status_code == 303
    again = await back(olga, state=state, auth_code=desk.code())
    assert (again.status_code, len(desk.exchanges)) == (400, 1)
    assert "used already" in again.text


async def test_a_state_ends_after_ten_minutes(olga: httpx.AsyncClient, desk: Desk, db: Db) -> None:
    """O05."""
    state = await begin(olga)
    late = timedelta(minutes=10, seconds=1)
    db.execute("update authorisation set expires_at = expires_at - %s", (late,))
    answer = await back(olga, state=state, auth_code=desk.code())
    assert (answer.status_code, desk.exchanges) == (400, [])
    assert "over after 10 min" in answer.text


async def test_only_who_began_can_finish(
    app: FastAPI, olga: httpx.AsyncClient, owner: str, desk: Desk, db: Db, workspace: WorkspaceId
) -> None:
    """O06 (audited), O07, O08: the code is not used, and the right browser can still finish."""
    state, code = await begin(olga), desk.code()
    known = members.find(db, "olga@example.com")
    assert known is not None
    other = sessions.start(db, known.id, workspace, database_now(db))
    async with browser(app, other) as elsewhere, browser(app, "nobody") as out:
        refused = await back(elsewhere, state=state, auth_code=code)
        assert (refused.status_code, "begun by somebody else" in refused.text) == (400, True)
        unknown = await back(out, state=state, auth_code=code)
        assert (unknown.status_code, "Sign in." in unknown.text) == (400, True)
    (entry,) = audit_trail.read_page(db, workspace, after=0, limit=9)
    assert entry.action == "connection.callback_refused"
    assert desk.exchanges == []
    assert (await back(olga, state=state, auth_code=code)).status_code == 303


async def test_who_lost_the_role_meanwhile_may_not(
    olga: httpx.AsyncClient, desk: Desk, db: Db
) -> None:
    """O09."""
    state = await begin(olga)
    db.execute("update membership set role = 'analyst'")
    answer = await back(olga, state=state, auth_code=desk.code())
    assert (answer.status_code, desk.exchanges) == (403, [])


async def test_it_is_stored_where_it_was_begun(
    olga: httpx.AsyncClient,
    desk: Desk,
    db: Db,
    workspace: WorkspaceId,
    other_workspace: WorkspaceId,
) -> None:
    """O53: the session looks at another workspace when the answer comes."""
    state = await begin(olga)
    (member,) = db.execute("select id from member").fetchall()
    members.join(db, member[0], other_workspace, Role.OWNER)
    db.execute("update session set workspace = %s", (other_workspace,))
    assert (await back(olga, state=state, auth_code=desk.code())).status_code == 303
    assert len(connections.list_all(db, workspace)) == 1
    assert connections.list_all(db, other_workspace) == []


async def test_declined(olga: httpx.AsyncClient, desk: Desk) -> None:
    """O16, O17: a word we do not know is not shown, markup least of all."""
    answer = await back(olga, state=await begin(olga), error="access_denied")
    assert (answer.status_code, "declined" in answer.text) == (400, True)
    odd = await back(olga, state=await begin(olga), error="<script>", error_description="<b>hi</b>")
    assert "<script>" not in odd.text
    assert "<b>" not in odd.text
    assert (await shown(olga), desk.exchanges) == ([], [])


OK = b'{"code": 0, "message": "OK", "request_id": "1", "data": %s}'
NO = b'{"code": %d, "message": "no", "request_id": "1"}'


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (NO % 40110, "used before"),  # O14
        (NO % 40101, "APP_ID"),  # O15, O38
        (b"<html>502</html>", "Connect again"),  # O25
        (OK % b'{"scope": [1]}', "no access_token"),  # O26
        (OK % b'{"access_token": null}', "no access_token"),  # O27
        (OK % b'{"access_token": 1}', "no access_token"),  # O27
        (OK % (b'{"access_token": "%s"}' % (b"x" * 100_000)), "no access_token"),  # O28
        (OK % b'{"access_token": "a", "scope": [1], "advertiser_ids": "7"}', "no list"),  # O31
        (OK % b'{"access_token": "a", "scope": "1,3"}', "what was granted"),  # O35
    ],
)
async def test_an_exchange_that_fails_stores_nothing(
    olga: httpx.AsyncClient, desk: Desk, says: bytes, why: str
) -> None:
    desk.exchange_says = says
    state = await begin(olga)
    answer = await back(olga, state=state, auth_code="a&b\n'")  # O13: any text may be a code
    assert answer.status_code == 502
    assert why in answer.text
    assert await shown(olga) == []
    assert (await back(olga, state=state, auth_code="a")).status_code == 400


async def test_a_lost_exchange_says_what_may_be_left(olga: httpx.AsyncClient, desk: Desk) -> None:
    """O24: nothing is stored, the state is spent, and where an orphan token can be removed."""
    desk.exchange_fails = True
    answer = await back(olga, state=await begin(olga), auth_code=desk.code())
    assert answer.status_code == 502
    assert "ads.tiktok.com/ac/page/authorizations" in answer.text
    assert await shown(olga) == []


async def test_two_callbacks_at_once_exchange_once(
    app: FastAPI, olga: httpx.AsyncClient, owner: str, desk: Desk
) -> None:
    """O23: one connects, the other is told in words."""
    state, code, told = await begin(olga), desk.code(), []

    def call() -> None:
        async def go() -> int:
            async with browser(app, owner) as one:
                return (await back(one, state=state, auth_code=code)).status_code

        told.append(asyncio.run(go()))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(told) == [303, 400, 400, 400]
    assert len(desk.exchanges) == 1
