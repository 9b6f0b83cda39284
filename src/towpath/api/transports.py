"""How people reach their audiences: within seconds, or by files some updates a day; and the move
from the one to the other (docs/transports.md). The API's routes and the commands both call this.
"""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints

from towpath.api import syncing
from towpath.api.bodies import Body
from towpath.api.callers import Caller, Scope, needs
from towpath.api.database import Database, Now
from towpath.api.problems import documented
from towpath.api.reach import DEADLINE_S, Place, Reach, place_of
from towpath.api.reaching import reaching
from towpath.canvas.findings import Level
from towpath.canvas.segment_sync import SegmentSync
from towpath.clock import Instant
from towpath.errors import ConflictError, InputError
from towpath.ids import AudienceId, CanvasId, WorkspaceId
from towpath.limits import FILE_PEOPLE_MIN
from towpath.partners.registry import PARTNERS
from towpath.people.action import Action
from towpath.people.filter import InAudience, Standing
from towpath.people.match_field import fields_of
from towpath.people.people_set import union
from towpath.store import (
    audiences,
    audit_trail,
    connections,
    file_updates,
    ledgers,
    segment_syncs,
    segments,
)
from towpath.store.database import Db
from towpath.store.file_updates import DAY, FileAudience

router = APIRouter(prefix="/v1/transports", tags=["transports"])
Reader = Annotated[Caller, needs(Scope.CANVASES_READ)]
Launcher = Annotated[Caller, needs(Scope.CANVASES_LAUNCH)]

NOTES = {
    "streaming": "People reach the audience within seconds.",
    "files": "Not near real time: TikTok takes a file about once an hour, and works on it for up to"
    " 48 hours.",
}


class FileAudienceShown(BaseModel):
    """An audience that files fill."""

    audience: int
    name: str
    id: str | None = Field(description="The partner's id; null: its first file makes it.")
    adding: int = Field(description="People who wait to be added.")
    removing: int
    updates: int = Field(description="Of the last 25 hours.")
    next_update_at: datetime | None = Field(
        description="When the next file may leave; null: too few people wait for the first one."
    )
    people_needed: int = Field(description="So many make the first file; 0: it is made.")


class TransportShown(BaseModel):
    """A connection, and how the audiences are filled that are made with it from now on."""

    connection: int
    name: str
    transport: Literal["streaming", "files"]
    near_real_time: bool
    note: str
    may_stream_since: datetime | None = Field(
        description="Since when TikTok has the app on the allowlist, though files are sent: its"
        " audiences can be moved."
    )
    audiences: list[FileAudienceShown]


class Move(Body):
    """An audience to move."""

    audience: int
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = Field(
        max_length=70, description="Of the new audience."
    )


class Moved(BaseModel):
    """The new audience is kept equal to the old one by a segment sync, until that is stopped."""

    audience: int
    segment_sync: int


@router.get("", operation_id="list_transports")
def list_transports(caller: Reader, db: Database, now: Now) -> list[TransportShown]:
    """Each connection's transport, and the audiences that files fill."""
    return shown(db, caller.workspace, now)


@router.post("/moves", status_code=201, operation_id="move", responses=documented(404, 409, 502))
def move_audience(body: Move, caller: Launcher, db: Database, now: Now, request: Request) -> Moved:
    """Move an audience to streaming, once the app is allowlisted."""
    return reaching(
        request,
        lambda reach: move(
            db, caller.workspace, AudienceId(body.audience), body.name, reach, now, caller.actor
        ),
    )


def shown(db: Db, workspace: WorkspaceId, now: Instant) -> list[TransportShown]:
    """Each connection, by name."""
    found = file_updates.list_all(db, workspace)
    return [
        TransportShown(
            connection=one.id,
            name=one.name,
            transport="files" if one.by_files else "streaming",
            near_real_time=not one.by_files,
            note=NOTES["files" if one.by_files else "streaming"],
            may_stream_since=one.streaming_since,
            audiences=[_audience(db, each, now) for each in found if each.connection == one.id],
        )
        for one in connections.list_all(db, workspace)
    ]


async def move(
    db: Db,
    workspace: WorkspaceId,
    audience: AudienceId,
    name: str,
    reach: Reach,
    now: Instant,
    actor: str,
) -> Moved:
    """Make a streaming audience of that name, and keep it equal to this one, which files go on to
    fill until nothing names it. Raises NotFoundError, ConflictError when TikTok does not let the
    app stream or the name is taken, PartnerError.
    """
    old = audiences.read(db, workspace, audience)
    place = place_of(db, workspace, old.ad_account)
    if not old.by_files or not old.made:
        raise ConflictError(
            f"{old.name!r} is not filled by files." if old.made else f"{old.name!r} is not made.",
            remedy="`towpath transport list` shows what can be moved.",
            field="audience",
        )
    await _check_allowlisted(db, place, reach)
    plan = SegmentSync.parse(
        {
            "sync": f"{old.name} to {name}",
            "segment": f"In {old.name} ({old.partner_ref})",
            "partner": place.partner,
            "ad_account": place.account.partner_ref,
            "audience": {"create": name},
            "fields": [one.value for one in fields_of(ledgers.peek(db, audience).head.fields)],
        }
    )
    if segment_syncs.find(db, workspace, plan.name):
        raise segment_syncs.taken(plan.name)
    where = f"audience {old.name}"
    with audit_trail.noted(db, workspace, actor, "audience.moved", where, now) as told:
        told["to"] = name
        connections.set_transport(db, place.connection, now, by_files=False)
        if segments.find(db, workspace, plan.segment) is None:
            tree = InAudience(None, old.partner_ref, place.account.partner_ref, Standing.WANTED)
            segments.create(db, workspace, plan.segment, tree, now)
    made, found = await syncing.begin(db, workspace, plan, reach, now, actor=actor)
    if made is None:
        first = next(one for one in found if one.level is Level.ERROR)
        raise InputError(first.message, remedy=first.hint, field="name")
    (new,) = audiences.find_by_name(db, workspace, old.ad_account, name)[-1:]
    return Moved(audience=new.id, segment_sync=CanvasId(made))


async def _check_allowlisted(db: Db, place: Place, reach: Reach) -> None:
    door, base_url, token = place.open(db, reach)
    may = await PARTNERS[place.partner].may_stream(
        door,
        base_url,
        token,
        ad_account_ref=place.account.partner_ref,
        deadline_s=DEADLINE_S,
    )
    if not may:
        raise ConflictError(
            "TikTok has not put the app on the allowlist of its Streaming API."
            if may is False
            else "TikTok did not tell whether the app may stream.",
            remedy="Ask your TikTok representative, and try again then.",
        )


def _audience(db: Db, one: FileAudience, now: Instant) -> FileAudienceShown:
    standing = file_updates.standing(db, one.id, now)
    made = audiences.is_made(one.partner_ref)
    at = standing.free_at(now)
    with db.transaction():
        state = ledgers.read_all(db, ledgers.peek(db, one.id))
    adding, removing = (len(union(state.due(action).values())) for action in Action)
    if not adding + removing:
        whole = standing.newest_whole
        at = max(at, now if whole is None else whole + DAY)
    waits = not made and adding < FILE_PEOPLE_MIN
    return FileAudienceShown(
        audience=one.id,
        name=one.name,
        id=one.partner_ref if made else None,
        adding=adding,
        removing=removing,
        updates=standing.updates,
        next_update_at=None if waits else at,
        people_needed=0 if made else FILE_PEOPLE_MIN,
    )
