"""Heads of requests, bounded in time and size: whoever sends one byte at a time holds nobody up.

uvicorn waits for a head for as long as the caller likes, and keeps all that comes. Here a
connection on which nobody is being answered has HEAD_S_MAX to bring the next head whole, in which
idle ones that uvicorn keeps (`timeout_keep_alive`) have even less; a head has at most
HEAD_BYTES_MAX and HEAD_FIELDS_MAX fields. How long a body may take its route says.
"""

import asyncio
import secrets
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from towpath.api.problems import Problem, answer_of
from towpath.limits import HEAD_BYTES_MAX, HEAD_FIELDS_MAX, HEAD_S_MAX

UNREADABLE = Problem(400, "The request is no HTTP.", remedy="Send HTTP/1.1.")
TOO_SLOW = Problem(408, "The head of the request did not come whole within the time there is.")
TOO_LARGE = Problem(
    431,
    f"The head is larger than {HEAD_BYTES_MAX} bytes, or has more than {HEAD_FIELDS_MAX} fields.",
    remedy="Send fewer or shorter header fields, or a shorter address.",
)


class BoundedHeads(HttpToolsProtocol):
    """For `uvicorn.Config(http=...)`."""

    _timer: asyncio.TimerHandle | None = None
    _begun = False
    _in_body = False
    _bytes = 0
    _raw_bytes = 0

    def connection_made(  # type: ignore[override]  # uvicorn's own is as narrow
        self, transport: asyncio.Transport
    ) -> None:
        """The time for the first head begins."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Part of a head, of a body, or whole requests."""
        if self._is_closing():
            return
        if not self._is_answering():
            self._wait()
        super().data_received(data)
        if self._begun:  # a field may never end, and is told of only when it does
            self._raw_bytes += len(data)
            if self._raw_bytes > HEAD_BYTES_MAX + len(data):
                self._refuse(TOO_LARGE)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._begun, self._bytes, self._raw_bytes = True, 0, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Part of the address."""
        self._count(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of a body's end."""
        self._count(name, value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: somebody is being answered now."""
        self._begun, self._in_body = False, True
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._in_body = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the signature is uvicorn's
        """What the parser could not read, or we would not."""
        self._refuse(TOO_LARGE if self._is_too_large() else UNREADABLE)

    def _count(self, *parts: bytes) -> None:
        """Raises ValueError, on which the parser gives up."""
        self._bytes += sum(map(len, parts))
        if self._is_too_large():
            raise ValueError("the head is too large")

    def _is_too_large(self) -> bool:
        fields = 0 if self.headers is None else len(self.headers)
        return self._bytes > HEAD_BYTES_MAX or fields > HEAD_FIELDS_MAX

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _is_closing(self) -> bool:
        return self.transport is None or self.transport.is_closing()

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_S_MAX, self._end_waiting)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_waiting(self) -> None:
        """The time is over; a caller who never began one is not spoken to."""
        self._timer = None
        if self._is_closing() or self._is_answering():
            return
        if self._begun:
            self._refuse(TOO_SLOW)
        else:
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        """Answer and close; who is being answered already is only cut off."""
        self._begun = False
        self._stop_waiting()
        if self._is_closing():
            return
        if not self._is_answering():
            self.transport.write(_written(problem))
        self.transport.close()


def _written(problem: Problem) -> bytes:
    request_id = secrets.token_hex(12)
    answer = answer_of(problem, request_id)
    status = HTTPStatus(problem.status)
    fields = [
        *answer.raw_headers,
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),
    ]
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in fields]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])
