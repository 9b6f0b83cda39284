"""One person's whereabouts over HTTP: in which audiences, by which Canvas, step and request, since
when, and why not; and where they stand in Canvases. No identifier and no key is shown.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from towpath.api.callers import Caller, Scope, needs
from towpath.api.database import Database
from towpath.api.problems import documented
from towpath.api.sync_log import ActionName, State
from towpath.ids import AudienceId, WorkspaceId
from towpath.limits import WHEREABOUTS_SHOWN_MAX
from towpath.people.action import Action
from towpath.people.consent import ConsentState
from towpath.people.match_field import MatchField
from towpath.store import exports, stray_receipts, whereabouts, workspaces
from towpath.store.database import Db
from towpath.store.stray_receipts import Trace
from towpath.store.whereabouts import Carried, InAudience, InCanvas, Person, Visit

router = APIRouter(prefix="/v1/users", tags=["users"])
Reader = Annotated[Caller, needs(Scope.USERS_READ)]

Status = Literal[
    "in", "out", "being_added", "being_removed", "waiting_to_be_added", "waiting_to_be_removed",
    "given_up", "no_key",
]  # fmt: skip


class ConsentShown(BaseModel):
    """What the person said, and whether they may be sent to partners."""

    state: Literal["granted", "withdrawn", "unknown"]
    source: str | None
    at: datetime | None
    opt_out_sharing: bool = Field(description="They opted out, whatever consent was said.")
    may_be_sent: bool


class EntryShown(BaseModel):
    """An entry into a Canvas."""

    version: int
    at: datetime


class StandingShown(BaseModel):
    """Where the person stands in a Canvas."""

    version: int
    step: str
    since: datetime
    due_at: datetime
    paused: bool


class CanvasOf(BaseModel):
    """A Canvas that the person entered; standing nowhere, they have left it."""

    canvas_id: int
    canvas: str
    entered: list[EntryShown] = Field(description=f"At most {WHEREABOUTS_SHOWN_MAX}, newest first.")
    standing: list[StandingShown]


class Source(BaseModel):
    """The Canvas' step by which the person came to an audience, and the request that carried them;
    null where it was no step, or no request yet."""

    canvas_id: int | None
    canvas: str | None
    version: int | None
    step: str | None
    arrived_at: datetime | None
    request: int | None
    partner_request_ref: str | None


class VisitShown(BaseModel):
    """A coming to an Audience Sync step of this audience, and what became of it."""

    action: ActionName
    canvas_id: int
    canvas: str
    version: int
    step: str
    arrived_at: datetime
    state: Literal["synced", "not_synced", "pending", "errored"]
    reason: str | None
    request: int | None
    code: int | None
    partner_request_ref: str | None
    at: datetime | None = Field(description="When it was decided.")


class CarriedShown(BaseModel):
    """A request that carried the person."""

    request: int
    action: ActionName
    state: State
    attempt: int
    code: int | None
    partner_request_ref: str | None
    started_at: datetime
    answered_at: datetime | None
    retry_at: datetime | None


class Sets(BaseModel):
    """By which match fields the ledger holds the person in its sets."""

    wanted: list[MatchField] = Field(description="Shall be in.")
    acknowledged: list[MatchField] = Field(description="The partner acknowledged an add.")
    maybe: list[MatchField] = Field(description="May be in; the answer was lost.")
    parked: list[MatchField] = Field(description="Given up at the end of the time to try.")
    keyless: list[MatchField] = Field(description="There is no such key.")


class AudienceOf(BaseModel):
    """An audience that the person came to: where they are by all we know, by what, and since when.

    In means synced; the partner does not tell who matched.
    """

    audience: str
    audience_id: str = Field(description="The partner's id.")
    ad_account: str = Field(description="The partner's id.")
    deleted: bool
    status: Status
    since: datetime | None = Field(description="Since when they are in, or out.")
    by: Source | None = Field(description="What brought them in, or out, or is to.")
    earlier_keys_may_be_in: bool
    sets: Sets
    visits: list[VisitShown] = Field(description=f"At most {WHEREABOUTS_SHOWN_MAX}, newest first.")
    requests: list[CarriedShown] = Field(
        description=f"At most {WHEREABOUTS_SHOWN_MAX}, newest first."
    )


class RemovalShown(BaseModel):
    """A request that removed the person."""

    request: int
    partner_request_ref: str | None
    state: State
    started_at: datetime
    answered_at: datetime | None


class AudienceLeft(BaseModel):
    """An audience in which the person may have been."""

    audience: str
    audience_id: str = Field(description="The partner's id.")
    ad_account: str = Field(description="The partner's id.")
    state: Literal["due", "requested", "confirmed"] = Field(
        description="`requested`: a removal was accepted. `confirmed`: no earlier addition may "
        "still take effect."
    )
    requests: list[RemovalShown]


class Withdrawal(BaseModel):
    """A time from which the person was not to be sent any more: they withdrew consent, turned out
    to be too young, or the workspace became stricter; and how they left."""

    at: datetime
    audiences: list[AudienceLeft]


class Whereabouts(BaseModel):
    """Where a person is."""

    external_id: str
    created_at: datetime
    consent: ConsentShown
    match_fields: list[MatchField] = Field(description="Of which fields there is a key.")
    canvases: list[CanvasOf]
    audiences: list[AudienceOf]
    withdrawals: list[Withdrawal] = Field(description="Newest first.")


@router.get(
    "/{external_id:path}/audiences", operation_id="read_whereabouts", responses=documented(404)
)
def read_whereabouts(
    external_id: Annotated[str, Path(min_length=1, max_length=256, pattern=r"^[^\x00]+$")],
    caller: Reader,
    db: Database,
) -> Whereabouts:
    """In which audiences a person is, by which Canvas, step and request, since when; why they are
    not; and where they stand in Canvases."""
    return of(db, caller.workspace, external_id)


def of(db: Db, workspace: WorkspaceId, external_id: str) -> Whereabouts:
    """The whereabouts, of one moment. Raises NotFoundError."""
    with exports.snapshot(db):
        person = whereabouts.find(db, workspace, external_id)
        canvases = whereabouts.in_canvases(db, workspace, person)
        audiences = whereabouts.in_audiences(db, workspace, person)
        left = stray_receipts.opt_outs(db, workspace, person.everything)
        places = stray_receipts.places(db, (one.audience for each in left for one in each.traces))
        unknown_is_sent = workspaces.read(db, workspace).unknown_consent_is_sent
    return Whereabouts(
        external_id=external_id,
        created_at=person.created_at,
        consent=_consent(person, unknown_is_sent=unknown_is_sent),
        match_fields=list(person.fields),
        canvases=[_canvas(one) for one in canvases],
        audiences=[_audience(one) for one in audiences],
        withdrawals=[
            Withdrawal(at=each.at, audiences=[_left(one, places) for one in each.traces])
            for each in left
        ],
    )


def _left(one: Trace, places: Mapping[AudienceId, tuple[str, str, str]]) -> AudienceLeft:
    name, audience_ref, ad_account_ref = places[one.audience]
    found = {"audience": name, "audience_id": audience_ref, "ad_account": ad_account_ref}
    requests = [asdict(sent) | {"state": sent.state.replace(" ", "_")} for sent in one.removals]
    return AudienceLeft.model_validate(found | {"state": one.state, "requests": requests})


def _consent(person: Person, *, unknown_is_sent: bool) -> ConsentShown:
    state, source, at = person.consent
    sent = state is ConsentState.GRANTED or (state is ConsentState.UNKNOWN and unknown_is_sent)
    return ConsentShown.model_validate(
        {"state": state.name.lower(), "source": source, "at": at}
        | {"opt_out_sharing": person.opted_out, "may_be_sent": sent and not person.opted_out}
    )


def _canvas(one: InCanvas) -> CanvasOf:
    return CanvasOf(
        canvas_id=one.canvas,
        canvas=one.name,
        entered=[EntryShown(version=version, at=at) for version, at in one.entered],
        standing=[
            StandingShown(
                version=wave.version,
                step=wave.step,
                since=wave.arrived_at,
                due_at=wave.due_at,
                paused=wave.resting,
            )
            for wave in one.standing
        ],
    )


def _audience(one: InAudience) -> AudienceOf:
    known, status = one.known, _status(one)
    action = Action.REMOVE if status in _OUTWARD else Action.ADD
    carried = _decisive(one, action, settled=status in ("in", "out"))
    since = carried.answered_at if carried and status in ("in", "out") else None
    return AudienceOf(
        audience=one.name,
        audience_id=one.partner_ref,
        ad_account=one.ad_account_ref,
        deleted=one.deleted,
        status=status,
        since=since,
        by=_source(one, action, carried),
        earlier_keys_may_be_in=known.earlier_may_be_in,
        sets=Sets(
            wanted=known.want,
            acknowledged=known.acked,
            maybe=known.maybe,
            parked=known.parked,
            keyless=known.keyless,
        ),
        visits=[_visit(visit) for visit in one.visits],
        requests=[_carried(sent) for sent in one.requests[:WHEREABOUTS_SHOWN_MAX]],
    )


_OUTWARD = ("out", "being_removed", "waiting_to_be_removed")


def _status(one: InAudience) -> Status:
    """Where the person is by all we know, in a word."""
    known, flying = one.known, {sent.action for sent in one.requests if sent.state == "in flight"}
    wanted, keyless = set(known.want), set(known.keyless)
    there = set(known.acked) | set(known.maybe)
    if Action.ADD in flying:
        return "being_added"
    if Action.REMOVE in flying:
        return "being_removed"
    lacking = (wanted - set(known.acked) - keyless) if wanted else (there - keyless)
    if not lacking:
        return "in" if wanted & there else "no_key" if wanted else "out"
    if lacking <= set(known.parked):
        return "given_up"
    return "waiting_to_be_added" if wanted else "waiting_to_be_removed"


def _decisive(one: InAudience, action: Action, *, settled: bool) -> Carried | None:
    """The request that brought the person where they are: the first applied one of the action
    since a contrary one was; or else the newest of the action."""
    if not settled:
        return next((sent for sent in one.requests if sent.action is action), None)
    found = None
    for sent in one.requests:
        if sent.state == "applied":
            if sent.action is not action:
                break
            found = sent
    return found


def _source(one: InAudience, action: Action, carried: Carried | None) -> Source | None:
    """The newest coming to a step of the action, before the request's answer where there is one."""
    end = carried.answered_at if carried else None
    visit = next(
        (
            visit
            for visit in one.visits
            if visit.came.action is action and (end is None or visit.came.arrived_at <= end)
        ),
        None,
    )
    if visit is None and carried is None:
        return None
    came = visit.came if visit else None
    return Source(
        canvas_id=came.canvas if came else None,
        canvas=came.name if came else None,
        version=came.version if came else None,
        step=came.step if came else None,
        arrived_at=came.arrived_at if came else None,
        request=carried.request if carried else None,
        partner_request_ref=carried.partner_request_ref if carried else None,
    )


def _visit(one: Visit) -> VisitShown:
    came, found = one.came, asdict(one)
    words = {"action": came.action.name.lower(), "canvas_id": came.canvas, "canvas": came.name}
    return VisitShown.model_validate(asdict(came) | found | words)


def _carried(one: Carried) -> CarriedShown:
    words: dict[str, Any] = {"action": one.action.name.lower(), "attempt": one.tries}
    return CarriedShown.model_validate(asdict(one) | words | {"state": one.state.replace(" ", "_")})
