"""Authorisations: consent pages that somebody was sent to, each by a state that comes back once.

Only the digest of a state is kept, with who may bring it back: the session, key or terminal that
began. A used one is kept for a while, so that "used" can be told from "unknown".
"""

import secrets
from dataclasses import dataclass

from psycopg.rows import class_row

from towpath.clock import Instant, seconds
from towpath.ids import MemberId, WorkspaceId
from towpath.limits import AUTHORISATION_KEPT_S, AUTHORISATION_S
from towpath.store.api_keys import digest_of
from towpath.store.database import Db
from towpath.store.queries import queries

_BYTES = 32
_SQL = queries("authorisations")


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What a state stands for. `name` is the connection's; `holder` who began it."""

    workspace: WorkspaceId
    partner: str
    name: str
    holder: str
    member: MemberId | None
    redirect_uri: str
    expires_at: Instant
    used_at: Instant | None = None


def begin(
    db: Db,
    workspace: WorkspaceId,
    partner: str,
    name: str,
    *,
    holder: str,
    member: MemberId | None,
    redirect_uri: str,
    now: Instant,
) -> str:
    """A new state, good once and for AUTHORISATION_S seconds."""
    state = secrets.token_urlsafe(_BYTES)
    old = {"before": now - seconds(AUTHORISATION_KEPT_S)}
    db.execute(_SQL["delete_old_authorisations"], old)
    given = {"digest": digest_of(state), "workspace": workspace, "partner": partner, "name": name}
    given |= {"holder": holder, "member": member, "redirect_uri": redirect_uri}
    expires_at = now + seconds(AUTHORISATION_S)
    db.execute(_SQL["insert_authorisation"], given | {"expires_at": expires_at})
    return state


def find(db: Db, state: str) -> Authorisation | None:
    """What the state stands for, used or expired too; None: nobody was given it."""
    with db.cursor(row_factory=class_row(Authorisation)) as cursor:
        return cursor.execute(_SQL["read_authorisation"], {"digest": digest_of(state)}).fetchone()


def use(db: Db, state: str, now: Instant) -> bool:
    """Spend the state; of two at once one is told no."""
    given = {"digest": digest_of(state), "now": now}
    return db.execute(_SQL["use_authorisation"], given).rowcount == 1
