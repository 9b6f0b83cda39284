"""The sync log over HTTP: each request to a partner, where its people had come from, and how long
people of a step wait until the partner accepts them. Nothing is sent or stored here.
"""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from towpath.api.bodies import Id
from towpath.api.canvases import Reader
from towpath.api.database import Database, Now
from towpath.api.pages import Asked, Cursor, Page
from towpath.api.problems import documented
from towpath.clock import Instant, instant
from towpath.ids import CanvasId, WorkspaceId
from towpath.limits import AUDIENCE_SEARCH_CHARS_MAX
from towpath.people.action import Action
from towpath.store import canvases, sync_log
from towpath.store.canvases import Canvas
from towpath.store.database import Db
from towpath.store.sync_log import Logged, Wanted

router = APIRouter(prefix="/v1", tags=["sync log"])

State = Literal["in_flight", "applied", "refused", "unknown"]
ActionName = Literal["add", "remove"]
Moment = Annotated[AwareDatetime, BeforeValidator(lambda text: instant(str(text)))]
"""A time with its zone; a bare number, which pydantic would take for seconds, is none."""
HOURS = 24
HOURS_MAX = 720


class RequestRow(BaseModel):
    """A request to a partner, and its answer. It names nobody and holds no key."""

    id: int
    started_at: datetime
    answered_at: datetime | None
    audience: str
    audience_id: str = Field(description="The partner's id of the audience.")
    ad_account: str = Field(description="The partner's id of the ad account.")
    connection: str
    action: ActionName
    fields: list[str]
    people: int = Field(description="How many people it carried.")
    attempt: int = Field(description="1: the first try of its people.")
    state: State = Field(description="unknown: it may have been applied.")
    cause: str | None
    code: int | None = Field(description="The partner's code.")
    message: str | None = Field(description="The partner's message.")
    partner_request_ref: str | None = Field(description="The partner's own id of the request.")
    retry_at: datetime | None = Field(description="When its people are tried again.")
    parent: int | None = Field(description="The request that this one retries.")
    root: int | None = Field(description="The first of its line of tries.")
    parts: int = Field(description="Into how many the first one is halved by now.")


class OriginShown(BaseModel):
    """A step from which people of a request had come."""

    canvas_id: int
    canvas: str
    kind: Literal["canvas", "segment sync"]
    version: int
    step: str
    last_arrived_at: datetime
    people: int


class RequestShown(RequestRow):
    """A request, the whole line of tries that it is in, oldest first, and whose it was."""

    line: list[RequestRow]
    people_from: list[OriginShown]
    people_from_elsewhere: int = Field(
        description="Who came by no step: keys that leave, erasures, requests that are repeated."
    )


class AcceptedShown(BaseModel):
    """How long people of a step waited until the partner accepted them."""

    people: int = Field(description="Of so many.")
    p50_s: float = Field(description="Half of them were accepted within so many seconds.")
    p95_s: float


class EnterToAccepted(BaseModel):
    """By step: from arriving at it to the first applied answer to a request that carried them."""

    since: datetime
    steps: dict[str, AcceptedShown]


@router.get("/requests", operation_id="list_requests", responses=documented(404))
def list_requests(
    caller: Reader,
    db: Database,
    cursor: Cursor,
    audience: Annotated[
        str | None,
        Query(max_length=AUDIENCE_SEARCH_CHARS_MAX, description="Its name or the partner's id."),
    ] = None,
    state: State | None = None,
    action: ActionName | None = None,
    code: Annotated[int | None, Query(ge=-(2**31), lt=2**31)] = None,
    since: Annotated[Moment | None, Query(description="Made at this time or later.")] = None,
    until: Annotated[Moment | None, Query(description="Made before this time.")] = None,
) -> Page[RequestRow]:
    """Requests to partners, newest first."""
    found = wanted(audience, state, action, code, since, until)
    return listed(db, caller.workspace, found, cursor)


@router.get("/requests/{request}", operation_id="read_request", responses=documented(404))
def read_request(
    request: Annotated[int, Path(ge=1, lt=2**63)], caller: Reader, db: Database
) -> RequestShown:
    """A request with its line of tries, and the steps its people had come from."""
    return shown(db, caller.workspace, request)


@router.get(
    "/canvases/{canvas}/enter-to-accepted",
    operation_id="read_enter_to_accepted",
    responses=documented(404),
)
def read_enter_to_accepted(
    canvas: Id,
    caller: Reader,
    db: Database,
    now: Now,
    hours: Annotated[
        int, Query(ge=1, le=HOURS_MAX, description="Who arrived in the last so many hours.")
    ] = HOURS,
) -> EnterToAccepted:
    """How long people of each Audience Sync step waited for the partner, all versions together."""
    found = canvases.read(db, caller.workspace, CanvasId(canvas))
    return accepted(db, caller.workspace, found, now, hours)


def wanted(
    audience: str | None,
    state: str | None,
    action: str | None,
    code: int | None,
    since: Instant | None,
    until: Instant | None,
) -> Wanted:
    """The filter, from its words."""
    return Wanted(
        audience,
        state.replace("_", " ") if state else None,
        Action[action.upper()] if action else None,
        code,
        since,
        until,
    )


def listed(db: Db, workspace: WorkspaceId, asked: Wanted, cursor: Asked) -> Page[RequestRow]:
    """A page of the log. Raises NotFoundError."""
    found = sync_log.read_page(db, workspace, asked, before=cursor.number, limit=cursor.limit + 1)
    return cursor.page([RequestRow.model_validate(_row(one)) for one in found], lambda row: row.id)


def shown(db: Db, workspace: WorkspaceId, request: int) -> RequestShown:
    """A request, whole. Raises NotFoundError."""
    found = sync_log.read(db, workspace, request)
    origins = [asdict(one) | {"canvas_id": one.canvas, "canvas": one.name} for one in found.origins]
    return RequestShown.model_validate(
        _row(found.request)
        | {"line": [_row(one) for one in found.line], "people_from": origins}
        | {"people_from_elsewhere": found.others}
    )


def accepted(
    db: Db, workspace: WorkspaceId, canvas: Canvas, now: Instant, hours: int = HOURS
) -> EnterToAccepted:
    """Enter-to-accepted of a Canvas' steps, of who arrived in the last so many hours."""
    versions = [one.id for one in canvases.versions(db, workspace, canvas.id)]
    since = now - timedelta(hours=hours)
    found = sync_log.enter_to_accepted(db, versions, since)
    steps = {str(step): AcceptedShown.model_validate(asdict(one)) for step, one in found.items()}
    return EnterToAccepted(since=since, steps=steps)


def _row(one: Logged) -> dict[str, Any]:
    found = asdict(one)
    return found | {
        "audience_id": one.audience_ref,
        "ad_account": one.ad_account_ref,
        "action": one.action.name.lower(),
        "fields": [field.value for field in one.fields],
        "attempt": one.tries,
        "state": one.state.replace(" ", "_"),
    }
