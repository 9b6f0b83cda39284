"""Entries asked for by API: durable when the answer goes out, let in by the intake at once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from towpath.clock import Instant
from towpath.ids import CanvasId, WorkspaceId
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("api_entries")


class ApiEntry(NamedTuple):
    """Somebody who is to enter, or, without `profile`, everybody who matches `audience`.

    Ids are drawn from the sequence of events: so it is known what came first."""

    id: int
    canvas: CanvasId
    profile: int | None
    context: dict[str, Any] | None
    audience: dict[str, Any] | None
    asked_at: Instant


def write(
    db: Db,
    workspace: WorkspaceId,
    canvas: CanvasId,
    dispatch: str,
    coming: Sequence[tuple[int, str | None]],
    now: Instant,
) -> None:
    """These profiles are to enter, each with a context as JSON text, or none."""
    place = {"workspace": workspace, "canvas": canvas, "dispatch": dispatch, "now": now}
    given = {"profiles": [one[0] for one in coming], "contexts": [one[1] for one in coming]}
    db.execute(_SQL["write_api_entries"], place | given)


def write_broadcast(
    db: Db,
    workspace: WorkspaceId,
    canvas: CanvasId,
    dispatch: str,
    audience: dict[str, Any] | None,
    now: Instant,
) -> None:
    """Everybody who matches the audience, a filter as plain data, is to enter; None: everybody."""
    place = {"workspace": workspace, "canvas": canvas, "dispatch": dispatch, "now": now}
    given = {"audience": None if audience is None else Jsonb(audience)}
    db.execute(_SQL["write_broadcast"], place | given)


def last_of(db: Db, workspace: WorkspaceId, most: int) -> int | None:
    """The last of the oldest `most` entries that wait, when more may wait behind it."""
    row = db.execute(_SQL["read_last_of"], (workspace, most - 1)).fetchone()
    return row[0] if row else None


def take(db: Db, workspace: WorkspaceId, most: int, last: int | None) -> list[ApiEntry]:
    """The oldest entries that wait, up to `last`, taken for good when the transaction commits."""
    given = {"workspace": workspace, "most": most, "last": last}
    rows = db.execute(_SQL["take_api_entries"], given).fetchall()
    return [ApiEntry(*row) for row in sorted(rows, key=lambda row: row[0])]
