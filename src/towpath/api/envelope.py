"""What every request and every answer has, whatever the route: the outermost part of the app.

It names the request (X-Request-Id), refuses what other sites make a browser send, writes the
headers that keep a browser safe, and answers what failed without a word of what it held.
"""

import logging
import re
import secrets
import traceback
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from towpath import telemetry
from towpath.api.origins import is_cross_site
from towpath.api.problems import Problem, answer_of
from towpath.telemetry import Event

REQUEST_ID = "X-Request-Id"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Of every answer that does not say otherwise itself."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_OURS = Path(__file__).parents[1]


class Envelope:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and answer what failed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def sent(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                answered = MutableHeaders(scope=message)
                for name, text in HEADERS.items():
                    answered.setdefault(name, text)
                answered[REQUEST_ID] = request_id
            await send(message)

        if is_cross_site(scope["method"], headers):
            problem = Problem(403, "Another site asked for this.", remedy="Ask from our own pages.")
            await answer_of(problem, request_id)(scope, receive, sent)
            return
        try:
            await self._app(scope, receive, sent)
        except Exception as error:  # noqa: BLE001 - the last place that can answer
            _tell(error, request_id)
            if not started:
                problem = Problem(
                    500,
                    "Nothing you did; it was written into our log.",
                    remedy="Tell whoever runs this Towpath the request id.",
                )
                await answer_of(problem, request_id)(scope, receive, sent)


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID, "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)


def _tell(error: Exception, request_id: str) -> None:
    """The error's type and place in our code; its text may hold personal data."""
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_OURS) and frame.filename != __file__
    ]
    place = f"{Path(ours[-1].filename).relative_to(_OURS)}:{ours[-1].lineno}" if ours else ""
    telemetry.tell(
        Event.ANSWER_FAILED,
        level=logging.ERROR,
        request_id=request_id,
        error=type(error).__name__,
        place=place,
    )
