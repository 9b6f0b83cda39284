"""Continuous segment syncs over HTTP: an audience kept equal to a segment, without a Canvas.

A plan is the data of a sync file (docs/segment-sync.md) as JSON.
"""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from towpath.api import syncing
from towpath.api.bodies import Body, Id
from towpath.api.callers import Caller
from towpath.api.canvases import Counters, Launcher, Reader
from towpath.api.database import Database, Now
from towpath.api.pages import Cursor, Page
from towpath.api.problems import documented
from towpath.api.reaching import reaching
from towpath.canvas.findings import Level
from towpath.canvas.segment_sync import SegmentSync
from towpath.clock import Instant
from towpath.errors import InputError
from towpath.ids import CanvasId
from towpath.store import audit_trail, canvases, segment_syncs
from towpath.store.database import Db

router = APIRouter(prefix="/v1/segment-syncs", tags=["segment syncs"])


class SyncShown(BaseModel):
    """A sync. `people`: so many of the segment could be sent when it was last looked at."""

    id: int
    name: str
    state: Literal["running", "paused", "stopped"]
    plan: dict[str, Any]
    people: int
    looked_at: datetime | None
    look_at: datetime | None = Field(description="When it is looked at next.")
    emptying: bool = Field(description="Everybody is taken out, and then it stops.")
    trouble: str | None = Field(description="Why the last look failed.")
    created_at: datetime
    steps: dict[Literal["add", "remove"], Counters]
    reasons: dict[str, dict[str, dict[str, int]]]


class NewSync(Body):
    """A sync to begin."""

    plan: Annotated[
        dict[str, Any],
        Field(
            description="A sync file as JSON: sync, segment, partner, ad_account, audience, fields."
        ),
    ]


class Stopping(Body):
    """How it stops."""

    remove_everyone: bool = Field(
        default=False, description="Take out everybody whom the sync wants in, first."
    )


@router.get("", operation_id="list_segment_syncs")
def list_segment_syncs(caller: Reader, db: Database, cursor: Cursor) -> Page[SyncShown]:
    """The workspace's syncs, by name."""
    found = segment_syncs.list_page(db, caller.workspace, after=cursor.text, limit=cursor.limit + 1)
    shown = [SyncShown.model_validate(syncing.shown(db, one)) for one in found]
    return cursor.page(shown, lambda one: one.name)


@router.post(
    "", status_code=201, operation_id="create_segment_sync", responses=documented(404, 409, 502)
)
def create_segment_sync(
    body: NewSync, caller: Launcher, db: Database, now: Now, request: Request
) -> SyncShown:
    """Check the plan, make its audience, and begin. Its name must be free."""
    plan = SegmentSync.parse(body.plan)
    made, found = reaching(
        request,
        lambda reach: syncing.begin(db, caller.workspace, plan, reach, now, actor=caller.actor),
    )
    if made is None:
        first = next(one for one in found if one.level is Level.ERROR)
        raise InputError(first.message, remedy=first.hint, field=f"plan.{first.field}")
    sync = segment_syncs.read(db, caller.workspace, made)
    return SyncShown.model_validate(syncing.shown(db, sync))


@router.get("/{sync}", operation_id="read_segment_sync", responses=documented(404))
def read_segment_sync(sync: Id, caller: Reader, db: Database) -> SyncShown:
    """A sync with the counters of its two steps."""
    found = segment_syncs.read(db, caller.workspace, CanvasId(sync))
    return SyncShown.model_validate(syncing.shown(db, found))


@router.post("/{sync}/pause", operation_id="pause_segment_sync", responses=documented(404, 409))
def pause_segment_sync(sync: Id, caller: Launcher, db: Database, now: Now) -> SyncShown:
    """Look no more until it is resumed; what is pending is still sent."""
    with _noted(db, caller, "segment_sync.paused", sync, now):
        canvases.pause(db, caller.workspace, CanvasId(sync), now)
    return read_segment_sync(sync, caller, db)


@router.post("/{sync}/resume", operation_id="resume_segment_sync", responses=documented(404, 409))
def resume_segment_sync(sync: Id, caller: Launcher, db: Database, now: Now) -> SyncShown:
    """Look again: at once, if the time has come meanwhile."""
    with _noted(db, caller, "segment_sync.resumed", sync, now):
        canvases.resume(db, caller.workspace, CanvasId(sync), now)
    return read_segment_sync(sync, caller, db)


@router.post("/{sync}/stop", operation_id="stop_segment_sync", responses=documented(404, 409))
def stop_segment_sync(
    sync: Id, body: Stopping, caller: Launcher, db: Database, now: Now
) -> SyncShown:
    """Look no more. People stay in the audience unless `remove_everyone` takes them out first."""
    with _noted(db, caller, "segment_sync.stopped", sync, now) as told:
        told["remove_everyone"] = body.remove_everyone
        segment_syncs.stop(
            db, caller.workspace, CanvasId(sync), remove_everyone=body.remove_everyone, now=now
        )
    return read_segment_sync(sync, caller, db)


def _noted(
    db: Db, caller: Caller, action: str, sync: int, now: Instant
) -> AbstractContextManager[dict[str, object]]:
    found = segment_syncs.read(db, caller.workspace, CanvasId(sync))
    where = f"segment sync {found.plan.name}"
    return audit_trail.noted(db, caller.workspace, caller.actor, action, where, now)
