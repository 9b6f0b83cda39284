"""Webhooks: people are called once each, tried again, and go on by what was answered."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest
from tests.engine.crowd import Crowd, crowd

from towpath.cli.compose import windows
from towpath.clock import Instant
from towpath.engine.entrance import Entrance
from towpath.engine.webhook_calls import carry
from towpath.engine.webhooks import Webhooks
from towpath.ids import StepId
from towpath.net.guard import CallFailed
from towpath.settings import Settings
from towpath.store import audit, canvases, exit_sets, named_secrets, waves, webhooks
from towpath.store.database import Db
from towpath.store.secrets import KeyRing

SPANS = windows(Settings())
KEYS = KeyRing({"test": bytes(32)}, "test")
TEXT = """
canvas: Call
entry: {at: launch, first: call}
steps:
  call:
    kind: webhook
    url: "https://example.com/u/{{ person.external_id }}"
    headers: {Authorization: "Bearer {{ secret.crm }}"}
    body: '{"id": {{ person.external_id | json }}, "even": {{ person.attributes.even | json }}}'
    give_up: 60s
    next: done
    failed: other
  done: {kind: delay, for: 1d}
  other: {kind: delay, for: 1d}
"""

Answer = Callable[[int], tuple[int, str | None]]
"""What somebody is answered who is called for the nth time."""


@dataclass
class Callee:
    """Somebody's server: answers by the person's id and how often they were called."""

    answer: Answer
    heard: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)

    async def call(
        self,
        method: str,  # noqa: ARG002 - as a door has it
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        deadline_s: float,  # noqa: ARG002
    ) -> tuple[int, str | None]:
        person = url.rpartition("/")[2]
        self.tries[person] += 1
        self.heard.append((url, headers, body))
        await asyncio.sleep(0)
        return self.answer(self.tries[person])


def fine(_: int) -> tuple[int, str | None]:
    return 200, None


def service(db: Db) -> Webhooks:
    return Webhooks(db, KEYS, SPANS, Random(1))


def entered(db: Db, now: Instant, count: int, text: str = TEXT) -> Crowd:
    found = crowd(db, now, count, text)
    named_secrets.write(db, KEYS, found.workspace, "crm", "s3cret", now)
    assert Entrance(db).tick(now)
    return found


async def run(hooks: Webhooks, callee: Callee, now: Instant) -> None:
    while (batch := hooks.take(now)) is not None:
        await carry(batch, callee)
        assert hooks.settle(batch, now)
        if not batch.members:
            break


def standing(found: Crowd) -> dict[StepId, int]:
    return waves.standing(found.db, found.version)


async def test_each_is_called_once_with_what_the_template_says(db: Db, now: Instant) -> None:
    found = entered(db, now, 250)
    callee = Callee(fine)
    await run(service(db), callee, now)
    assert sorted(callee.tries) == sorted(f"p{number}" for number in range(250))
    assert set(callee.tries.values()) == {1}
    _, headers, body = next(one for one in callee.heard if one[0].endswith("/p7"))
    assert json.loads(body) == {"id": "p7", "even": False}
    assert headers["Authorization"] == "Bearer s3cret"
    assert len({one[1]["Idempotency-Key"] for one in callee.heard}) == 250
    assert standing(found) == {"done": 250}
    assert found.counters("call").advanced == 250
    assert audit.run(db) == []


async def test_who_may_succeed_later_is_called_again_under_the_same_key(
    db: Db, now: Instant
) -> None:
    found = entered(db, now, 30)
    callee = Callee(lambda tries: (503 if tries == 1 else 204, None))
    await run(service(db), callee, now)
    assert standing(found) == {"call": 30}
    await run(service(db), callee, now + timedelta(seconds=1))
    assert set(callee.tries.values()) == {1}, "the pause after a failure was not kept"
    await run(service(db), callee, now + timedelta(seconds=20))
    assert set(callee.tries.values()) == {2}
    assert len({one[1]["Idempotency-Key"] for one in callee.heard}) == 30
    assert standing(found) == {"done": 30}
    assert audit.run(db) == []


def never(_: int) -> tuple[int, str | None]:
    raise CallFailed("no answer", refused=False)


def refused(_: int) -> tuple[int, str | None]:
    raise CallFailed("the address leads inside", refused=True)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda _: (404, None), "answered 404"),
        (lambda _: (302, None), "answered 302"),
        (refused, "the address leads inside"),
        (never, "no success until the step gave up"),
    ],
)
async def test_who_fails_for_good_goes_the_way_of_failures(
    db: Db, now: Instant, answer: Answer, reason: str
) -> None:
    """D42: a host that leads inside fails with its reason, and people go on."""
    found = entered(db, now, 10)
    callee, moment = Callee(answer), now
    while standing(found) == {"call": 10} and moment < now + timedelta(minutes=5):
        await run(service(db), callee, moment)
        moment += timedelta(seconds=10)
    assert standing(found) == {"other": 10}
    assert webhooks.failures(db, found.version) == {"call": {reason: 10}}
    assert audit.run(db) == []


@pytest.mark.parametrize(
    "asked",
    [
        "120",
        "Sun, 01 Mar 2026 12:02:00 GMT",
        "Sunday, 01-Mar-26 12:02:00 GMT",
        "Sun Mar  1 12:02:00 2026",
    ],
)
async def test_a_pause_that_the_callee_asks_for_is_kept(db: Db, now: Instant, asked: str) -> None:
    found = entered(db, now, 3, TEXT.replace("give_up: 60s", "give_up: 1h"))
    callee = Callee(lambda tries: (429, asked) if tries == 1 else (200, None))
    await run(service(db), callee, now)
    await run(service(db), callee, now + timedelta(seconds=119))
    assert standing(found) == {"call": 3}
    await run(service(db), callee, now + timedelta(seconds=121))
    assert standing(found) == {"done": 3}


@pytest.mark.parametrize(
    "asked", ["", "soon", "-5", "9" * 5_000, "Sun, 99 Mar 2026 12:02:00 GMT", "Mon, 01 Mar 1999"]
)
async def test_a_pause_that_means_nothing_keeps_nobody_for_long(
    db: Db, now: Instant, asked: str
) -> None:
    found = entered(db, now, 3, TEXT.replace("give_up: 60s", "give_up: 1h"))
    callee = Callee(lambda tries: (503, asked) if tries == 1 else (200, None))
    await run(service(db), callee, now)
    await run(service(db), callee, now + timedelta(seconds=601))
    assert standing(found) == {"done": 3}


async def test_who_left_the_canvas_is_not_called(db: Db, now: Instant) -> None:
    found = entered(db, now, 20)
    inside = waves.inside(db, found.canvas)[0]
    gone = inside & type(inside)(list(inside)[:5])
    exit_sets.add(db, found.canvas, 0, gone, "erased", now)
    callee = Callee(fine)
    await run(service(db), callee, now)
    assert len(callee.tries) == 15
    assert found.counters("call").exited == 5
    assert audit.run(db) == []


async def test_a_call_that_was_made_counts_although_the_canvas_was_paused_meanwhile(
    db: Db, now: Instant
) -> None:
    found = entered(db, now, 5)
    hooks, callee = service(db), Callee(fine)
    batch = hooks.take(now)
    assert batch is not None
    canvases.pause(db, found.workspace, found.canvas, now)
    await carry(batch, callee)
    assert hooks.settle(batch, now)
    assert standing(found) == {"done": 5}
    assert hooks.take(now) is None


async def test_a_worker_that_died_is_followed_by_another(db: Db, now: Instant) -> None:
    found = entered(db, now, 5)
    first, callee = service(db), Callee(fine)
    batch = first.take(now)
    assert batch is not None
    later = now + timedelta(seconds=120)
    await run(service(db), callee, later)
    await carry(batch, callee)
    assert not first.settle(batch, later)
    assert standing(found) == {"done": 5}
    keys = {one[1]["Idempotency-Key"] for one in callee.heard}
    assert len(keys) == 5, "the callee can tell that it is the same call"


async def test_who_cannot_be_rendered_fails_and_the_others_are_called(db: Db, now: Instant) -> None:
    text = TEXT.replace("{{ person.attributes.even | json }}", "{{ 1 | divided_by: zero }}")
    found = entered(db, now, 4, text)
    callee = Callee(fine)
    await run(service(db), callee, now)
    assert callee.tries == {}
    assert standing(found) == {"other": 4}
    (reasons,) = webhooks.failures(db, found.version).values()
    assert all("s3cret" not in why and "p1" not in why for why in reasons)
