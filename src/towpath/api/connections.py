"""Connections over HTTP: connected over the partner's consent page, looked at, changed, cut."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from towpath.api import callback, connecting, disconnecting
from towpath.api.bodies import Body, Id, Name
from towpath.api.callers import Caller, Scope, needs
from towpath.api.checklist import State, checklist
from towpath.api.database import Database, Now
from towpath.api.launching import Reach
from towpath.api.problems import documented
from towpath.api.reaching import reaching
from towpath.ids import CanvasId, ConnectionId, PartnerRef
from towpath.limits import AD_ACCOUNTS_MAX, AUTHORISATION_S, CALLBACK_QUERY_CHARS_MAX
from towpath.partners.registry import PARTNERS
from towpath.store import authorisations, connections
from towpath.store.connections import Connection
from towpath.store.database import Db

router = APIRouter(prefix="/v1/connections", tags=["connections"])
Admin = Annotated[Caller, needs(Scope.WORKSPACE_ADMIN)]
Reader = Annotated[Caller, needs(Scope.CANVASES_READ)]
CALLBACK = "/v1/connections/callback"
Ref = Annotated[str, Field(min_length=1, max_length=30, pattern=r"^[0-9]+$")]


class AdAccountShown(BaseModel):
    """An ad account that the connection has."""

    ad_account: str = Field(description="TikTok's id.")
    name: str
    chosen: bool = Field(description="Canvases may use it.")
    reached: bool = Field(description="The newest token reaches it.")
    status: str | None = Field(description="enabled, or TikTok's word; null: not looked at.")
    business_center: str | None
    denied: str | None = Field(description="Why TikTok does not let us work in it.")


class ConnectionShown(BaseModel):
    """A connection, without its token."""

    id: int
    name: str
    state: str = Field(description="ready or broken.")
    broken_since: datetime | None
    broken_reason: str | None
    person: str | None = Field(description="Whose authorisation it is, as TikTok calls them.")
    connected_at: datetime | None
    connected_by: str | None
    terms_accepted_at: datetime | None
    terms_accepted_by: str | None
    emptying_since: datetime | None = Field(description="Everybody is being removed since.")
    ad_accounts: list[AdAccountShown]


class ConnectionsShown(BaseModel):
    """All connections of the workspace, and whether another can be made."""

    items: list[ConnectionShown]
    cannot_connect: str | None = Field(description="Why nobody can connect now; null: they can.")


class Begin(Body):
    """Connect, or give a connection of that name another token."""

    name: Name = connecting.NAME


class Begun(BaseModel):
    """Where to go. The answer comes back to `redirect_uri`, which the app at TikTok must know."""

    url: str
    redirect_uri: str
    expires_at: datetime


class Pasted(Body):
    """The address to which TikTok sent the browser, as it was copied."""

    address: str = Field(min_length=1, max_length=CALLBACK_QUERY_CHARS_MAX + 2_000)


class ConnectedShown(BaseModel):
    """What came of connecting."""

    id: int
    replaced: bool = Field(description="There was a token before.")
    ad_accounts: int = Field(description="How many the token reaches; choose among them.")
    lost: list[str] = Field(description="Ad accounts that were reached before and are not now.")
    lacking: list[str] = Field(description="Permissions that were not granted.")
    unlisted: str | None = Field(description="Why the ad accounts are not known yet.")


class Chosen(Body):
    """The ad accounts to use, and no others."""

    ad_accounts: list[Ref] = Field(max_length=AD_ACCOUNTS_MAX)


class PointShown(BaseModel):
    """A prerequisite, and how it stands."""

    name: str
    state: State
    told: str
    remedy: str


class CanvasStopped(BaseModel):
    """A live Canvas that stops syncing."""

    canvas: int
    name: str
    steps: list[str]
    pending: int = Field(description="How many people wait at these steps.")


class Disconnecting(Body):
    """Cut it; `canvases` are those that the preview named."""

    canvases: list[Annotated[int, Field(ge=1, le=2**31 - 1)]] = Field(max_length=10_000)
    remove_everyone_first: bool = False


class DisconnectedShown(BaseModel):
    """What came of it."""

    done: bool = Field(description="false: removals are left; ask again until it is true.")
    removals_left: int
    token_left: str | None = Field(description="Why the token may still live; null: it is revoked.")


def holder_of(caller: Caller) -> str:
    """Who may bring back the answer of a consent page: this session, or this key."""
    return f"session {caller.session.hex()}" if caller.session else f"key {caller.key}"


@router.get("", operation_id="list_connections")
def list_connections(caller: Reader, db: Database, request: Request) -> ConnectionsShown:
    """The workspace's connections, by name."""
    found = connections.list_all(db, caller.workspace)
    why = reaching(request, _cannot_connect)
    return ConnectionsShown(items=[_shown(db, one) for one in found], cannot_connect=why)


async def _cannot_connect(reach: Reach) -> str | None:
    if reach.ours is None:
        return "TOWPATH_TIKTOK_APP_ID and TOWPATH_TIKTOK_APP_SECRET_FILE are not set."
    return None


@router.post(
    "/authorisations", status_code=201, operation_id="begin_connecting", responses=documented(409)
)
def begin_connecting(body: Begin, caller: Admin, db: Database, now: Now, request: Request) -> Begun:
    """The address of TikTok's consent page. Its answer counts once, within ten minutes, and only in
    the session (or from the key) that asked."""

    async def begin(reach: Reach) -> Begun:
        app = connecting.ours(reach)
        reach.keys.key(reach.keys.current)  # what could not be kept is not asked for
        back = f"{app.public_url or str(request.base_url).rstrip('/')}{CALLBACK}"
        state = authorisations.begin(
            db,
            caller.workspace,
            connecting.TIKTOK,
            body.name,
            holder=holder_of(caller),
            member=caller.member,
            redirect_uri=back,
            now=now,
        )
        found = authorisations.find(db, state)
        assert found is not None
        partner, url = PARTNERS[connecting.TIKTOK], reach.base_urls[connecting.TIKTOK]
        page = partner.consent_url(url, app.app_ref, state, back)
        return Begun(url=page, redirect_uri=back, expires_at=found.expires_at)

    return reaching(request, begin)


@router.post(
    "/authorisations/finish",
    operation_id="finish_connecting",
    responses=documented(400, 409, 502),
    description=f"Without a browser's callback: within {AUTHORISATION_S // 60} minutes.",
)
def finish_connecting(
    body: Pasted, caller: Admin, db: Database, request: Request
) -> ConnectedShown:
    """Finish with the address that TikTok sent the browser to, copied by hand."""
    back = callback.read_pasted(body.address)
    done = reaching(
        request,
        lambda reach: callback.finish(db, reach, back, holder_of(caller), caller.actor),
    )
    return ConnectedShown(
        id=done.id,
        replaced=done.replaced,
        ad_accounts=len(done.ad_accounts),
        lost=sorted(done.lost),
        lacking=list(done.lacking),
        unlisted=done.unlisted,
    )


@router.get("/{connection}", operation_id="read_connection", responses=documented(404))
def read_connection(connection: Id, caller: Reader, db: Database) -> ConnectionShown:
    """A connection with its ad accounts."""
    return _shown(db, connections.read(db, caller.workspace, ConnectionId(connection)))


@router.get("/{connection}/checklist", operation_id="read_checklist", responses=documented(404))
def read_checklist(connection: Id, caller: Reader, db: Database) -> list[PointShown]:
    """The prerequisites of syncing, and how each stands."""
    found = checklist(db, caller.workspace, ConnectionId(connection))
    return [PointShown.model_validate(one, from_attributes=True) for one in found]


@router.post(
    "/{connection}/refresh", operation_id="refresh_connection", responses=documented(404, 409, 502)
)
def refresh_connection(
    connection: Id, caller: Admin, db: Database, request: Request
) -> ConnectionShown:
    """Ask TikTok anew which ad accounts there are and how they stand."""
    where = ConnectionId(connection)
    connections.read(db, caller.workspace, where)
    found = reaching(request, lambda reach: connecting.refresh(db, caller.workspace, where, reach))
    return _shown(db, found)


@router.put(
    "/{connection}/ad-accounts", operation_id="choose_ad_accounts", responses=documented(404)
)
def choose_ad_accounts(
    connection: Id, body: Chosen, caller: Admin, db: Database, now: Now
) -> ConnectionShown:
    """Use these ad accounts and no others. What waits for one that is not used any more waits until
    it is chosen again."""
    where = ConnectionId(connection)
    wanted = [PartnerRef(each) for each in body.ad_accounts]
    connecting.choose(db, caller.workspace, where, wanted, actor=caller.actor, now=now)
    return _shown(db, connections.read(db, caller.workspace, where))


@router.post("/{connection}/terms", operation_id="accept_terms", responses=documented(404))
def accept_terms(connection: Id, caller: Admin, db: Database, now: Now) -> ConnectionShown:
    """Accept TikTok's terms and policies for this connection; who did and when is kept."""
    where, actor = ConnectionId(connection), caller.actor
    return _shown(db, connecting.accept_terms(db, caller.workspace, where, actor=actor, now=now))


@router.get(
    "/{connection}/disconnect", operation_id="preview_disconnect", responses=documented(404)
)
def preview_disconnect(connection: Id, caller: Reader, db: Database) -> list[CanvasStopped]:
    """The live Canvases that stop syncing if the connection is cut: acknowledge them."""
    found = disconnecting.stopped_by(db, caller.workspace, ConnectionId(connection))
    return [CanvasStopped.model_validate(one, from_attributes=True) for one in found]


@router.post(
    "/{connection}/disconnect", operation_id="disconnect", responses=documented(404, 409, 502)
)
def disconnect(
    connection: Id, body: Disconnecting, caller: Admin, db: Database, request: Request
) -> DisconnectedShown:
    """Stop sending and revoke the token. Steps, audiences and whoever waits stay for the day when
    it is connected again; with `remove_everyone_first` the audiences are emptied before."""
    where = ConnectionId(connection)
    connections.read(db, caller.workspace, where)
    done = reaching(
        request,
        lambda reach: disconnecting.disconnect(
            db,
            caller.workspace,
            where,
            reach,
            [CanvasId(each) for each in body.canvases],
            remove_everyone_first=body.remove_everyone_first,
            actor=caller.actor,
        ),
    )
    return DisconnectedShown.model_validate(done, from_attributes=True)


def _shown(db: Db, found: Connection) -> ConnectionShown:
    accounts = connections.list_ad_accounts(db, found.workspace, found.id)
    fields: dict[str, Any] = {
        name: getattr(found, name, None) for name in ConnectionShown.model_fields
    }
    fields["ad_accounts"] = [
        AdAccountShown(
            ad_account=one.partner_ref,
            name=one.name,
            chosen=one.chosen,
            reached=one.reached,
            status=one.status,
            business_center=one.business_ref,
            denied=one.denied,
        )
        for one in accounts
    ]
    return ConnectionShown(**fields)
