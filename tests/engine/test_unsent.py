"""What is claimed and cannot leave: its people are free at once, its permit never too early."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import BASE_URL, KEYS, Stage, stage

from towpath.cli.compose import windows
from towpath.engine.worker import Parts, Worker
from towpath.net.door import HttpReply
from towpath.partners.registry import PARTNERS
from towpath.sandbox.call import Call
from towpath.sandbox.core import Sandbox
from towpath.store import connections, database
from towpath.store.database import Db
from towpath.store.secrets import KeyRing

SPANS: dict[str, float] = {"flush_s": 1.0, "request_deadline_s": 1.0, "lease_s": 30.0}
OTHER_KEYS = KeyRing({"others": bytes(32)}, "others")


@dataclass(slots=True)
class WatchedDoor:
    """A door to the sandbox that sees which permits are out at each call."""

    sandbox: Sandbox
    url: str
    held: list[int] = field(default_factory=list)

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> HttpReply:
        """POST to the sandbox."""
        raise AssertionError((url, headers, len(body), deadline_s))

    async def get(self, url: str, headers: Mapping[str, str], deadline_s: float) -> HttpReply:
        """GET from the sandbox."""
        assert deadline_s > 0
        with database.connect(self.url) as db:
            (row,) = db.execute("select count(*) from permit where holder is not null").fetchall()
        self.held.append(row[0])
        parts = urlsplit(url)
        reply = self.sandbox.handle(Call("GET", parts.path, parts.query, headers, b""))
        return HttpReply(reply.status, {}, reply.body, cut=False)


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """A stage on the real clock."""
    with stage(db, tmp_path, None, **SPANS) as found:
        found.sandbox.clock = time.time
        found.connect()
        yield found


def work(told: Stage, url: str, door: WatchedDoor, keys: KeyRing, done: Callable[[], bool]) -> None:
    """Let a worker work until it is done."""
    parts = Parts(
        connect=lambda: database.connect(url),
        partners=PARTNERS,
        base_urls={"tiktok": BASE_URL},
        door=door,
        keys=keys,
        windows=windows(told.settings),
        name="one",
        seed=1,
    )

    async def run() -> None:
        worker = Worker(parts)
        running = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(10):
                while not done():  # noqa: ASYNC110 - the database sends no event
                    await asyncio.sleep(0.05)
        finally:
            worker.stop.set()
            await running

    told.runner.run(run())


def test_without_a_token_people_do_not_wait_for_the_lease(told: Stage, database_url: str) -> None:
    """A token that was exchanged since the claim, or that cannot be opened: nothing was sent, so
    nothing is unknown, and the request is made anew after a backoff."""
    told.people("ana")
    told.launch(canvas(add=sync()))

    def settled() -> bool:
        query = "select count(*) from request where state = 'refused' and window_end is null"
        (row,) = told.db.execute(query).fetchall()
        return bool(row[0])

    work(told, database_url, WatchedDoor(told.sandbox, database_url), OTHER_KEYS, settled)
    (held,) = told.db.execute("select count(*) from permit where holder is not null").fetchall()
    assert held == (0,)


def test_a_probe_takes_a_permit(told: Stage, database_url: str) -> None:
    """I-37: TikTok counts probes too."""
    (one,) = connections.list_all(told.db, told.workspace)
    assert one.token is not None
    now = told.now - timedelta(seconds=10)
    connections.mark_broken(told.db, one.id, one.token, "test", now, now)
    door = WatchedDoor(told.sandbox, database_url)

    def mended() -> bool:
        return connections.list_all(told.db, told.workspace)[0].ready

    work(told, database_url, door, KEYS, mended)
    assert door.held == [1]


def test_a_permit_outlasts_its_lease_by_a_second(told: Stage) -> None:
    """I-35: a request may arrive up to its lease's end, and counts for a second from then."""
    told.people("ana")
    told.launch(canvas(add=sync()))
    for _ in range(5):
        for service in told.services:
            service.tick(told.now)
        told.now += timedelta(seconds=1)
    assert told.sender.tick(told.now)
    query = (
        "select free_at - lease_until from permit join request on permit.holder = request.worker"
    )
    assert told.db.execute(query).fetchall() == [(timedelta(seconds=1),)]
    told.sender.outbox.clear()
