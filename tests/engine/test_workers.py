"""Two whole workers on one database and one TikTok: nobody doubled, nobody lost, the pace exact.

These are the workers of production, each with its threads and connections, on the real clock; only
the spans are short, and the sandbox stands in this process. It keeps each request open for a
moment, so that two requests with one key would be seen.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import BASE_URL, KEYS, Stage, stage

from towpath.cli.compose import windows
from towpath.engine.advance import Advance
from towpath.engine.claim import Claimant
from towpath.engine.entrance import Entrance
from towpath.engine.sender import Sender
from towpath.engine.worker import Parts, Worker
from towpath.ids import AppId
from towpath.net.door import HttpReply, NoAnswer
from towpath.partners.registry import PARTNERS
from towpath.sandbox.call import Call
from towpath.sandbox.core import Sandbox
from towpath.store import (
    arrivals,
    canvases,
    connections,
    database,
    permits,
    requests,
    tallies,
    waves,
)
from towpath.store.database import Db, database_now
from towpath.store.tallies import Change

PEOPLE = 1_200
SPANS: dict[str, float] = {
    "flush_s": 1.0,
    "request_deadline_s": 1.0,
    "lease_s": 2.0,
    "acceptance_s": 1.0,
    "retry_first_s": 0.1,
    "retry_max_s": 0.5,
    "pause_max_s": 1.0,
    "people_per_request_max": 10,
}


@dataclass(slots=True)
class OpenDoor:
    """A door that keeps requests in flight for a while."""

    sandbox: Sandbox
    delay_s: float = 0.05

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> HttpReply:
        """POST to the sandbox."""
        return await self._carry(Call("POST", urlsplit(url).path, "", headers, body), deadline_s)

    async def get(self, url: str, headers: Mapping[str, str], deadline_s: float) -> HttpReply:
        """GET from the sandbox."""
        parts = urlsplit(url)
        return await self._carry(Call("GET", parts.path, parts.query, headers), deadline_s)

    async def _carry(self, call: Call, deadline_s: float) -> HttpReply:
        reply = self.sandbox.begin(call)
        try:
            await asyncio.sleep(self.delay_s)
        finally:
            self.sandbox.finish(reply.number)
        if reply.ending != "whole" or reply.delay_s > deadline_s:
            raise NoAnswer(before_first_byte=False, why="lost")
        named = {name.lower(): text for name, text in reply.headers.items()}
        return HttpReply(reply.status, named, reply.body, cut=False)


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """A stage on the real clock, with people enough for many requests."""
    with stage(db, tmp_path, None, **SPANS) as found:
        found.sandbox.clock = time.time
        found.connect()
        found.people(*(f"person{number}" for number in range(PEOPLE)))
        yield found


def parts(told: Stage, url: str, name: str) -> Parts:
    """What one of the workers is made of."""
    return Parts(
        connect=lambda: database.connect(url),
        partners=PARTNERS,
        base_urls={"tiktok": BASE_URL},
        door=OpenDoor(told.sandbox),
        keys=KEYS,
        windows=windows(told.settings),
        name=name,
        seed=1,
        # A worker may send 60 requests a second, more than the pace allows, but holds a handful
        # at a time: the other finds work whenever it looks, however late it begins.
        in_flight_max=3,
    )


def work(told: Stage, url: str, most_s: float) -> None:
    """Let two workers work until nothing moves and nobody waits."""

    async def together() -> None:
        workers = [Worker(parts(told, url, name)) for name in ("one", "two")]
        running = [asyncio.create_task(worker.run()) for worker in workers]
        try:
            async with asyncio.timeout(most_s):
                while not _at_rest(told.db):  # noqa: ASYNC110 - the database sends no event
                    await asyncio.sleep(0.05)
        finally:
            for worker in workers:
                worker.stop.set()
            await asyncio.gather(*running)

    told.runner.run(together())


def _at_rest(db: Db) -> bool:
    open_now = requests.count_open(db, database_now(db))
    waiting = canvases.waiting_to_enter(db) or arrivals.next_deadline(db) is not None
    return waves.count(db) == (0, 0) and not waiting and open_now == requests.OpenCount(0, 0, 0)


@pytest.mark.parametrize("fault_rate", [0.0, 0.2])
def test_two_workers_do_the_work_of_one(told: Stage, database_url: str, fault_rate: float) -> None:
    """I-04, I-05, I-19, I-35: every counter exact, TikTok holds exactly these people, no key was in
    two requests at once, no second had more than fifty requests."""
    told.sandbox.faults.set(fault_rate)
    version = told.launch(
        canvas(
            wait="{kind: delay, for: 1s, next: split}",
            split="{kind: decision_split, if: {attribute: external_id, contains: '7'}, "
            "yes: add, no: out}",
            add=sync("in", next_step="end"),
            out=sync("out", next_step="end"),
            end="{kind: exit}",
        )
    )
    work(told, database_url, 40)
    inside = {name for name in told.emails.values() if "7" in name}
    counted = tallies.read(told.db, version)
    assert {str(step): change for step, change in counted.items()} == {
        "wait": Change(entered=PEOPLE, advanced=PEOPLE),
        "split": Change(entered=PEOPLE, advanced=PEOPLE),
        "add": Change(len(inside), len(inside), synced=len(inside)),
        "out": Change(PEOPLE - len(inside), PEOPLE - len(inside), synced=PEOPLE - len(inside)),
        "end": Change(entered=PEOPLE, exited=PEOPLE),
    }
    assert told.at_tiktok("in") == inside
    assert told.at_tiktok("out") == set(told.emails.values()) - inside
    assert told.sandbox.overlaps() == []
    assert told.sandbox.log.busiest_second(path="segment/mapping/") <= 50
    refused = Counter(row.code for row in told.sent() if not row.fault)
    assert set(refused) == {0}, "nothing was refused but by a fault"
    workers = told.db.execute("select distinct split_part(worker, '/', 1) from request").fetchall()
    assert sorted(workers) == [("one",), ("two",)]
    if fault_rate == 0:
        assert len(told.sent()) == -(-len(inside) // 10) + -(-(PEOPLE - len(inside)) // 10)


def test_permits_are_never_taken_twice(told: Stage, database_url: str) -> None:
    """I-34: two senders claim at one moment for one audience: fifty permits, each once, and nobody
    in two requests."""
    told.launch(canvas(add=sync()))
    told.service(Entrance).tick(told.now)
    while told.service(Advance).tick(told.now):
        pass
    told.now += windows(told.settings).flush
    spans = windows(told.settings)

    def claim(name: str) -> list[tuple[int | None, set[int]]]:
        with database.connect(database_url) as mine:
            sender = Sender(mine, Claimant(name, spans))
            while sender.tick(told.now):
                pass
            return [(one.permit, set(one.members)) for one in sender.outbox]

    async def both() -> list[list[tuple[int | None, set[int]]]]:
        return await asyncio.gather(*(asyncio.to_thread(claim, name) for name in ("one", "two")))

    found = [one for claimed in told.runner.run(both()) for one in claimed]
    assert sorted(permit for permit, _ in found if permit is not None) == list(range(50))
    everybody = [person for _, members in found for person in members]
    assert len(everybody) == len(set(everybody)) == 50 * 10
    free = permits.next_free(told.db, _app(told), "streaming")
    assert free is not None
    assert free > told.now
    told.now = free + windows(told.settings).lease
    told.wait(seconds=5)


def _app(told: Stage) -> AppId:
    (connection,) = connections.list_all(told.db, told.workspace)
    return connection.app
