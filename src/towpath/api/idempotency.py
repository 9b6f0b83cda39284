"""`Idempotency-Key` for routes that create: the same key and body get the same answer.

A route takes `once: Once` and returns `once.do(db, caller, now, 201, lambda: …)`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from towpath.api.callers import Caller
from towpath.clock import Instant
from towpath.limits import IDEMPOTENCY_KEY_CHARS_MAX
from towpath.store import idempotent_answers
from towpath.store.database import Db

AGAIN = "Idempotent-Replayed"


@dataclass(frozen=True, slots=True)
class Onceness:
    """The request's key, if it has one."""

    asked: idempotent_answers.Asked | None

    def do(
        self, db: Db, caller: Caller, now: Instant, status: int, work: Callable[[], BaseModel]
    ) -> Response:
        """Do the work, or answer as before. With a key it is one transaction with its answer, so it
        may not reach out of the database. Raises what the work raises, and ConflictError."""
        if self.asked is None:
            with db.transaction():
                return _json(status, work().model_dump_json().encode())

        def done() -> tuple[int, bytes]:
            return status, work().model_dump_json().encode()

        found = idempotent_answers.once(db, caller.workspace, self.asked, now, done)
        answer = _json(found.status, found.body)
        if found.again:
            answer.headers[AGAIN] = "true"
        return answer


def _json(status: int, body: bytes) -> Response:
    return Response(body, status, media_type="application/json")


async def _once(
    request: Request,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=IDEMPOTENCY_KEY_CHARS_MAX,
            pattern=r"^[\x21-\x7e]+$",
            description="The same key with the same body acts once and is answered alike.",
        ),
    ] = None,
) -> Onceness:
    if key is None:
        return Onceness(None)
    digest = hashlib.sha256(await request.body()).digest()
    route = f"{request.method} {request.url.path}"
    return Onceness(idempotent_answers.Asked(route, key, digest))


Once = Annotated[Onceness, Depends(_once)]
