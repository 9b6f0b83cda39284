"""Group commit: calls of one workspace that wait at the same time share a transaction.

Whoever comes while the database is busy waits for the next transaction, together with all others
who came meanwhile; nobody waits for company. Two lanes a workspace overlap: while one waits for
PostgreSQL, the other reads JSON. When a shared transaction fails, each of its calls is tried alone,
so that none fails for another.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from towpath.errors import TowpathError
from towpath.ids import WorkspaceId
from towpath.limits import GATHERED_BYTES_MAX, GATHERED_CALLS_MAX, GATHERED_LANES
from towpath.people.track import TrackCall, read_call
from towpath.store import tracking
from towpath.store.database import DatabaseLost, Pool, database_now
from towpath.store.idempotent_answers import Answer, Asked
from towpath.store.tracking import Received


class Sent(NamedTuple):
    """A call as it came, and the idempotency key it came under."""

    body: bytes
    asked: Asked | None


Outcome: TypeAlias = Answer | TrackCall | Exception
"""What was answered; or a call of which nothing can be taken; or why it failed."""


class _Waiting(NamedTuple):
    sent: Sent
    outcome: asyncio.Future[Outcome]


class Gather:
    """One for a process; used from its event loop only."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: defaultdict[WorkspaceId, deque[_Waiting]] = defaultdict(deque)
        self._lanes: defaultdict[WorkspaceId, set[asyncio.Task[None]]] = defaultdict(set)

    async def store(self, workspace: WorkspaceId, sent: Sent) -> Answer | TrackCall:
        """Store a call; comes back when it is durable.

        A TrackCall comes back when nothing of it can be taken; then nothing was stored. Raises what
        `read_call` raises, ConflictError when its key came with another body, and DatabaseLost.
        """
        waiting = _Waiting(sent, asyncio.get_running_loop().create_future())
        self._waiting[workspace].append(waiting)
        lanes = self._lanes[workspace]
        if len(lanes) < GATHERED_LANES:
            lane = asyncio.create_task(self._run_lane(workspace))
            lanes.add(lane)
            lane.add_done_callback(lanes.discard)
        outcome = await waiting.outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _run_lane(self, workspace: WorkspaceId) -> None:
        while batch := self._next_batch(workspace):
            outcomes = await asyncio.to_thread(self._try, workspace, [one.sent for one in batch])
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if not waiting.outcome.done():  # whoever asked may be gone
                    waiting.outcome.set_result(outcome)

    def _next_batch(self, workspace: WorkspaceId) -> list[_Waiting]:
        waiting, size = self._waiting[workspace], 0
        batch: list[_Waiting] = []
        while waiting and len(batch) < GATHERED_CALLS_MAX:
            size += len(waiting[0].sent.body)
            if batch and size > GATHERED_BYTES_MAX:
                break
            batch.append(waiting.popleft())
        return batch

    def _try(self, workspace: WorkspaceId, sent: Sequence[Sent]) -> list[Outcome]:
        """Store them together; when that fails, each alone."""
        try:
            return self._store(workspace, sent)
        except DatabaseLost as error:
            return [error] * len(sent)
        except Exception as error:  # noqa: BLE001 - it is handed to whoever asked
            if len(sent) == 1:
                return [error]
            return [self._try(workspace, [one])[0] for one in sent]

    def _store(self, workspace: WorkspaceId, sent: Sequence[Sent]) -> list[Outcome]:
        with self._pool.connection() as db:
            now = database_now(db)
            found: list[Outcome] = []
            for one in sent:
                try:
                    found.append(read_call(one.body, now))
                except TowpathError as error:
                    found.append(error)
            good = {
                place: Received(call, sent[place].asked)
                for place, call in enumerate(found)
                if isinstance(call, TrackCall) and len(call)
            }
            if good:
                answers = tracking.store(db, workspace, list(good.values()), now)
                for place, answer in zip(good, answers, strict=True):
                    found[place] = answer
        return found
