"""Connections: authorised links to a partner, their tokens and state, and their ad accounts.

A connection is *ready* or *broken*. Broken, it sends nothing but one probe a minute; a new token or
a probe that succeeds makes it ready, and what waited goes on.
"""

from dataclasses import dataclass

from psycopg.rows import class_row, scalar_row

from towpath.clock import Instant
from towpath.errors import NotFoundError
from towpath.ids import AdAccountId, AppId, ConnectionId, PartnerRef, WorkspaceId
from towpath.store import secrets
from towpath.store.database import Db
from towpath.store.queries import queries
from towpath.store.secrets import KeyRing, SecretId

PURPOSE = "partner token"
_SQL = queries("connections")


@dataclass(frozen=True, slots=True)
class Connection:
    """A link and its sizes; `token` names the sealed secret, None: disconnected."""

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

    @property
    def ready(self) -> bool:
        """May it send?"""
        return self.state == "ready" and self.token is not None


@dataclass(frozen=True, slots=True)
class AdAccount:
    """An ad account that the connection reaches. `paused_until`: nothing is sent for it before."""

    id: AdAccountId
    workspace: WorkspaceId
    connection: ConnectionId
    partner_ref: PartnerRef
    name: str
    paused_until: Instant | None
    pause_reason: str | None


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
