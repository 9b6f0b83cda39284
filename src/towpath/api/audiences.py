"""Audiences of an ad account over HTTP: listed and searched from our copy, made, deleted.

The copy is the partner's list as it was at `refreshed_at`; `refresh` brings it up to date, and the
first look does. Sizes are the partner's, and late: it takes 24 to 48 hours (docs/audiences.md).
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field, StringConstraints

from towpath.api import audience_making
from towpath.api.bodies import Body, Id
from towpath.api.callers import Caller, Scope, needs
from towpath.api.database import Database, Now
from towpath.api.pages import Asked, Cursor
from towpath.api.problems import documented
from towpath.api.reach import Place, place_of
from towpath.api.reaching import reaching
from towpath.clock import Instant
from towpath.errors import InputError
from towpath.ids import AdAccountId, AudienceId, PartnerRef
from towpath.limits import AUDIENCE_SEARCH_CHARS_MAX
from towpath.partners.protocol import Lookalike, LookalikeSize, MobileSystem, Placement
from towpath.partners.registry import PARTNERS
from towpath.people.filter_parse import one_of
from towpath.store import audience_listings, audiences
from towpath.store.audience_listings import Listed
from towpath.store.database import Db

router = APIRouter(prefix="/v1/ad-accounts/{ad_account}", tags=["audiences"])
Reader = Annotated[Caller, needs(Scope.CANVASES_READ)]
Writer = Annotated[Caller, needs(Scope.CANVASES_WRITE)]

NOTES = [
    "Ads are served, and a size is shown, from about 1,000 matched people on.",
    "The partner brings sizes up to date within 24 to 48 hours.",
    "Synced is not matched: the partner took the people, and looks for them among its own.",
    "TikTok does not tell who matched.",
]
"""What every list of audiences must say beside its sizes (the document, and TikTok's pages)."""

AudienceName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Ref = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,32}$")]


class AudienceShown(BaseModel):
    """An audience as the partner listed it, and what we know of it."""

    id: str = Field(description="The partner's id.")
    name: str
    same_name: bool = Field(description="Another of the ad account has this name: go by the id.")
    kind: str = Field(description="The partner's word for its type.")
    people: int | None = Field(description="Matched people, as the partner counted last.")
    valid: bool = Field(description="Ads may use it.")
    expires_at: datetime | None
    expires_soon: bool = Field(description="In less than 60 days, unless it is used or changed.")
    usable: bool = Field(description="It can take a sync.")
    unusable_because: str
    audience: int | None = Field(description="Our id, if a Canvas of ours ever named it.")
    created_here: bool = Field(description="Towpath made it.")
    page: str = Field(description="Where Ads Manager shows the ad account's audiences.")


class Audiences(BaseModel):
    """A page of an ad account's audiences, the newest first."""

    items: list[AudienceShown]
    next: str | None = Field(
        description="Give it as `cursor` for the next page; null: this is the last."
    )
    refreshed_at: datetime | None = Field(description="When the partner listed them.")
    owned: int = Field(description="So many belong to the ad account.")
    owned_max: int = Field(description="So many the partner allows.")
    notes: list[str]


class NewAudience(Body):
    """An audience to be made, empty."""

    name: AudienceName = Field(max_length=70)


class Made(BaseModel):
    """The audience, new or there before."""

    audience: int
    id: str | None = Field(description="The partner's id; null: its first file makes it.")
    name: str


class NewLookalike(Body):
    """People like those of an audience; the partner finds them."""

    name: AudienceName = Field(max_length=70)
    source: Ref = Field(description="The partner's id of an audience with 100 matched people.")
    locations: list[Ref] = Field(min_length=1, max_length=300)
    size: str = LookalikeSize.BALANCED.value
    system: str = MobileSystem.ALL.value
    placements: list[str] = Field(
        default_factory=lambda: [Placement.TIKTOK.value], min_length=1, max_length=3
    )
    include_source: bool = False


class LookalikeMade(BaseModel):
    """The lookalike; the partner fills it within 48 hours."""

    id: str
    name: str


class UnusedAudience(BaseModel):
    """Towpath made it, and nothing names it."""

    audience: int
    id: str | None
    name: str
    created_at: datetime


class Deleted(BaseModel):
    """It is gone at the partner."""

    deleted: str


def listed(db: Db, place: Place, search: str, cursor: Asked, now: Instant) -> Audiences:
    """A page of our copy of the list."""
    account = place.account
    rows = audience_listings.page(
        db, place.workspace, account.id, search=search, after=cursor.text, limit=cursor.limit + 1
    )
    page = cursor.page(rows, lambda row: str(row.partner_ref))
    link = PARTNERS[place.partner].audience_page(account.partner_ref)
    return Audiences(
        items=[shown(row, link, now) for row in page.items],
        next=page.next,
        refreshed_at=audience_listings.refreshed_at(db, account.id),
        owned=audience_listings.owned(db, place.workspace, account.id),
        owned_max=PARTNERS[place.partner].audiences_max,
        notes=NOTES,
    )


def shown(row: Listed, link: str, now: Instant) -> AudienceShown:
    """A line as it is answered."""
    why = row.unusable(now)
    return AudienceShown(
        id=row.partner_ref,
        name=row.name,
        same_name=row.namesake,
        kind=row.kind,
        people=row.people,
        valid=row.ready,
        expires_at=row.expires_at,
        expires_soon=row.expires_soon(now),
        usable=not why,
        unusable_because=why,
        audience=row.audience,
        created_here=row.created_here,
        page=link,
    )


@router.get("/audiences", operation_id="list_audiences", responses=documented(404, 502))
def list_audiences(
    ad_account: Id,
    caller: Reader,
    db: Database,
    now: Now,
    cursor: Cursor,
    request: Request,
    search: Annotated[str, Query(max_length=AUDIENCE_SEARCH_CHARS_MAX)] = "",
) -> Audiences:
    """The ad account's audiences, of a name (any part of it) or id (its beginning)."""
    if not search.isprintable():
        raise InputError("It holds characters that cannot be shown.", field="search")
    place = place_of(db, caller.workspace, AdAccountId(ad_account))
    if audience_listings.refreshed_at(db, place.account.id) is None:
        reaching(request, lambda reach: audience_making.refresh(db, place, reach, now))
    return listed(db, place, search, cursor, now)


@router.post("/audiences/refresh", operation_id="refresh_audiences", responses=documented(404, 502))
def refresh_audiences(
    ad_account: Id, caller: Reader, db: Database, now: Now, cursor: Cursor, request: Request
) -> Audiences:
    """Ask the partner for its list now."""
    place = place_of(db, caller.workspace, AdAccountId(ad_account))
    reaching(request, lambda reach: audience_making.refresh(db, place, reach, now))
    return listed(db, place, "", cursor, now)


@router.post(
    "/audiences",
    status_code=201,
    operation_id="create_audience",
    responses=documented(404, 502),
)
def create_audience(
    ad_account: Id, body: NewAudience, caller: Writer, db: Database, now: Now, request: Request
) -> Made:
    """Make an audience, once: one of that name that takes syncs is handed back as it is."""
    place = place_of(db, caller.workspace, AdAccountId(ad_account))
    made = reaching(request, lambda reach: audience_making.make(db, place, body.name, reach, now))
    found = audiences.read(db, caller.workspace, made)
    return Made(audience=made, id=found.made_ref, name=found.name)


@router.get("/audiences/unused", operation_id="list_unused_audiences", responses=documented(404))
def list_unused(ad_account: Id, caller: Reader, db: Database) -> list[UnusedAudience]:
    """Audiences that Towpath made and nothing names: they may go."""
    place = place_of(db, caller.workspace, AdAccountId(ad_account))
    return [
        UnusedAudience(audience=one.id, id=one.made_ref, name=one.name, created_at=one.created_at)
        for one in audiences.unused(db, caller.workspace)
        if one.ad_account == place.account.id
    ]


@router.post(
    "/audiences/{audience}/delete",
    operation_id="delete_audience",
    responses=documented(404, 409, 502),
)
def delete_audience(
    ad_account: Id,
    audience: Annotated[int, Path(ge=1, le=2**31 - 1, description="Our id of it.")],
    caller: Writer,
    db: Database,
    now: Now,
    request: Request,
) -> Deleted:
    """Delete an audience that Towpath made and nothing uses."""
    place = place_of(db, caller.workspace, AdAccountId(ad_account))
    found = audiences.read(db, caller.workspace, AudienceId(audience))
    reaching(
        request,
        lambda reach: audience_making.delete(db, place, AudienceId(audience), reach, now),
    )
    return Deleted(deleted=found.partner_ref)


@router.post(
    "/lookalikes",
    status_code=201,
    operation_id="create_lookalike",
    responses=documented(404, 502),
)
def create_lookalike(
    ad_account: Id, body: NewLookalike, caller: Writer, db: Database, now: Now, request: Request
) -> LookalikeMade:
    """Make a lookalike of an audience, once."""
    place = place_of(db, caller.workspace, AdAccountId(ad_account))
    wanted = read_lookalike(body)
    ref = reaching(
        request, lambda reach: audience_making.make_lookalike(db, place, wanted, reach, now)
    )
    return LookalikeMade(id=ref, name=wanted.name)


def read_lookalike(body: NewLookalike) -> Lookalike:
    """What is asked for. Raises InputError naming the field and what is possible."""
    return Lookalike(
        body.name,
        PartnerRef(body.source),
        tuple(body.locations),
        LookalikeSize(one_of(body.size, list(LookalikeSize), "size")),
        MobileSystem(one_of(body.system, list(MobileSystem), "system")),
        tuple(
            Placement(one_of(one, list(Placement), f"placements[{place}]"))
            for place, one in enumerate(body.placements)
        ),
        body.include_source,
    )
