"""Connections: authorised links to a partner, their tokens and state, and their ad accounts.

A connection is *ready* or *broken*. Broken, it sends nothing but one probe a minute; a new token or
a probe that succeeds makes it ready, and what waited goes on.
"""

from dataclasses import dataclass

from psycopg.rows import class_row, scalar_row

from towpath.clock import Instant
from towpath.errors import NotFoundError
from towpath.ids import (
    AdAccountId,
    AppId,
    AudienceId,
    CanvasId,
    ConnectionId,
    PartnerRef,
    WorkspaceId,
)
from towpath.store import secrets
from towpath.store.database import Db
from towpath.store.queries import queries
from towpath.store.secrets import KeyRing, SecretId

PURPOSE = "partner token"
_SQL = queries("connections")


@dataclass(frozen=True, slots=True)
class Connection:
    """A link and its sizes; `token` names the sealed secret, None: disconnected.

    `granted`: numbers of permissions, None: not said. `person`: whose authorisation it is, as they
    are called at the partner. `emptying_since`: everybody is being removed before it is cut.
    """

    id: ConnectionId
    workspace: WorkspaceId
    app: AppId
    name: str
    token: SecretId | None
    state: str
    broken_since: Instant | None
    broken_reason: str | None
    probe_at: Instant | None
    people_per_request_max: int
    keys_per_request_max: int
    granted: list[int] | None = None
    person: str | None = None
    connected_at: Instant | None = None
    connected_by: str | None = None
    terms_accepted_at: Instant | None = None
    terms_accepted_by: str | None = None
    emptying_since: Instant | None = None
    by_files: bool = False
    """New audiences are filled by Customer Files: the app may not stream."""
    streaming_since: Instant | None = None
    """When we learnt that it may by now."""

    @property
    def ready(self) -> bool:
        """May it send?"""
        return self.state == "ready" and self.token is not None


@dataclass(frozen=True, slots=True)
class AdAccount:
    """An ad account of the connection. `paused_until`: nothing is sent for it before.

    `chosen`: Canvases may use it. `reached`: by the newest token. `status`, `business_ref` and
    `denied` are as in the partner's `AdAccountFacts`, None before anybody looked.
    """

    id: AdAccountId
    workspace: WorkspaceId
    connection: ConnectionId
    partner_ref: PartnerRef
    name: str
    paused_until: Instant | None
    pause_reason: str | None
    chosen: bool
    reached: bool
    status: str | None
    business_ref: PartnerRef | None
    denied: str | None
    looked_at: Instant | None


@dataclass(frozen=True, slots=True)
class Probe:
    """A broken connection whose token is to be tried."""

    id: ConnectionId
    workspace: WorkspaceId
    app: AppId
    partner: str
    token: SecretId


def ensure(
    db: Db,
    workspace: WorkspaceId,
    app: AppId,
    name: str,
    *,
    people_per_request_max: int,
    keys_per_request_max: int,
) -> ConnectionId:
    """The connection of that name, with these sizes from now on. A new one has no token yet."""
    with db.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(
            _SQL["ensure_connection"],
            {"workspace": workspace, "app": app, "name": name}
            | {"people_per_request_max": people_per_request_max}
            | {"keys_per_request_max": keys_per_request_max},
        ).fetchone()
    assert isinstance(found, int)
    return ConnectionId(found)


def read(db: Db, workspace: WorkspaceId, connection: ConnectionId) -> Connection:
    """Raises NotFoundError when the workspace has none of that id."""
    with db.cursor(row_factory=class_row(Connection)) as cursor:
        found = cursor.execute(
            _SQL["read_connection"], {"connection": connection, "workspace": workspace}
        ).fetchone()
    if found is None:
        raise NotFoundError("There is no such connection in this workspace.")
    return found


def list_all(db: Db, workspace: WorkspaceId) -> list[Connection]:
    """The workspace's connections, by name."""
    with db.cursor(row_factory=class_row(Connection)) as cursor:
        return cursor.execute(_SQL["list_connections"], {"workspace": workspace}).fetchall()


def set_token(
    db: Db,
    keys: KeyRing,
    workspace: WorkspaceId,
    connection: ConnectionId,
    token: str | None,
    now: Instant,
) -> None:
    """Seal this token as the connection's only one and make it ready; None disconnects, and the
    token is forgotten. Raises NotFoundError."""
    found = {"connection": connection, "workspace": workspace, "now": now}
    with db.transaction():
        old = db.execute(_SQL["lock_token"], found).fetchone()
        if old is None:
            raise NotFoundError("There is no such connection in this workspace.")
        new = secrets.seal(db, keys, workspace, PURPOSE, token.encode(), now) if token else None
        db.execute(_SQL["set_token"], found | {"token": new})
        if isinstance(old[0], int):
            secrets.delete(db, workspace, SecretId(old[0]))


def open_token(db: Db, keys: KeyRing, workspace: WorkspaceId, token: SecretId) -> str:
    """The token in clear, for a header only. Errors as in `secrets.open_secret`."""
    return secrets.open_secret(db, keys, workspace, token).decode()


def mark_broken(
    db: Db,
    connection: ConnectionId,
    token: SecretId,
    reason: str,
    now: Instant,
    probe_at: Instant,
) -> bool:
    """The partner refused this token: nothing is sent any more but a probe from `probe_at` on.
    Returns whether this is news: not if it is broken already, or has another token by now."""
    changed = db.execute(
        _SQL["mark_broken"],
        {"connection": connection, "token": token, "reason": reason, "now": now}
        | {"probe_at": probe_at},
    )
    return changed.rowcount == 1


def mark_ready(db: Db, connection: ConnectionId, token: SecretId) -> bool:
    """The partner accepted this token again. Returns whether this is news."""
    changed = db.execute(_SQL["mark_ready"], {"connection": connection, "token": token})
    return changed.rowcount == 1


def claim_probes(db: Db, limit: int, now: Instant, next_at: Instant) -> list[Probe]:
    """Broken connections whose probe is due, each to one worker; the next is due at `next_at`."""
    with db.cursor(row_factory=class_row(Probe)) as cursor:
        return cursor.execute(
            _SQL["claim_probes"], {"limit": limit, "now": now, "next_at": next_at}
        ).fetchall()


def set_transport(db: Db, connection: Connection, now: Instant, *, by_files: bool) -> None:
    """How audiences are filled that are made from now on."""
    given = {"connection": connection.id, "workspace": connection.workspace, "now": now}
    db.execute(_SQL["set_transport"], given | {"transport": "files" if by_files else "streaming"})


@dataclass(frozen=True, slots=True)
class StreamingAsk:
    """A connection by files, whose app may be allowlisted by now."""

    id: ConnectionId
    workspace: WorkspaceId
    app: AppId
    partner: str
    token: SecretId
    ad_account_ref: PartnerRef | None


def claim_streaming_asks(db: Db, limit: int, now: Instant, before: Instant) -> list[StreamingAsk]:
    """Connections that nobody asked for since `before`, each to one worker."""
    given = {"limit": limit, "now": now, "before": before}
    with db.cursor(row_factory=class_row(StreamingAsk)) as cursor:
        return cursor.execute(_SQL["claim_streaming_asks"], given).fetchall()


def note_streaming(db: Db, connection: ConnectionId, now: Instant) -> None:
    """Its app may stream: the move is offered from now on."""
    db.execute(_SQL["note_streaming"], {"connection": connection, "now": now})


def note_refused_probe(
    db: Db, connection: ConnectionId, code: int | None, partner_request_ref: str, now: Instant
) -> None:
    """The probe was refused: whoever waits behind the connection was attempted by it."""
    db.execute(
        _SQL["note_refused_probe"],
        {"connection": connection, "code": code, "now": now}
        | {"partner_request_ref": partner_request_ref or None},
    )


def ensure_ad_account(
    db: Db, workspace: WorkspaceId, connection: ConnectionId, partner_ref: PartnerRef, name: str
) -> AdAccountId:
    """The ad account of that id, with this name from now on. Raises NotFoundError."""
    with db.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(
            _SQL["ensure_ad_account"],
            {"workspace": workspace, "connection": connection}
            | {"partner_ref": partner_ref, "name": name},
        ).fetchone()
    if not isinstance(found, int):
        raise NotFoundError("There is no such connection in this workspace.")
    return AdAccountId(found)


def list_ad_accounts(db: Db, workspace: WorkspaceId, connection: ConnectionId) -> list[AdAccount]:
    """The ad accounts that the connection reaches, by name."""
    with db.cursor(row_factory=class_row(AdAccount)) as cursor:
        return cursor.execute(
            _SQL["list_ad_accounts"], {"workspace": workspace, "connection": connection}
        ).fetchall()


def chosen_ad_accounts(db: Db, workspace: WorkspaceId, connection: ConnectionId) -> list[AdAccount]:
    """Those that Canvases may use, by name."""
    return [one for one in list_ad_accounts(db, workspace, connection) if one.chosen]


def read_ad_account(db: Db, workspace: WorkspaceId, ad_account: AdAccountId) -> AdAccount:
    """Raises NotFoundError when the workspace has none of that id."""
    with db.cursor(row_factory=class_row(AdAccount)) as cursor:
        found = cursor.execute(
            _SQL["read_ad_account"], {"workspace": workspace, "ad_account": ad_account}
        ).fetchone()
    if found is None:
        raise NotFoundError("There is no such ad account in this workspace.")
    return found


def pause_ad_account(
    db: Db, ad_account: AdAccountId, until: Instant, reason: str, now: Instant
) -> bool:
    """Nothing is sent for the ad account before `until`. Only lengthens; says whether it did."""
    changed = db.execute(
        _SQL["pause_ad_account"],
        {"ad_account": ad_account, "until": until, "reason": reason, "now": now},
    )
    return changed.rowcount == 1


def note_connected(
    db: Db, connection: ConnectionId, granted: list[int] | None, person: str, by: str, now: Instant
) -> None:
    """Keep who connected it here, whose authorisation it is there, and what it grants (None: it
    was not said this time)."""
    given = {"connection": connection, "granted": granted, "person": person or None}
    db.execute(_SQL["note_connected"], given | {"by": by, "now": now})


def accept_terms(
    db: Db, workspace: WorkspaceId, connection: ConnectionId, by: str, now: Instant
) -> bool:
    """The partner's terms and policies are accepted for this connection. Whether this is news."""
    given = {"workspace": workspace, "connection": connection, "by": by, "now": now}
    return db.execute(_SQL["accept_terms"], given).rowcount == 1


def begin_emptying(db: Db, workspace: WorkspaceId, connection: ConnectionId, now: Instant) -> bool:
    """Everybody is to be removed before the connection is cut. False: it cannot send."""
    given = {"workspace": workspace, "connection": connection, "now": now}
    return db.execute(_SQL["begin_emptying"], given).rowcount == 1


def count_pending(db: Db, connection: ConnectionId) -> dict[CanvasId, int]:
    """By Canvas: how many people wait at an audience of the connection."""
    rows = db.execute(_SQL["count_pending"], {"connection": connection}).fetchall()
    return {CanvasId(canvas): people for canvas, people in rows}


def list_audiences(
    db: Db, workspace: WorkspaceId, connection: ConnectionId
) -> dict[AudienceId, str]:
    """The audiences that the connection fills, with their names."""
    given = {"workspace": workspace, "connection": connection}
    rows = db.execute(_SQL["list_audiences"], given).fetchall()
    return {AudienceId(audience): name for audience, name in rows}
