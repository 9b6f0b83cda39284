"""When a request that failed is tried again, and what counts as an attempt."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.stories.files import canvas, sync
from tests.stories.stage import Stage, stage

from towpath.engine import courier
from towpath.engine.claim import Claimed
from towpath.engine.courier import Answered
from towpath.engine.deadlines import STOPS, Deadlines
from towpath.net.door import HttpReply
from towpath.partners.protocol import Answer
from towpath.partners.tiktok.replies import read_mapping
from towpath.store import requests
from towpath.store.database import Db


@pytest.fixture
def told(db: Db, tmp_path: Path) -> Iterator[Stage]:
    """An empty workspace that is connected to TikTok."""
    with stage(db, tmp_path) as found:
        found.connect()
        yield found


def claim_one(told: Stage) -> Claimed:
    """The one request that leaves."""
    for _ in range(20):
        if told.sender.tick(told.now):
            break
        for service in told.services:
            service.tick(told.now)
        told.now += timedelta(seconds=1)
    (one,) = told.sender.outbox
    told.sender.outbox.clear()
    return one


def answer(told: Stage, one: Claimed, said: Answer) -> None:
    """TikTok says this."""
    told.settler.inbox.append(Answered(one.id, one, said))
    told.settler.tick(told.now)


def backoff(told: Stage) -> timedelta:
    """How long the request waits before it is tried again."""
    (found,) = told.db.execute("select max(retry_at) - %s from request", (told.now,))
    assert isinstance(found[0], timedelta)
    return found[0]


@pytest.mark.parametrize("after", ["0", "1"])
def test_a_failing_server_that_says_retry_at_once_is_not_hammered(told: Stage, after: str) -> None:
    told.people("ana")
    told.launch(canvas(add=sync()))
    said = read_mapping(HttpReply(503, {"retry-after": after}, b"", cut=False))
    answer(told, claim_one(told), said)
    assert backoff(told) >= timedelta(seconds=4)


def test_a_request_that_never_left_is_no_attempt(told: Stage) -> None:
    """Nobody is given up on who was in no attempt."""
    told.people("ana")
    version = told.launch(canvas(add=sync()))
    came = told.now
    one = claim_one(told)
    answer(told, one, courier.NOT_SENT)
    told.now = came + timedelta(hours=13, seconds=-55)
    told.service(Deadlines).tick(told.now)
    told.db.execute("update pulse set steady_since = %s", (came,))
    told.now = came + timedelta(hours=13, seconds=1)
    told.service(Deadlines).tick(told.now)
    assert told.counters(version, "add").errored == 0
    told.wait(seconds=1)
    assert told.counters(version, "add").synced == 1


def test_who_waits_behind_a_429_was_attempted(told: Stage) -> None:
    """A gateway's 429 may have been applied, but the app rests all the same: whoever waits behind
    it was attempted, with its request."""
    told.people("ana")
    told.launch(canvas(add=sync()))
    came = told.now
    one = claim_one(told)
    answer(told, one, read_mapping(HttpReply(429, {}, b"", cut=False)))
    behind = requests.stopped_behind(told.db, one.route.audience, came, STOPS)
    assert behind is not None
    assert behind.request == one.id
