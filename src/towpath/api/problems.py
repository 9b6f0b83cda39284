"""What is said when something goes wrong: one shape, application/problem+json (RFC 9457).

Every answer that is no success bears type, title, status, detail, remedy, field and request_id. A
stranger's exception is told by nothing but the request id: its text may hold personal data.
"""

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from towpath import telemetry
from towpath.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    PartnerError,
    TowpathError,
)
from towpath.store.database import DatabaseHitch, Hitch, ValueUnstorable, hitch_of
from towpath.telemetry import Event

_SHOULD = re.compile("^(Input|List|String|Set|Tuple|Dictionary|Value|Data) should")
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2

KINDS = {
    400: ("bad-request", "The request cannot be read"),
    401: ("not-signed-in", "It is not known who calls"),
    403: ("not-allowed", "The caller may not do this"),
    404: ("not-found", "There is no such thing"),
    405: ("method-not-allowed", "This address has no such method"),
    408: ("too-slow", "The request took too long to come"),
    409: ("conflict", "It is not as it was"),
    413: ("too-large", "The request is too large"),
    415: ("unsupported-media-type", "The body is of an unknown kind"),
    422: ("invalid", "Something in the request is wrong"),
    429: ("too-many", "Too many requests"),
    431: ("head-too-large", "The head of the request is too large"),
    500: ("internal", "Something went wrong inside Towpath"),
    502: ("partner", "The partner refused, or did not answer"),
    503: ("unavailable", "Not at the moment"),
    507: ("full", "There is no room left to store anything"),
}
"""Our problems by status: the last part of `type`, and the title."""


class ProblemAnswer(BaseModel):
    """What went wrong, and what to do now."""

    type: str = Field(description="The kind of problem, such as urn:towpath:problem:not-found.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status again.")
    detail: str = Field(description="What happened, and why.")
    remedy: str = Field(description="What to do now; may be empty.")
    field: str = Field(description="Where in the request it is; empty when it is nowhere.")
    request_id: str = Field(description="Names this request in our log.")


class Problem(TowpathError):  # noqa: N818 - RFC 9457 calls it so
    """A problem with a status of its own; for what the error tree has no class for."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        remedy: str = "",
        field: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy, field=field)
        self.status = status
        self.headers = headers or {}


FAILED = Problem(
    500,
    "Nothing you did; it was written into our log.",
    remedy="Tell whoever runs this Towpath the request id.",
)


def answer_of(problem: Problem, request_id: str) -> Response:
    """The problem as an HTTP answer."""
    kind, title = KINDS[problem.status]
    told = ProblemAnswer(
        type=f"urn:towpath:problem:{kind}",
        title=title,
        status=problem.status,
        detail=problem.message,
        remedy=problem.remedy,
        field=problem.field,
        request_id=request_id,
    )
    return JSONResponse(
        told.model_dump(),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of a route: the problems that it has beyond those which all have."""
    return {
        status: {
            "description": KINDS[status][1],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}},
        }
        for status in statuses
    }


def add_to(app: FastAPI) -> None:
    """Answer every error of the app as a problem."""
    app.add_exception_handler(TowpathError, _answer)
    app.add_exception_handler(RequestValidationError, _answer)
    app.add_exception_handler(HTTPException, _answer)
    app.add_exception_handler(DatabaseHitch, _answer)
    app.add_exception_handler(ValueUnstorable, _answer)
    app.add_exception_handler(Exception, _answer_failed)


async def _answer_failed(request: Request, _error: Exception) -> Response:
    return answer_of(FAILED, request.state.request_id)


async def _answer(request: Request, error: Exception) -> Response:
    if isinstance(error, DatabaseHitch):
        hitch = hitch_of(error)
        if hitch in {Hitch.FULL, Hitch.FAILED, Hitch.SLOW}:  # somebody must do something
            telemetry.tell(
                Event.ANSWER_FAILED,
                level=logging.ERROR,
                request_id=request.state.request_id,
                error=type(error).__name__,
                hitch=hitch.value,
            )
    return answer_of(problem_of(error, request), request.state.request_id)


def problem_of(error: Exception, request: Request) -> Problem:
    """The problem that an exception is."""
    match error:
        case Problem():
            return error
        case TowpathError():
            return Problem(_status(error), error.message, remedy=error.remedy, field=error.field)
        case RequestValidationError():
            return _invalid(error, request)
        case HTTPException():
            return _http(error, request)
        case DatabaseHitch():
            return _database(hitch_of(error))
        case _:
            return Problem(422, "The request holds a value that cannot be stored.")


_HITCHES = {
    Hitch.LOST: "The database cannot be reached.",
    Hitch.CROWDED: "No connection to the database was free in time.",
    Hitch.COLLIDED: "Others changed the same things at that moment. Nothing was stored.",
    Hitch.SLOW: "The database took longer than it may. Nothing was stored.",
}


def _database(hitch: Hitch) -> Problem:
    """Why the database did not serve; what is no matter of time is no 503."""
    if hitch is Hitch.FULL:
        return Problem(
            507,
            "The database's disk is full. Nothing was stored.",
            remedy="Whoever runs this Towpath must make room; then send it again.",
        )
    if hitch is Hitch.FAILED:
        return FAILED
    return Problem(
        503,
        _HITCHES[hitch],
        remedy="Send it again in a moment.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _status(error: TowpathError) -> int:
    match error:
        case InputError():
            return 422
        case NotFoundError():
            return 404
        case ConflictError():
            return 409
        case PartnerError():
            return 502
        case _:
            return 500


def _http(error: HTTPException, request: Request) -> Problem:
    headers = dict(error.headers or {})
    if error.status_code == 405:
        methods = ", ".join(_methods_at(request))
        return Problem(
            405,
            "This address does not have that method.",
            remedy=f"It has {methods}.",
            headers=headers | {"Allow": methods},
        )
    remedies = {
        404: ("There is nothing at this address.", "/openapi.json lists the addresses."),
        413: ("The body is larger than is taken here.", "Send less at once."),
        400: ("The body cannot be read.", "Send JSON in UTF-8."),
    }
    status = error.status_code if error.status_code in KINDS else 400
    message, remedy = remedies.get(status, (HTTPStatus(status).phrase + ".", ""))
    return Problem(status, message, remedy=remedy, headers=headers)


def _methods_at(request: Request) -> list[str]:
    """The methods of all routes at this address: each route knows only its own."""
    paths, asked = request.app.openapi()["paths"], request.url.path
    found = [path for path in paths if compile_path(path)[0].match(asked)]
    return sorted({method.upper() for path in found for method in paths.get(asked, paths[path])})


def _invalid(error: RequestValidationError, request: Request) -> Problem:
    """The first fault of the request, named by its place."""
    faults = error.errors()
    first = faults[0]
    if first["loc"][0] == "path" and request.url.path in request.app.openapi()["paths"]:
        # `/things/validate` by a method that only `/things/{id}` has: its last word is no id.
        return _http(HTTPException(405), request)
    in_body = first["loc"][0] == "body"
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if in_body and kind != "application/json" and not kind.endswith("+json"):
        return Problem(
            415,
            f"The body is said to be {kind[:100] or 'nothing in particular'}.",
            remedy="Send JSON, and say so: Content-Type: application/json.",
            field="Content-Type",
        )
    if first["type"] == "json_invalid":
        return Problem(
            400, "The body is no JSON.", remedy=f"{first['ctx']['error']}.", field="body"
        )
    place = _place(first["loc"][1:]) or str(first["loc"][0])
    message = _sentence(str(first["msg"]))
    more = f" There are {len(faults) - 1} more faults." if len(faults) > 1 else ""
    remedy = str(first.get("ctx", {}).get("remedy", ""))
    field = str(first.get("ctx", {}).get("field", "")) or place
    return Problem(422, message + more, remedy=remedy, field=field)


def _place(parts: Sequence[str | int]) -> str:
    """Where in a body, as everywhere here: `paths[2].name`."""
    told = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return told.removeprefix(".")


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ").replace(" after validation", "")
    text = _SHOULD.sub("It must", text).replace("Field required", "It is missing")
    text = text.replace("Extra inputs are not permitted", "It is unknown here")
    return text if text.endswith(".") else f"{text}."
