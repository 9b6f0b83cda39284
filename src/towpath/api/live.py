"""Live numbers of a Canvas as server-sent events: a snapshot first, then only what changed.

One reader a process and Canvas serves all the pages that watch it: it reads at most every
LIVE_READ_S, while somebody watches, and encodes once for all. A stream lasts LIVE_STREAM_S; then
the browser asks again, with its cookie and Last-Event-ID, and goes on where it was: whoever has
signed out meanwhile, or whose key was revoked, is refused.
"""

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from towpath import telemetry
from towpath.api.bodies import Id
from towpath.api.callers import Caller, Scope, needs
from towpath.api.problems import documented
from towpath.errors import TowpathError
from towpath.ids import CanvasId, WorkspaceId
from towpath.limits import LIVE_ALIVE_S, LIVE_CHANGES_KEPT, LIVE_READ_S, LIVE_STREAM_S
from towpath.store import movements
from towpath.store.database import DatabaseLost, Pool
from towpath.telemetry import Event

router = APIRouter(tags=["canvases"])
Reader = Annotated[Caller, needs(Scope.CANVASES_READ)]
Told = dict[str, Any]
LINGER_S = 5.0


class EventStream(StreamingResponse):
    """Nobody on the way may keep or gather it."""

    media_type = "text/event-stream"

    def __init__(self, content: AsyncIterator[bytes]) -> None:
        headers = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
        super().__init__(content, headers=headers)


@dataclass(slots=True)
class Watch:
    """The numbers of one Canvas as they were last read, and the changes that led to them."""

    workspace: WorkspaceId
    canvas: CanvasId
    pool: Pool
    stopping: asyncio.Event
    now: Told = field(default_factory=dict)
    place: int = 0
    pages: int = 0
    over: bool = False
    wanted_until: float = 0.0
    _kept: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=LIVE_CHANGES_KEPT))
    _run: str = field(default_factory=lambda: secrets.token_hex(4))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        """Read the numbers, and wake the pages if they changed. Raises NotFoundError."""
        fresh = await run_in_threadpool(self._read)
        change = difference(self.now, fresh)
        self.now = fresh
        if change:
            self.place += 1
            self._kept.append((self.place, self._event("change", change)))
            self._wake()

    async def follow(self) -> None:
        """Read on for as long as somebody watches."""
        try:
            while self.pages or time.monotonic() < self.wanted_until:
                if await _is_set_within(self.stopping, LIVE_READ_S):
                    break
                await self.read()
        except (TowpathError, DatabaseLost) as error:
            telemetry.tell(Event.SERVICE_FAILED, service="live", error=type(error).__name__)
        finally:
            self.over = True
            self._wake()

    async def stream(self, last_event: str | None) -> AsyncIterator[bytes]:
        """What one page hears, from the event after `last_event` if that is still known here."""
        self.pages += 1
        until = time.monotonic() + LIVE_STREAM_S
        try:
            heard = self._known(last_event)
            if heard is None:
                heard = self.place
                yield b"retry: 1000\n" + self._event("snapshot", self.now)
            while not self.over and time.monotonic() < until:
                changed = self._changed
                news = [event for place, event in self._kept if place > heard]
                heard = self.place
                if news:
                    yield b"".join(news)
                elif not await _is_set_within(changed, LIVE_ALIVE_S):
                    yield b": still here\n\n"
        finally:
            self.pages -= 1
            self.wanted_until = time.monotonic() + LINGER_S  # it may be about to ask again

    def _read(self) -> Told:
        with self.pool.connection() as db:
            return asdict(movements.read(db, self.workspace, self.canvas))

    def _known(self, last_event: str | None) -> int | None:
        """The place of that event, if every change after it is still kept."""
        run, _, place = (last_event or "").rpartition("-")
        if run != self._run or not place.isdecimal() or not place.isascii():
            return None
        first = self._kept[0][0] if self._kept else self.place + 1
        return int(place) if first - 1 <= int(place) <= self.place else None

    def _event(self, name: str, told: Told) -> bytes:
        text = json.dumps(told, separators=(",", ":"))
        return f"id: {self._run}-{self.place}\nevent: {name}\ndata: {text}\n\n".encode()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


@dataclass(slots=True)
class Watches:
    """The Canvases that are watched in this process."""

    _found: dict[CanvasId, Watch] = field(default_factory=dict)
    _readers: set[asyncio.Task[None]] = field(default_factory=set)

    async def of(
        self, workspace: WorkspaceId, canvas: CanvasId, pool: Pool, stopping: asyncio.Event
    ) -> Watch:
        """The watch of a Canvas, begun if nobody watches it yet. Raises NotFoundError."""
        found = self._found.get(canvas)
        if found is None or found.over or found.workspace != workspace:
            found = Watch(workspace, canvas, pool, stopping)
            await found.read()
            other = self._found.get(canvas)
            if other is not None and not other.over:  # two began at once: one is enough
                found = other
            else:
                self._found[canvas] = found
                reader = asyncio.create_task(self._follow(found))
                self._readers.add(reader)
                reader.add_done_callback(self._readers.discard)
        found.wanted_until = time.monotonic() + LINGER_S
        return found

    async def _follow(self, watch: Watch) -> None:
        await watch.follow()
        if self._found.get(watch.canvas) is watch:
            del self._found[watch.canvas]


def difference(was: Told, now: Told) -> Told:
    """What of the numbers is new: of counters and standing the steps that changed (nobody left: 0),
    of arrows those that changed, all else where it changed."""
    if not was:
        return {}
    told = {name: now[name] for name in ("state", "revision", "version") if was[name] != now[name]}
    for name, nobody in (("counters", None), ("standing", 0)):
        before, after = was[name], now[name]
        changed = {step: one for step, one in after.items() if before.get(step) != one}
        if nobody is not None:
            changed |= dict.fromkeys(before.keys() - after.keys(), nobody)
        if changed:
            told[name] = changed
    before = {(one["step"], one["edge"]): one["people"] for one in was["edges"]}
    edges = [one for one in now["edges"] if before.get((one["step"], one["edge"])) != one["people"]]
    return told | ({"edges": edges} if edges else {})


@router.get(
    "/v1/canvases/{canvas}/live",
    operation_id="watch_canvas",
    status_code=200,
    response_class=EventStream,
    responses=documented(404),
)
async def watch_canvas(
    canvas: Id,
    caller: Reader,
    request: Request,
    last_event_id: Annotated[
        str | None, Header(max_length=100, description="Go on after this event.")
    ] = None,
) -> EventStream:
    """The Canvas' state, counters, arrows and who stands where, as they change.

    Server-sent events: `snapshot` with everything, then `change` with what is different. A comment
    comes when nothing happens; the stream ends now and then, and goes on when asked for again.
    """
    state = request.app.state
    watch = await state.watches.of(
        caller.workspace, CanvasId(canvas), state.parts.pool, state.parts.stopping
    )
    return EventStream(watch.stream(last_event_id))


async def _is_set_within(event: asyncio.Event, span_s: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), span_s)
    except TimeoutError:
        return False
    return True
