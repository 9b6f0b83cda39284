"""How a route reaches a partner: routes run in threads, so each may have a loop of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias, TypeVar

from fastapi import Request

from towpath.api.launching import Reach

T = TypeVar("T")

Opener: TypeAlias = Callable[[], AbstractAsyncContextManager[Reach]]
"""Opens the way to the partners, for the time of a request."""


def reaching(request: Request, work: Callable[[Reach], Awaitable[T]]) -> T:
    """Do what may need a partner, in a route that is a plain `def`. Raises PartnerError."""
    opener: Opener = request.app.state.parts.reach

    async def run() -> T:
        async with opener() as reach:
            return await work(reach)

    return asyncio.run(run())
