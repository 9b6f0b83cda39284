"""Canvases over HTTP: listed, drafted, checked, shown with their counters, paused and stopped.

A draft is the data of a Canvas file (docs/canvas.md) as JSON. Launching and publishing are
`api/launches.py`.
"""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from towpath.api import analytics, launching
from towpath.api.bodies import Body, Id
from towpath.api.callers import Caller, Scope, needs
from towpath.api.database import Database, Now
from towpath.api.pages import Cursor, Page
from towpath.api.problems import documented
from towpath.api.reaching import reaching
from towpath.canvas.findings import Finding, launchable
from towpath.canvas.graph import Graph, from_data, to_data
from towpath.clock import Instant
from towpath.ids import CanvasId
from towpath.limits import CANVAS_REVISION_MAX
from towpath.store import audit_trail, canvases, pauses
from towpath.store.database import Db

router = APIRouter(prefix="/v1/canvases", tags=["canvases"])
Reader = Annotated[Caller, needs(Scope.CANVASES_READ)]
Writer = Annotated[Caller, needs(Scope.CANVASES_WRITE)]
Launcher = Annotated[Caller, needs(Scope.CANVASES_LAUNCH)]

Revision = Annotated[int, Field(ge=1, le=CANVAS_REVISION_MAX, description="As it was read.")]
Draft = Annotated[dict[str, Any], Field(description="A Canvas file as JSON: canvas, entry, steps.")]


class CanvasRow(BaseModel):
    """A Canvas in the list."""

    id: int
    name: str
    state: Literal["draft", "running", "paused", "stopped"]
    revision: int
    version: int | None = Field(description="The number of the newest version.")
    inside: int = Field(description="How many people stand in it, all versions together.")
    changed_at: datetime


class Counters(BaseModel):
    """The seven counters, in the document's order. They count entries."""

    entered: int
    advanced: int
    synced: int
    not_synced: int
    pending: int
    errored: int
    exited: int


class Arrow(BaseModel):
    """So many people went along an arrow. Kept out at the door: `(entry)`, `refused: …`."""

    step: str
    edge: str
    people: int


class TroubleShown(BaseModel):
    """Why the people of a step wait, and what to do."""

    scope: str
    reason: str
    since: datetime | None
    partner_request_ref: str | None
    message: str
    remedy: str


class VersionRow(BaseModel):
    """A launched version."""

    number: int
    launched_at: datetime
    enter_at: datetime | None = Field(description="When people enter next; null: not by time.")
    inside: int


class Door(BaseModel):
    """Who came to the door, counted by entry."""

    entered: int
    control: int = Field(description="Kept out as control group; they would have entered.")
    refused: dict[str, int] = Field(description="Kept out for another reason, by reason.")


class Converted(BaseModel):
    """How often a goal was reached: at most once for an entry."""

    goal: dict[str, Any] = Field(description="As the Canvas file says it.")
    converted: int = Field(description="Entries after which it was reached.")
    rate: float | None = Field(description="Of all entries; null: nobody entered.")
    control_converted: int = Field(description="In the control group, which is not in the above.")
    control_rate: float | None = Field(description="Of the control group; null: it is empty.")


class Analytics(BaseModel):
    """What was counted, in the named versions together."""

    versions: list[int]
    counters: dict[str, Counters]
    edges: list[Arrow]
    standing: dict[str, int]
    reasons: dict[str, dict[str, dict[str, int]]] = Field(
        description="By step and counter: why, and how many."
    )
    door: Door
    conversions: list[Converted]


class CanvasShown(Analytics):
    """A Canvas: what runs, with its counters summed over all its versions, and its draft."""

    id: int
    name: str
    state: Literal["draft", "running", "paused", "stopped"]
    revision: int
    changed_at: datetime
    version: VersionRow | None
    graph: dict[str, Any] = Field(description="What runs, or the draft when nothing was launched.")
    draft: dict[str, Any]
    draft_differs: bool = Field(description="The draft is not what runs.")
    troubles: dict[str, TroubleShown]
    sandbox: bool = Field(description="It speaks to the sandbox, not to the real TikTok.")


class FindingShown(BaseModel):
    """Why a Canvas cannot launch (error), or what deserves a look (warning)."""

    code: str
    level: Literal["error", "warning"]
    step: str | None
    field: str
    place: str
    message: str
    hint: str


class Checked(BaseModel):
    """All findings at once."""

    launchable: bool
    findings: list[FindingShown]


class NewCanvas(Body):
    """A first draft."""

    draft: Draft


class ChangedDraft(Body):
    """The draft that replaces the one read at `revision`."""

    revision: Revision
    draft: Draft


class Saved(BaseModel):
    """Where a draft was saved."""

    id: int
    name: str
    revision: int


class Resuming(Body):
    """What becomes of people whose time passed while the Canvas was paused."""

    overdue: Literal["go_on", "exit"] = "go_on"


class Resumed(BaseModel):
    """The Canvas runs again."""

    state: Literal["running"]
    exiting: int = Field(description="How many overdue people leave.")


class State(BaseModel):
    """What the Canvas does now."""

    state: Literal["draft", "running", "paused", "stopped"]


def told(findings: list[Finding]) -> Checked:
    """Findings as they are answered."""
    shown = [
        FindingShown(
            code=one.code,
            level=one.level.value,
            step=one.step,
            field=one.field,
            place=one.place,
            message=one.message,
            hint=one.hint,
        )
        for one in findings
    ]
    return Checked(launchable=launchable(findings), findings=shown)


@router.get("", operation_id="list_canvases")
def list_canvases(caller: Reader, db: Database, cursor: Cursor) -> Page[CanvasRow]:
    """The workspace's Canvases, by name."""
    rows = canvases.list_page(db, caller.workspace, after=cursor.text, limit=cursor.limit + 1)
    shown = [CanvasRow.model_validate(row, from_attributes=True) for row in rows]
    return cursor.page(shown, lambda row: row.name)


@router.post("", status_code=201, operation_id="create_canvas", responses=documented(409))
def create_canvas(body: NewCanvas, caller: Writer, db: Database, now: Now) -> Saved:
    """Save a first draft, complete or not. The name is the draft's own, and must be free."""
    graph = from_data(body.draft)
    canvas = canvases.create(db, caller.workspace, graph, now)
    return Saved(id=canvas, name=graph.name, revision=1)


@router.post("/validate", operation_id="validate_canvas", responses=documented(502))
def validate_canvas(
    body: NewCanvas, caller: Reader, db: Database, now: Now, request: Request
) -> Checked:
    """Everything that would keep a draft from launching. Stores nothing."""
    graph = from_data(body.draft)
    return told(
        reaching(
            request,
            lambda reach: launching.findings(db, caller.workspace, graph, reach, now),
        )
    )


@router.get("/{canvas}", operation_id="read_canvas", responses=documented(404))
def read_canvas(
    canvas: Id, caller: Reader, db: Database, now: Now, request: Request
) -> CanvasShown:
    """A Canvas with its graph, counters, arrows, reasons and troubles."""
    found = canvases.read(db, caller.workspace, CanvasId(canvas))
    shown = analytics.whole(db, caller.workspace, found, now)
    return CanvasShown.model_validate(shown | {"sandbox": request.app.state.parts.sandbox})


@router.get("/{canvas}/analytics", operation_id="read_analytics", responses=documented(404))
def read_analytics(
    canvas: Id,
    caller: Reader,
    db: Database,
    version: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="Only this one; without it: all.")
    ] = None,
) -> Analytics:
    """The counters, arrows, reasons, refusals and conversions, all versions together or of one."""
    found = canvases.read(db, caller.workspace, CanvasId(canvas))
    return Analytics.model_validate(analytics.numbers(db, caller.workspace, found, version))


@router.put("/{canvas}/draft", operation_id="save_draft", responses=documented(404, 409))
def save_draft(canvas: Id, body: ChangedDraft, caller: Writer, db: Database, now: Now) -> Saved:
    """Replace the draft that was read at a revision. What runs is not touched."""
    graph, where = from_data(body.draft), CanvasId(canvas)
    revision = canvases.save_draft(
        db, caller.workspace, where, graph, revision=body.revision, now=now
    )
    return Saved(id=canvas, name=graph.name, revision=revision)


@router.get("/{canvas}/versions", operation_id="list_versions", responses=documented(404))
def list_versions(canvas: Id, caller: Reader, db: Database, cursor: Cursor) -> Page[VersionRow]:
    """The launched versions, oldest first."""
    canvases.read(db, caller.workspace, CanvasId(canvas))
    rows = [
        VersionRow.model_validate(analytics.version_row(db, one))
        for one in canvases.versions(db, caller.workspace, CanvasId(canvas))
        if one.number > cursor.number
    ]
    return cursor.page(rows[: cursor.limit + 1], lambda row: row.number)


@router.get("/{canvas}/versions/{number}", operation_id="read_version", responses=documented(404))
def read_version(canvas: Id, number: Id, caller: Reader, db: Database) -> dict[str, Any]:
    """The graph of a version, as a Canvas file."""
    return to_data(_version(db, caller, canvas, number))


def _version(db: Database, caller: Caller, canvas: int, number: int) -> Graph:
    return canvases.numbered(db, caller.workspace, CanvasId(canvas), number).graph


@router.post("/{canvas}/pause", operation_id="pause_canvas", responses=documented(404, 409))
def pause_canvas(canvas: Id, caller: Launcher, db: Database, now: Now) -> State:
    """Nobody enters or moves until it is resumed."""
    with _noted(db, caller, "canvas.paused", canvas, now):
        canvases.pause(db, caller.workspace, CanvasId(canvas), now)
    return State(state="paused")


@router.post("/{canvas}/resume", operation_id="resume_canvas", responses=documented(404, 409))
def resume_canvas(canvas: Id, body: Resuming, caller: Launcher, db: Database, now: Now) -> Resumed:
    """People move again; overdue people go on, or exit."""
    with _noted(db, caller, "canvas.resumed", canvas, now) as told:
        exiting = pauses.resume(
            db, caller.workspace, CanvasId(canvas), exit_overdue=body.overdue == "exit", now=now
        )
        told["exiting"] = exiting
    return Resumed(state="running", exiting=exiting)


@router.post("/{canvas}/stop", operation_id="stop_canvas", responses=documented(404, 409))
def stop_canvas(canvas: Id, caller: Launcher, db: Database, now: Now) -> State:
    """Nobody enters any more; who is inside leaves when their time comes."""
    with _noted(db, caller, "canvas.stopped", canvas, now):
        canvases.stop(db, caller.workspace, CanvasId(canvas), now)
    return State(state="stopped")


def _noted(
    db: Db, caller: Caller, action: str, canvas: int, now: Instant
) -> AbstractContextManager[dict[str, object]]:
    return audit_trail.noted(db, caller.workspace, caller.actor, action, f"canvas {canvas}", now)
