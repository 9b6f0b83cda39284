"""POST /users/track: what a 2xx promises, and calls that come at the same time."""

import asyncio
from typing import Any

import httpx
import pytest
from tests.api.test_track import count, did, send

from towpath.ids import WorkspaceId
from towpath.store import tracking
from towpath.store.database import Db


async def test_the_same_event_twice(client: httpx.AsyncClient, db: Db) -> None:
    """T54"""
    answer = await send(client, {"events": [did(id="e1"), did(id="e1")]})
    assert answer.json() == {"message": "success", "events_processed": 2}
    await send(client, {"events": [did(id="e1")]})
    assert count(db) == 1


async def test_idempotency(client: httpx.AsyncClient, db: Db) -> None:
    """I-73"""
    body, other = {"events": [did()]}, {"events": [did(name="left")]}
    calls = [send(client, body, Idempotency_Key="k") for _ in range(5)]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 4
    assert (await send(client, other, Idempotency_Key="k")).status_code == 409
    assert (await send(client, other, Idempotency_Key="k2")).status_code == 201
    assert (await send(client, {"events": [{}]}, Idempotency_Key="k3")).status_code == 422
    assert (await send(client, body, Idempotency_Key="k3")).status_code == 201
    assert (await send(client, body, Idempotency_Key="a b")).status_code == 422
    assert count(db) == 3


async def test_concurrent_calls_share_transactions(
    client: httpx.AsyncClient, db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    store = tracking.store

    def counted(*given: Any) -> Any:
        sizes.append(len(given[2]))
        return store(*given)

    monkeypatch.setattr(tracking, "store", counted)
    answers = await asyncio.gather(
        *(send(client, {"events": [did(external_id=f"p{n}")] * 3}) for n in range(40))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert count(db) == 120
    assert sum(sizes) == 40
    assert len(sizes) < 20


async def test_a_failing_call_fails_alone(
    client: httpx.AsyncClient, db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.execute("alter table profile add check (external_id <> 'unlucky')")
    names = [f"p{n}" for n in range(10)] + ["unlucky"]
    answers = await asyncio.gather(
        *(send(client, {"events": [did(external_id=name)]}) for name in names)
    )
    assert [answer.status_code for answer in answers] == [201] * 10 + [500]
    assert "unlucky" not in answers[-1].text
    assert count(db) == count(db, "profile") == 10


async def test_nothing_is_answered_before_it_is_durable(
    client: httpx.AsyncClient, db: Db, workspace: WorkspaceId
) -> None:
    """While somebody else holds the workspace no answer comes; when it comes, all is committed."""
    with db.transaction():
        db.execute("select from workspace where id = %s for update", (workspace,))
        call = asyncio.create_task(send(client, {"events": [did()]}))
        await asyncio.sleep(0.3)
        assert not call.done()
    assert (await call).status_code == 201
    assert count(db) == 1


async def test_a_lost_database_is_no_success(
    client: httpx.AsyncClient, db: Db, workspace: WorkspaceId
) -> None:
    """The server ends the connection in the middle: no 2xx, and nothing is stored."""
    with db.transaction():
        db.execute("select from workspace where id = %s for update", (workspace,))
        call = asyncio.create_task(send(client, {"events": [did()]}))
        await asyncio.sleep(0.3)
        db.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'"
        )
        assert (await call).status_code == 503
    assert count(db) == count(db, "profile") == 0
    assert (await send(client, {"events": [did()]})).status_code == 201


async def test_whoever_waits_is_woken(client: httpx.AsyncClient, db: Db) -> None:
    db.execute("listen towpath_walk")
    await send(client, {"events": [did()]})
    assert [note.channel for note in db.notifies(timeout=1, stop_after=1)] == ["towpath_walk"]
