"""What every request and every answer has, whatever the route: the outermost part of the app.

It names the request (X-Request-Id), refuses what other sites make a browser send, writes the
headers that keep a browser safe, and answers what failed without a word of what it held.
"""

import logging
import re
import secrets
import traceback
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from towpath import telemetry
from towpath.api.origins import is_cross_site
from towpath.api.problems import FAILED, Problem, answer_of
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
CROSS_SITE = Problem(403, "Another site asked for this.", remedy="Ask from our own pages.")
TOO_LARGE = Problem(413, "The body is larger than is taken here.", remedy="Send less at once.")
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
        sending = _Sending(send, request_id)
        if is_cross_site(scope["method"], headers):
            await answer_of(CROSS_SITE, request_id)(scope, receive, sending.send)
            return
        try:
            await self._app(scope, receive, sending.send)
        except Exception as error:  # noqa: BLE001 - the last place that can answer
            _tell(error, request_id)
            if not sending.started:
                await answer_of(FAILED, request_id)(scope, receive, sending.send)
        if sending.too_large:
            await answer_of(TOO_LARGE, request_id)(scope, receive, sending.send_ours)


@dataclass(slots=True)
class _Sending:
    """An answer on its way. The framework's own to a body beyond `max_body_size`, which is no
    problem+json, is held back: it is `too_large`, and ours goes out instead."""

    _send: Send
    _request_id: str
    started: bool = False
    too_large: bool = False

    async def send(self, message: Message) -> None:
        """What the app sends."""
        if message["type"] == "http.response.start":
            self.started = True
            kind = Headers(raw=message["headers"]).get("content-type") or ""
            self.too_large = message["status"] == 413 and kind.startswith("text/plain")
        if not self.too_large:
            await self.send_ours(message)

    async def send_ours(self, message: Message) -> None:
        """What goes out, with what every answer has."""
        if message["type"] == "http.response.start":
            answered = MutableHeaders(scope=message)
            for name, text in HEADERS.items():
                answered.setdefault(name, text)
            answered[REQUEST_ID] = self._request_id
        await self._send(message)


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
