"""The carrier: a worker's couriers on their way, with their database connections and the tokens.

Digests are read in threads, by a few connections that all couriers share; a request leaves body by
body (courier.py says what is in them), unless its lease could end before the answer.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from towpath.clock import seconds
from towpath.engine import courier
from towpath.engine.claim import Claimed
from towpath.engine.courier import Answered
from towpath.engine.paced_door import PacedDoor
from towpath.engine.threads import in_thread, tell_failed
from towpath.errors import TowpathError
from towpath.ledger.events import SetByField
from towpath.ledger.windows import Windows
from towpath.net.door import Door
from towpath.partners.protocol import Bodies
from towpath.partners.registry import adapter
from towpath.store import connections
from towpath.store.audiences import Route
from towpath.store.database import Db
from towpath.store.secrets import KeyRing

T = TypeVar("T")
TOKEN_KEPT_S = 1.0
FILES_AT_ONCE = 2
"""Each holds a file of 26 MB, twice while it is uploaded."""
FILE_CALL_EVERY_S = 1.1
"""TikTok takes one a second of an ad account (tiktok-api, section 6)."""


@dataclass(slots=True)
class Carrier:
    """Carries claimed requests; `readers` are its own connections, `filing` that of paced doors."""

    pool: ThreadPoolExecutor
    readers: Iterable[Db]
    filing: Db
    base_urls: dict[str, str]
    door: Door
    keys: KeyRing
    windows: Windows
    _filing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FILES_AT_ONCE))
    _free: asyncio.Queue[Db] = field(default_factory=asyncio.Queue)
    _tokens: dict[int, tuple[float, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for reader in self.readers:
            self._free.put_nowait(reader)

    async def carry(self, claimed: Claimed, claimed_at: float) -> Answered:
        """One request: token, digests, bodies, calls. `claimed_at` is of the monotonic clock."""
        partner = adapter(claimed.route.partner, by_files=claimed.route.by_files)
        lost: list[SetByField] = []
        try:
            async with self._filing if claimed.route.by_files else nullcontext():
                answer = await partner.send(
                    self._door(claimed.route),
                    self.base_urls[partner.name],
                    await self._token(claimed),
                    courier.order(claimed),
                    self._bodies(claimed, claimed_at, lost),
                    self.windows.request_deadline.total_seconds(),
                )
        except courier.TooLateError:
            answer = courier.NOT_SENT
        except TowpathError as error:  # such as a token that was exchanged since the claim
            tell_failed(error)
            answer = courier.NOT_LOADED
        return Answered(claimed.id, claimed, answer, courier.joined(lost))

    async def _bodies(self, claimed: Claimed, claimed_at: float, lost: list[SetByField]) -> Bodies:
        """Its bodies; `lost` gathers who turned out to have no key. Raises TooLateError when
        another worker may have claimed its people by the time of the answer."""
        partner = adapter(claimed.route.partner, by_files=claimed.route.by_files)
        for piece in courier.pieces(claimed, partner.people_per_body):
            loaded = await self._read(partial(courier.load, claimed=piece, partner=partner))
            lost.append(loaded.found_keyless)
            spent = seconds(time.monotonic() - claimed_at)
            windows = self.windows.of(by_files=claimed.route.by_files)
            if not courier.in_time(windows, spent, partner.calls_after_body):
                raise courier.TooLateError
            if loaded.body is not None:
                yield loaded.body

    def _door(self, route: Route) -> Door:
        """Streaming has the permit of its claim; a file's calls take one each, a second apart."""
        if not route.by_files:
            return self.door
        return PacedDoor(self.door, self.filing, route.app, every_s=FILE_CALL_EVERY_S)

    async def _token(self, claimed: Claimed) -> str:
        """The connection's token in clear, kept for a second so that a change is seen at once."""
        route = claimed.route
        assert route.token is not None
        kept = self._tokens.get(route.token)
        if kept is not None and time.monotonic() - kept[0] < TOKEN_KEPT_S:
            return kept[1]
        read_at = time.monotonic()  # however long the reading takes
        opened = partial(
            connections.open_token, keys=self.keys, workspace=route.workspace, token=route.token
        )
        token = await self._read(opened)
        self._tokens[route.token] = (read_at, token)
        return token

    async def _read(self, work: Callable[[Db], T]) -> T:
        """Do this in a thread, with the next connection that is free."""
        reader = await self._free.get()
        try:
            return await in_thread(self.pool, work, reader)
        finally:
            self._free.put_nowait(reader)
