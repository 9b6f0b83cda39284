"""Troubles: what keeps an audience's people from being sent now, for whoever looks at a Canvas.

They are derived: from a broken connection, from a pause of the app or the ad account, or from the
newest refusal that waits to be tried again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg.rows import class_row

from towpath.clock import Instant
from towpath.ids import AudienceId
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("troubles")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What stands in the way of an audience. `scope`: connection, ad account, app or request;
    `reason` is a cause of the partner's answers with its code, such as `connection (40105)`."""

    audience: AudienceId
    scope: str
    reason: str
    since: Instant | None
    until: Instant | None
    partner_request_ref: str | None


def of(db: Db, audiences: Iterable[AudienceId], now: Instant) -> dict[AudienceId, Trouble]:
    """The trouble of each of these audiences, the widest first; whoever has none is not in it."""
    given = {"audiences": list(audiences), "now": now}
    with db.cursor(row_factory=class_row(Trouble)) as cursor:
        found = cursor.execute(_SQL["read_troubles"], given).fetchall()
    return {trouble.audience: trouble for trouble in reversed(found)}
