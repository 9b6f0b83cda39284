"""A door that takes a permit for each call, for everything but the streaming endpoint.

Listing and creating audiences, probing a token: rare calls, but TikTok counts them too
(invariants I-35 and I-37). A permit is free again one second after its answer.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from towpath.clock import seconds
from towpath.ids import AppId
from towpath.net.door import Door, HttpReply
from towpath.store import permits
from towpath.store.database import Db, database_now

OTHER: permits.EndpointClass = "other"
LEASE_MARGIN_S = 2.0
WAIT_S = 0.05


@dataclass(slots=True)
class PacedDoor:
    """A Door over another one; `db` is this door's own connection, no transaction is open on it."""

    door: Door
    db: Db
    app: AppId
    calls: int = 0

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> HttpReply:
        """POST under a permit."""
        return await self._paced(lambda: self.door.post(url, headers, body, deadline_s), deadline_s)

    async def get(self, url: str, headers: Mapping[str, str], deadline_s: float) -> HttpReply:
        """GET under a permit."""
        return await self._paced(lambda: self.door.get(url, headers, deadline_s), deadline_s)

    async def _paced(
        self, call: Callable[[], Awaitable[HttpReply]], deadline_s: float
    ) -> HttpReply:
        self.calls += 1
        holder = f"door-{os.getpid()}-{id(self)}/{self.calls}"
        taken: list[int] = []
        while not taken:
            now = database_now(self.db)
            lease_until = now + seconds(deadline_s + LEASE_MARGIN_S)
            taken = permits.take(self.db, self.app, OTHER, 1, holder, now, lease_until)
            if not taken:
                await asyncio.sleep(WAIT_S)
        try:
            return await call()
        finally:
            now = database_now(self.db)
            permits.give_back(self.db, self.app, OTHER, holder, taken, now)
