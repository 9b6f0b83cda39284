"""The app: every route, and what holds for all of them. `cli/compose.py` builds its parts.

Routes of the shape that Braze has stand at the root; our own stand under /v1. `/openapi.json` is
exact: each route documents every problem that it can answer.
"""

import asyncio
import gc
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRouter
from starlette.types import Receive, Scope, Send

from towpath import __version__
from towpath.api import (
    alerts,
    api_keys,
    audiences,
    audit_trail,
    callback_page,
    canvases,
    connections,
    dry_runs,
    erasures,
    health,
    launches,
    live,
    people,
    problems,
    segment_syncs,
    segments,
    sign_in,
    static,
    sync_log,
    track,
    transports,
    trigger,
    users,
    workspaces,
)
from towpath.api.callback_pace import CallbackPace
from towpath.api.callers import KeptKeys
from towpath.api.envelope import Envelope
from towpath.api.gather import Gather
from towpath.api.openapi import described
from towpath.api.reaching import Opener
from towpath.limits import BODY_BYTES_MAX, GARBAGE_OBJECTS
from towpath.store.database import Pool
from towpath.store.secrets import KeyRing

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    track.router,
    sign_in.router,
    workspaces.router,
    api_keys.router,
    users.router,
    erasures.router,
    callback_page.router,
    connections.router,
    audit_trail.router,
    alerts.router,
    canvases.router,
    launches.router,
    dry_runs.router,
    audiences.router,
    segments.router,
    segment_syncs.router,
    transports.router,
    trigger.router,
    sync_log.router,
    people.router,
    live.router,
)
"""Every route there is; a line each."""


@dataclass(frozen=True, slots=True)
class ApiParts:
    """What the API is made of. `keys` open what is sealed, `reach` opens the way to the partners
    (None: neither is needed). `sandbox`: TikTok is the one that ships with Towpath. `stopping` is
    set when the process is told to end: whoever streams ends then."""

    pool: Pool
    keys: KeyRing | None = None
    reach: Opener | None = None
    sandbox: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


class _Api(FastAPI):
    """The app inside its envelope, which stands outside of all that FastAPI brings."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Envelope(super().__call__)(scope, receive, send)


def build(parts: ApiParts) -> FastAPI:
    """The app over these parts; as `app.state.parts` they are at hand for every route."""
    app = document()
    app.state.parts = parts
    app.state.kept_keys = KeptKeys()
    app.state.gather = Gather(parts.pool)
    app.state.watches = live.Watches()
    app.state.callback_pace = CallbackPace()
    static.mount(app)
    return app


def collect_seldom() -> None:
    """For the process that serves the API. What a gathered batch makes is thousands of objects that
    die together, and no cycles: looking for those every 700 took a quarter of the API's CPU."""
    gc.set_threshold(GARBAGE_OBJECTS)


def document() -> FastAPI:
    """The app without parts: enough to read its OpenAPI document."""
    app = _Api(
        title="Towpath",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        max_body_size=BODY_BYTES_MAX,
        redirect_slashes=False,
    )
    for router in ROUTERS:
        app.include_router(router)
    problems.add_to(app)
    whole = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = described(whole())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
    return app
