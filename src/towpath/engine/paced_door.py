"""A door that takes a permit for each call, for everything but the streaming endpoint.

Listing and creating audiences, probing a token: rare calls, but TikTok counts them too
(invariants I-35 and I-37). A permit is free again one second after its answer. Somebody sits at a
terminal behind these calls, so a pause that lasts is told instead of waited for.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from towpath.clock import Instant, seconds
from towpath.ids import AppId
from towpath.net.door import Door, HttpReply, NoAnswer
from towpath.store import permits
from towpath.store.database import DatabaseHitch, Db, database_now

OTHER: permits.EndpointClass = "other"
LEASE_MARGIN_S = 2.0
WAIT_S = 0.05
WAIT_S_MAX = 30.0


@dataclass(slots=True)
class PacedDoor:
    """A Door over another one; `db` is this door's own connection, no transaction is open on it."""

    door: Door
    db: Db
    app: AppId
    calls: int = 0
    every_s: float = 0.0
    """So long after an answer the next call leaves."""
    _again_at: float = 0.0

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> HttpReply:
        """POST under a permit. Raises NoAnswer, at once when none will be free soon."""
        return await self._paced(lambda: self.door.post(url, headers, body, deadline_s), deadline_s)

    async def get(self, url: str, headers: Mapping[str, str], deadline_s: float) -> HttpReply:
        """GET under a permit. Raises NoAnswer, at once when none will be free soon."""
        return await self._paced(lambda: self.door.get(url, headers, deadline_s), deadline_s)

    def _take(self, holder: str, now: Instant, deadline_s: float) -> list[int]:
        lease_until = now + seconds(deadline_s + LEASE_MARGIN_S)
        return permits.take(self.db, self.app, OTHER, 1, holder, now, lease_until)

    async def _paced(
        self, call: Callable[[], Awaitable[HttpReply]], deadline_s: float
    ) -> HttpReply:
        self.calls += 1
        await asyncio.sleep(max(0.0, self._again_at - time.monotonic()))
        holder = f"door-{os.getpid()}-{id(self)}/{self.calls}"
        now = database_now(self.db)
        patience = now + seconds(WAIT_S_MAX)
        while not (taken := self._take(holder, now, deadline_s)):
            free_at = permits.next_free(self.db, self.app, OTHER)
            if now > patience or free_at is None or free_at > patience:
                until = f"{free_at:%H:%M:%S %Z}" if free_at else "somebody connects again"
                raise NoAnswer(True, f"not asked: calls rest until {until}")
            await asyncio.sleep(WAIT_S)
            now = database_now(self.db)
        try:
            return await call()
        finally:
            self._again_at = time.monotonic() + self.every_s
            # An answer is not lost with the database: the permit comes back when its lease ends.
            with suppress(DatabaseHitch):
                now = database_now(self.db)
                permits.give_back(self.db, self.app, OTHER, holder, taken, now)
