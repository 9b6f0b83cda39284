"""Sessions of browsers, and links that sign in once. Only digests of their tokens are kept.

A session ends when it is signed out, was not seen for SESSION_IDLE_S, or is SESSION_S_MAX old.
"""

import secrets
from dataclasses import dataclass

from psycopg.rows import class_row

from towpath.clock import Instant, seconds
from towpath.ids import MemberId, WorkspaceId
from towpath.limits import SESSION_IDLE_S, SESSION_S_MAX, SESSION_SEEN_EVERY_S, SIGN_IN_LINK_S
from towpath.store.api_keys import digest_of
from towpath.store.database import Db
from towpath.store.queries import queries

_BYTES = 32
_SQL = queries("sessions")


@dataclass(frozen=True, slots=True)
class Session:
    """A session that stands: whose it is, and at which workspace they look."""

    digest: bytes
    member: MemberId
    name: str
    workspace: WorkspaceId
    seen_at: Instant


def start(db: Db, member: MemberId, workspace: WorkspaceId, now: Instant) -> str:
    """A new session; its token goes into the browser's cookie and nowhere else."""
    token = secrets.token_urlsafe(_BYTES)
    db.execute(_SQL["delete_ended_sessions"], {"now": now} | _idle(now))
    db.execute(
        _SQL["insert_session"],
        {"digest": digest_of(token), "member": member, "workspace": workspace, "now": now}
        | {"expires_at": now + seconds(SESSION_S_MAX)},
    )
    return token


def read(db: Db, token: str, now: Instant) -> Session | None:
    """The session of this token, if it stands; it is seen by that (kept to the minute)."""
    given = {"digest": digest_of(token), "now": now} | _idle(now)
    with db.cursor(row_factory=class_row(Session)) as cursor:
        found = cursor.execute(_SQL["read_session"], given).fetchone()
    if found is not None and found.seen_at < now - seconds(SESSION_SEEN_EVERY_S):
        db.execute(_SQL["note_seen"], {"digest": found.digest, "now": now})
    return found


def switch(db: Db, session: bytes, workspace: WorkspaceId) -> None:
    """Look at another workspace; the caller has checked that the member works there."""
    db.execute(_SQL["switch_session"], {"digest": session, "workspace": workspace})


def end(db: Db, token: str) -> None:
    """Sign out."""
    db.execute(_SQL["delete_session"], {"digest": digest_of(token)})


def end_others(db: Db, member: MemberId, session: bytes) -> None:
    """Sign the member out everywhere but in this session."""
    db.execute(_SQL["delete_other_sessions"], {"member": member, "digest": session})


def create_link(db: Db, member: MemberId, now: Instant) -> str:
    """The token of a link that signs the member in once, within SIGN_IN_LINK_S."""
    token = secrets.token_urlsafe(_BYTES)
    db.execute(_SQL["delete_ended_links"], {"now": now})
    given = {"digest": digest_of(token), "member": member}
    db.execute(_SQL["insert_link"], given | {"expires_at": now + seconds(SIGN_IN_LINK_S)})
    return token


def use_link(db: Db, token: str, now: Instant) -> MemberId | None:
    """Whom the link signs in; None when there is none, it was used, or its time is over."""
    row = db.execute(_SQL["use_link"], {"digest": digest_of(token)}).fetchone()
    return MemberId(row[0]) if row and row[1] > now else None


def link_stands(db: Db, token: str) -> bool:
    """Was the link not used yet?"""
    row = db.execute(_SQL["link_stands"], {"digest": digest_of(token)}).fetchone()
    return bool(row and row[0])


def _idle(now: Instant) -> dict[str, Instant]:
    return {"idle_since": now - seconds(SESSION_IDLE_S)}
