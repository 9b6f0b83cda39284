"""Audiences as lists at the partner: which exist, what they are called there, and the way to them.

What we want in an audience and know of it is the ledger's (`store/ledger`), with its own columns.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg.rows import class_row, scalar_row

from towpath.clock import Instant
from towpath.errors import NotFoundError
from towpath.ids import AdAccountId, AppId, AudienceId, ConnectionId, PartnerRef, WorkspaceId
from towpath.store.database import Db
from towpath.store.queries import queries
from towpath.store.secrets import SecretId

_SQL = queries("audiences")
UNMADE = "unmade:"
"""How the place of an id begins, its name after it, until the first file makes the audience."""


def is_made(ref: PartnerRef) -> bool:
    """Is this the partner's id, or what stands for it until the first file made the audience?"""
    return not ref.startswith(UNMADE)


@dataclass(frozen=True, slots=True)
class Audience:
    """An audience. `created_here` is false for one that others may fill: it may hold anybody."""

    id: AudienceId
    workspace: WorkspaceId
    ad_account: AdAccountId
    partner_ref: PartnerRef
    name: str
    created_here: bool
    created_at: Instant
    people_per_request_learned: int | None
    by_files: bool = False

    @property
    def made(self) -> bool:
        """Does it exist at the partner?"""
        return is_made(self.partner_ref)

    @property
    def made_ref(self) -> PartnerRef | None:
        """The partner's id; None: its first file makes it."""
        return self.partner_ref if self.made else None


@dataclass(frozen=True, slots=True)
class Route:
    """All that a sender must know to reach an audience, pauses and sizes included."""

    audience: AudienceId
    workspace: WorkspaceId
    audience_ref: PartnerRef
    name: str
    by_files: bool
    ad_account: AdAccountId
    ad_account_ref: PartnerRef
    ad_account_paused_until: Instant | None
    connection: ConnectionId
    token: SecretId | None
    ready: bool
    app: AppId
    partner: str
    app_paused_until: Instant | None
    people_per_request: int
    keys_per_request: int

    @property
    def made(self) -> bool:
        """Does the audience exist at the partner?"""
        return is_made(self.audience_ref)

    def open_at(self, now: Instant) -> bool:
        """May a request for this audience leave now, as far as it and not a permit is concerned?"""
        pauses = (self.ad_account_paused_until, self.app_paused_until)
        free = all(until is None or until <= now for until in pauses)
        return self.ready and self.token is not None and free


def ensure(
    db: Db,
    workspace: WorkspaceId,
    ad_account: AdAccountId,
    partner_ref: PartnerRef,
    name: str,
    *,
    created_here: bool,
    now: Instant,
    by_files: bool = False,
) -> AudienceId:
    """The audience of that id at the partner, with this name from now on. `created_here` counts
    only when it is new: who made an audience does not change. Raises NotFoundError."""
    with db.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(
            _SQL["ensure_audience"],
            {"workspace": workspace, "ad_account": ad_account, "partner_ref": partner_ref}
            | {"name": name, "created_here": created_here, "now": now}
            | {"transport": "files" if by_files else "streaming"},
        ).fetchone()
    if not isinstance(found, int):
        raise NotFoundError("There is no such ad account in this workspace.")
    return AudienceId(found)


def read(db: Db, workspace: WorkspaceId, audience: AudienceId) -> Audience:
    """Raises NotFoundError when the workspace has none of that id."""
    found = _find(db, "read_audience", {"workspace": workspace, "audience": audience})
    if not found:
        raise NotFoundError("There is no such audience in this workspace.")
    return found[0]


def find_by_ref(
    db: Db, workspace: WorkspaceId, ad_account: AdAccountId, partner_ref: PartnerRef
) -> Audience | None:
    """The audience of that id at the partner, if we know it."""
    found = _find(
        db,
        "find_by_ref",
        {"workspace": workspace, "ad_account": ad_account, "partner_ref": partner_ref},
    )
    return found[0] if found else None


def find_by_name(
    db: Db, workspace: WorkspaceId, ad_account: AdAccountId, name: str
) -> list[Audience]:
    """The audiences of that name, oldest first: partners allow several."""
    return _find(
        db, "find_by_name", {"workspace": workspace, "ad_account": ad_account, "name": name}
    )


def users(db: Db, workspace: WorkspaceId, audience: AudienceId) -> list[str]:
    """What uses the audience, as in `Canvas Winback`."""
    given = {"workspace": workspace, "audience": audience}
    return [f"{kind} {name}" for kind, name in db.execute(_SQL["list_users"], given)]


def unused(db: Db, workspace: WorkspaceId) -> list[Audience]:
    """The audiences that Towpath made and nothing uses, by name: they count against the partner's
    bound for nothing."""
    made = [one for one in list_all(db, workspace) if one.created_here]
    return [one for one in made if not users(db, workspace, one.id)]


def note_made(db: Db, audience: AudienceId, partner_ref: PartnerRef, now: Instant) -> None:
    """Its first file made it at the partner, under this id."""
    db.execute(_SQL["note_made"], {"audience": audience, "partner_ref": partner_ref, "now": now})


def note_deleted(db: Db, audience: AudienceId, now: Instant) -> None:
    """It is deleted at the partner: its name is free again, and nothing is sent to it. Its ledger
    stays, as all that was sent stays to be looked up."""
    db.execute(_SQL["note_deleted"], {"audience": audience, "now": now})


def list_all(db: Db, workspace: WorkspaceId) -> list[Audience]:
    """The workspace's audiences, by name."""
    return _find(db, "list_audiences", {"workspace": workspace})


def routes(db: Db, audiences: Iterable[AudienceId]) -> dict[AudienceId, Route]:
    """The ways to these audiences, in one query."""
    with db.cursor(row_factory=class_row(Route)) as cursor:
        found = cursor.execute(_SQL["read_route"], {"audiences": list(audiences)}).fetchall()
    return {route.audience: route for route in found}


def _find(db: Db, statement: str, found: dict[str, object]) -> list[Audience]:
    with db.cursor(row_factory=class_row(Audience)) as cursor:
        return cursor.execute(_SQL[statement], found).fetchall()
