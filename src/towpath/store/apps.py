"""Apps: the operator's registrations at partners, which rates belong to.

The app's own secret is a setting and never comes here.
"""

from dataclasses import dataclass

from psycopg.rows import class_row, scalar_row

from towpath.clock import Instant
from towpath.errors import NotFoundError
from towpath.ids import AppId
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("apps")


@dataclass(frozen=True, slots=True)
class App:
    """An app and its rate. `paused_until`: nothing leaves before (see `permits.pause`)."""

    id: AppId
    partner: str
    partner_ref: str
    requests_per_second: int
    paused_until: Instant | None
    pause_reason: str | None


def ensure(db: Db, partner: str, partner_ref: str, requests_per_second: int) -> AppId:
    """The app of that id at the partner, with this rate from now on."""
    with db.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(
            _SQL["ensure_app"],
            {"partner": partner, "partner_ref": partner_ref}
            | {"requests_per_second": requests_per_second},
        ).fetchone()
    assert isinstance(found, int)
    return AppId(found)


def read(db: Db, app: AppId) -> App:
    """Raises NotFoundError when there is none."""
    with db.cursor(row_factory=class_row(App)) as cursor:
        found = cursor.execute(_SQL["read_app"], {"app": app}).fetchone()
    if found is None:
        raise NotFoundError("There is no such app.")
    return found
