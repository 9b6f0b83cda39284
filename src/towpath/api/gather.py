"""Group commit: calls of one workspace that wait at the same time share a transaction.

Whoever comes while the database is busy waits for the next transaction, together with all others
who came meanwhile; nobody waits for company. Two lanes a workspace overlap: one reads JSON, the
other stores all that was read meanwhile. When a shared transaction fails, each of its calls is
tried alone, so that none fails for another.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.limits import GATHERED_BYTES_MAX, GATHERED_CALLS_MAX
from towpath.people.track import TrackCall, read_call
from towpath.store import tracking
from towpath.store.database import DatabaseHitch, Hitch, Pool, database_now, hitch_of
from towpath.store.idempotent_answers import Answer, Asked
from towpath.store.tracking import Received

_FOR_ALL = frozenset({Hitch.LOST, Hitch.CROWDED, Hitch.FULL})
"""Hitches in which a call alone would fare no better."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A call as it came, and the idempotency key it came under."""

    body: bytes
    asked: Asked | None


Outcome: TypeAlias = Answer | TrackCall | Exception
"""What was answered; or a call of which nothing can be taken; or why it failed."""


@dataclass(slots=True)
class _Waiting:
    sent: Sent
    outcome: asyncio.Future[Outcome]
    read: TrackCall = field(default_factory=TrackCall)
    read_at: Instant | None = None

    def end(self, outcome: Outcome) -> None:
        if not self.outcome.done():  # whoever asked may be gone
            self.outcome.set_result(outcome)


_Queue: TypeAlias = deque[_Waiting]


@dataclass(slots=True)
class _Lanes:
    """Of a workspace: calls as they came, calls that were read, and which lanes are busy."""

    come: _Queue = field(default_factory=deque)
    read: _Queue = field(default_factory=deque)
    reading: asyncio.Task[None] | None = None
    storing: asyncio.Task[None] | None = None


class Gather:
    """One for a process; used from its event loop only."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lanes: defaultdict[WorkspaceId, _Lanes] = defaultdict(_Lanes)

    async def store(self, workspace: WorkspaceId, sent: Sent) -> Answer | TrackCall:
        """Store a call; comes back when it is durable.

        A TrackCall comes back when nothing of it can be taken; then nothing was stored. Raises what
        `read_call` raises, ConflictError when its key came with another body, and DatabaseHitch.
        """
        waiting = _Waiting(sent, asyncio.get_running_loop().create_future())
        lanes = self._lanes[workspace]
        lanes.come.append(waiting)
        if lanes.reading is None:
            lanes.reading = asyncio.create_task(self._run_reading(workspace, lanes))
        outcome = await waiting.outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _run_reading(self, workspace: WorkspaceId, lanes: _Lanes) -> None:
        try:
            while batch := _next_batch(lanes.come):
                outcomes = await asyncio.to_thread(self._read, batch)
                for waiting, outcome in zip(batch, outcomes, strict=True):
                    if isinstance(outcome, TrackCall) and len(outcome):
                        waiting.read = outcome
                        lanes.read.append(waiting)
                    else:
                        waiting.end(outcome)
                if lanes.read and lanes.storing is None:
                    lanes.storing = asyncio.create_task(self._run_storing(workspace, lanes))
        finally:
            lanes.reading = None

    async def _run_storing(self, workspace: WorkspaceId, lanes: _Lanes) -> None:
        try:
            while batch := _next_batch(lanes.read):
                outcomes = await asyncio.to_thread(self._store, workspace, batch)
                for waiting, outcome in zip(batch, outcomes, strict=True):
                    waiting.end(outcome)
        finally:
            lanes.storing = None

    def _read(self, batch: Sequence[_Waiting]) -> Sequence[TrackCall | Exception]:
        try:
            with self._pool.connection() as db:
                now = database_now(db)
        except Exception as error:  # noqa: BLE001 - it is handed to whoever asked
            return [error] * len(batch)
        found: list[TrackCall | Exception] = []
        for one in batch:
            one.read_at = now
            try:
                found.append(read_call(one.sent.body, now))
            except Exception as error:  # noqa: BLE001 - the same
                found.append(error)
        return found

    def _store(self, workspace: WorkspaceId, batch: Sequence[_Waiting]) -> Sequence[Outcome]:
        """Store them together; when that fails, each alone."""
        received = [Received(one.read, one.sent.asked) for one in batch]
        now = max(one.read_at for one in batch if one.read_at is not None)
        try:
            with self._pool.connection() as db:
                return tracking.store(db, workspace, received, now)
        except Exception as error:  # noqa: BLE001 - the same
            hopeless = isinstance(error, DatabaseHitch) and hitch_of(error) in _FOR_ALL
            if hopeless or len(batch) == 1:
                return [error] * len(batch)
            return [self._store(workspace, [one])[0] for one in batch]


def _next_batch(waiting: _Queue) -> list[_Waiting]:
    batch: list[_Waiting] = []
    size = 0
    while waiting and len(batch) < GATHERED_CALLS_MAX:
        size += len(waiting[0].sent.body)
        if batch and size > GATHERED_BYTES_MAX:
            break
        batch.append(waiting.popleft())
    return batch
