"""Launching and publishing over HTTP: the findings and the count to acknowledge, then the version.

A launch asks for the number of people that its preview showed: whoever launches has seen how many
it means. Publishing asks where the people of changed steps go, and says it before.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from towpath.api import launching
from towpath.api.bodies import Body, Id
from towpath.api.callers import Caller
from towpath.api.canvases import Checked, Launcher, Reader, Revision, Saved, Writer, told
from towpath.api.database import Database, Now
from towpath.api.problems import documented
from towpath.api.reaching import reaching
from towpath.canvas.difference import Change, Move, differences
from towpath.canvas.findings import Finding, launchable
from towpath.canvas.graph import Graph
from towpath.errors import InputError
from towpath.ids import CanvasId, StepId
from towpath.limits import CANVAS_STEPS_MAX, PROFILE_NUMBER_MAX
from towpath.store import canvases, publishing

router = APIRouter(prefix="/v1/canvases/{canvas}", tags=["canvases"])

Redirects = Annotated[
    dict[str, str | None],
    Field(
        max_length=CANVAS_STEPS_MAX,
        description="Where the people of a step go instead: a step of the draft, or null: out.",
    ),
]


class LaunchPreview(Checked):
    """What a launch would do now."""

    revision: int
    people: int = Field(
        description="Who matches the entry's filter now: acknowledge it. 0 where `one_by_one`."
    )
    one_by_one: bool = Field(description="People enter when they act, or when a call names them.")


class Launching(Body):
    """The draft that was read, and the count that was shown."""

    revision: Revision
    people: Annotated[int, Field(ge=0, le=PROFILE_NUMBER_MAX)]


class Launched(BaseModel):
    """The version that runs now."""

    version: int = Field(description="Its number.")


class ChangeShown(BaseModel):
    """A difference, by its place in the file."""

    place: str
    kind: Literal["added", "removed", "changed"]
    was: Any
    now: Any


class MoveShown(BaseModel):
    """Where the people of a step go; `to` null: out of the Canvas."""

    version: int
    step: str
    people: int
    to: str | None
    how: Literal["stays", "redirected", "leaves"]


class Publishing(Body):
    """The draft that was read, and where people of steps go that are gone."""

    revision: Revision
    redirects: Redirects = Field(default_factory=dict)


class PublishPreview(Checked):
    """What publishing would do now."""

    revision: int
    differences: list[ChangeShown]
    moves: list[MoveShown]


class Published(BaseModel):
    """The version that runs now, and where people went."""

    version: int
    moves: list[MoveShown]


class Restoring(Body):
    """Bring an older version back as the draft that replaces the one read at `revision`."""

    revision: Revision
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


def _refuse(findings: list[Finding]) -> None:
    """Raise a problem that names the first finding which stands in the way."""
    if launchable(findings):
        return
    errors = [one for one in findings if one.level == "error"]
    more = f" {len(errors) - 1} more stand in the way." if len(errors) > 1 else ""
    raise InputError(f"{errors[0].message}{more}", remedy=errors[0].hint, field=errors[0].place)


@router.get("/launch", operation_id="preview_launch", responses=documented(404, 502))
def preview_launch(
    canvas: Id, caller: Reader, db: Database, now: Now, request: Request
) -> LaunchPreview:
    """The findings, and how many people the launch means."""
    found = canvases.read(db, caller.workspace, CanvasId(canvas))
    seen = reaching(
        request, lambda reach: launching.findings(db, caller.workspace, found.draft, reach, now)
    )
    people = launching.count(db, caller.workspace, found.draft, now)
    return LaunchPreview(
        **dict(told(seen)),
        revision=found.revision,
        people=people,
        one_by_one=found.draft.entry.one_by_one,
    )


@router.post(
    "/launch", status_code=201, operation_id="launch_canvas", responses=documented(404, 409, 502)
)
def launch_canvas(
    canvas: Id, body: Launching, caller: Launcher, db: Database, now: Now, request: Request
) -> Launched:
    """Freeze the draft as a version and let people in. Of launches at once one wins."""
    found = canvases.read(db, caller.workspace, CanvasId(canvas))
    canvases.check_revision(found, body.revision)
    launching.check_count(db, caller.workspace, found.draft, body.people, now)
    version, findings = reaching(
        request,
        lambda reach: launching.launch(db, caller.workspace, found, reach, now, actor=caller.actor),
    )
    _refuse(findings)
    assert version is not None
    return Launched(version=canvases.version(db, version).number)


@router.get("/differences", operation_id="compare_versions", responses=documented(404))
def compare_versions(
    canvas: Id,
    caller: Reader,
    db: Database,
    old: Annotated[int, Query(ge=1, le=2**31 - 1, description="A version's number.")],
    new: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="Another's; without it: the draft.")
    ] = None,
) -> list[ChangeShown]:
    """How a version differs from another, or from the draft."""
    where = CanvasId(canvas)
    found = canvases.read(db, caller.workspace, where)
    was = canvases.numbered(db, caller.workspace, where, old).graph
    now = found.draft if new is None else _graph(db, caller, where, new)
    return _changes(differences(was, now))


def _graph(db: Database, caller: Caller, canvas: CanvasId, number: int) -> Graph:
    return canvases.numbered(db, caller.workspace, canvas, number).graph


@router.post(
    "/publish/preview", operation_id="preview_publish", responses=documented(404, 409, 502)
)
def preview_publish(
    canvas: Id, body: Publishing, caller: Reader, db: Database, now: Now, request: Request
) -> PublishPreview:
    """What publishing the draft would change, and where everybody inside would go."""
    found = canvases.read(db, caller.workspace, CanvasId(canvas))
    canvases.check_revision(found, body.revision)
    redirects = _redirects(body.redirects)
    moves = publishing.plan(db, caller.workspace, found.id, found.draft, redirects)
    versions = canvases.versions(db, caller.workspace, found.id)
    changed = differences(versions[-1].graph, found.draft) if versions else []
    seen = reaching(
        request, lambda reach: launching.findings(db, caller.workspace, found.draft, reach, now)
    )
    numbers = {one.id: one.number for one in versions}
    return PublishPreview(
        **dict(told(seen)),
        revision=found.revision,
        differences=_changes(changed),
        moves=[_move(one, numbers) for one in moves],
    )


@router.post("/publish", operation_id="publish_canvas", responses=documented(404, 409, 502))
def publish_canvas(
    canvas: Id, body: Publishing, caller: Launcher, db: Database, now: Now, request: Request
) -> Published:
    """Make the draft the newest version of a Canvas that runs; who is inside goes over."""
    found = canvases.read(db, caller.workspace, CanvasId(canvas))
    canvases.check_revision(found, body.revision)
    redirects = _redirects(body.redirects)
    published, findings = reaching(
        request,
        lambda reach: launching.publish(
            db, caller.workspace, found, redirects, reach, now, actor=caller.actor
        ),
    )
    _refuse(findings)
    assert published is not None
    numbers = {one.id: one.number for one in canvases.versions(db, caller.workspace, found.id)}
    return Published(
        version=numbers[published.version], moves=[_move(one, numbers) for one in published.moves]
    )


@router.post("/restore", operation_id="restore_version", responses=documented(404, 409))
def restore_version(canvas: Id, body: Restoring, caller: Writer, db: Database, now: Now) -> Saved:
    """Take an older version as the draft; publish it to go back to it."""
    where = CanvasId(canvas)
    graph = _graph(db, caller, where, body.version)
    found = canvases.read(db, caller.workspace, where)
    draft = launching.renamed(graph, found.name)
    revision = canvases.save_draft(
        db, caller.workspace, where, draft, revision=body.revision, now=now
    )
    return Saved(id=canvas, name=found.name, revision=revision)


def _redirects(given: dict[str, str | None]) -> dict[StepId, StepId | None]:
    return {StepId(step): to if to is None else StepId(to) for step, to in given.items()}


def _changes(found: list[Change]) -> list[ChangeShown]:
    return [ChangeShown.model_validate(one, from_attributes=True) for one in found]


def _move(one: Move, numbers: dict[Any, int]) -> MoveShown:
    return MoveShown(
        version=numbers[one.version], step=one.step, people=one.people, to=one.to, how=one.how
    )
