"""The calls of webhooks: a batch is taken, called without a transaction, and settled; for ever."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Protocol

from towpath.canvas.addresses import Allowed
from towpath.engine.threads import in_thread, sleep, tell_failed
from towpath.engine.webhooks import Batch, Call, Results, Webhooks
from towpath.limits import WEBHOOK_IN_FLIGHT_MAX
from towpath.net.guard import CallFailed, GuardedDoor
from towpath.store.database import DatabaseCollision, Db, database_now, is_lost

IDLE_S = 1.0
SETTLE_TRIES = 5
RETRIED = frozenset({408, 425, 429})
PAUSE_DIGITS = 9
"""Of Retry-After in seconds: more than any wait that is granted."""


class Caller(Protocol):
    """Who makes the calls: `net.guard.GuardedDoor`."""

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> tuple[int, str | None]:
        """One call: the status and what Retry-After says. Raises CallFailed."""
        ...


async def carry(batch: Batch, door: Caller) -> None:
    """Make the batch's calls, at most WEBHOOK_IN_FLIGHT_MAX at once, and note what was answered."""
    free = asyncio.Semaphore(WEBHOOK_IN_FLIGHT_MAX)
    await asyncio.gather(*(_carry(call, batch, door, free) for call in batch.calls))


async def _carry(call: Call, batch: Batch, door: Caller, free: asyncio.Semaphore) -> None:
    results, settings = batch.results, batch.settings
    async with free:
        try:
            status, pause = await door.call(
                settings.method,
                call.url,
                call.headers,
                call.body,
                settings.deadline.total_seconds(),
            )
        except CallFailed as failed:
            if failed.refused:
                results.fail(call.profile, failed.why)
            else:
                results.again.append(call.profile)
            return
    if 200 <= status < 300:
        results.answered.append(call.profile)
    elif status in RETRIED or status >= 500:
        results.again.append(call.profile)
        _note_pause(results, pause)
    else:
        results.fail(call.profile, f"answered {status}")


def _note_pause(results: Results, text: str | None) -> None:
    """Keep the longest wait that Retry-After asks for: seconds, or an HTTP date in any of its
    three spellings (RFC 9110, 5.6.7 and 10.2.3). Whatever else it says asks for nothing."""
    if text is None:
        return
    if text.isascii() and text.isdigit():
        results.pause_s = max(results.pause_s, float(text[:PAUSE_DIGITS]))
        return
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at  # "GMT", or the zone left out
    results.pause_until = max(results.pause_until or at, at)


async def call_webhooks(
    pool: ThreadPoolExecutor,
    db: Db,
    hooks: Webhooks,
    hosts: Sequence[str],
    stop: asyncio.Event,
    moved: asyncio.Event,
) -> None:
    """Call until stopped. `hosts` inside may be reached; `moved` is set when people went on."""
    allowed = Allowed(hosts)
    async with GuardedDoor(allowed.address, allowed.host) as door:
        while not stop.is_set():
            if await _call_some(pool, db, hooks, door):
                moved.set()
            else:
                await sleep(stop, IDLE_S)


async def _settle(pool: ThreadPoolExecutor, db: Db, hooks: Webhooks, batch: Batch) -> None:
    """Write down what was answered: again, when two workers waited for each other, since a lost
    answer is a second call."""
    for left in reversed(range(SETTLE_TRIES)):
        try:
            await in_thread(pool, hooks.settle, batch, await in_thread(pool, database_now, db))
        except DatabaseCollision:
            if not left:
                raise
        else:
            return


async def _call_some(pool: ThreadPoolExecutor, db: Db, hooks: Webhooks, door: GuardedDoor) -> bool:
    """One batch of calls; says whether there was one."""
    try:
        batch = await in_thread(pool, hooks.take, await in_thread(pool, database_now, db))
        if batch is None:
            return False
        await carry(batch, door)
        await _settle(pool, db, hooks, batch)
    except Exception as error:
        if is_lost(error):
            raise
        # Such as a secret whose key is gone: the wave waits for its lease, and is tried again.
        tell_failed(error)
        return False
    return True
