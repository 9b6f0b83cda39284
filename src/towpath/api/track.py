"""`POST /users/track`: people's attributes, events and purchases, as Braze takes them.

A 2xx means that what was taken is durable. What could not be taken is named in `errors`, object by
object; a call of which nothing can be taken is 422 with the same list. docs/track.md.
"""

import hashlib
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, Field

from towpath.api.callers import Caller, Scope, needs
from towpath.api.gather import Gather, Sent
from towpath.api.idempotency import AGAIN
from towpath.api.problems import MEDIA_TYPE, Problem, answer_of, documented
from towpath.api.track_body import read_body
from towpath.api.track_shapes import REQUEST_BODY
from towpath.limits import IDEMPOTENCY_KEY_CHARS_MAX, TRACK_BODY_BYTES_MAX
from towpath.people.track import NoJsonError, TooManyObjectsError, TrackCall
from towpath.people.track_answer import told
from towpath.store.idempotent_answers import Asked

router = APIRouter()

_ROUTE = "POST /users/track"
_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=IDEMPOTENCY_KEY_CHARS_MAX,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key with the same body acts once and is answered alike.",
    ),
]


class TrackErrorAnswer(BaseModel):
    """An object that was not taken, or a key of it."""

    type: str = Field(description="Why, in words.")
    input_array: str = Field(description="attributes, events or purchases.")
    index: int = Field(description="The object's place in that array, from 0.")
    field: str = Field(description="The key; empty when it is the object as a whole.")


class TrackAnswer(BaseModel):
    """What was taken."""

    message: str = Field(description='"success".')
    attributes_processed: int | None = None
    events_processed: int | None = None
    purchases_processed: int | None = None
    errors: list[TrackErrorAnswer] | None = None


@router.post(
    "/users/track",
    status_code=201,
    summary="Take attributes, events and purchases",
    response_model=TrackAnswer,
    responses=documented(400, 408, 409, 413, 415, 422),
    openapi_extra={"requestBody": REQUEST_BODY},
    max_body_size=TRACK_BODY_BYTES_MAX,
    tags=["users"],
)
async def track(
    request: Request,
    caller: Annotated[Caller, needs(Scope.TRACK)],
    key: _Key = None,
) -> Response:
    """Store what the call holds, and answer once it is durable."""
    body = await read_body(request)
    asked = None if key is None else Asked(_ROUTE, key, hashlib.sha256(body).digest())
    gather: Gather = request.app.state.gather
    try:
        found = await gather.store(caller.workspace, Sent(body, asked))
    except NoJsonError as error:
        raise Problem(400, error.message, remedy=error.remedy, field=error.field) from None
    except TooManyObjectsError as error:
        raise Problem(413, error.message, remedy=error.remedy, field=error.field) from None
    if isinstance(found, TrackCall):
        return _refused(found, request.state.request_id)
    answer = Response(found.body, found.status, media_type="application/json")
    if found.again:
        answer.headers[AGAIN] = "true"
    return answer


def _refused(call: TrackCall, request_id: str) -> Response:
    """Nothing was taken: a problem, with Braze's `message` and `errors` beside it."""
    errors = told(call.errors)
    first = errors[0]
    problem = Problem(
        422,
        f"None of the objects can be taken. The first: {first['type']}.",
        remedy="`errors` says why, object by object.",
        field=f"{first['input_array']}[{first['index']}].{first['field']}".rstrip("."),
    )
    body: dict[str, Any] = msgspec.json.decode(bytes(answer_of(problem, request_id).body))
    body |= {"message": problem.message, "errors": errors}
    return Response(msgspec.json.encode(body), 422, media_type=MEDIA_TYPE)
