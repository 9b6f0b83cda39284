"""What moves of a Canvas while people watch it: its state, counters, arrows, and who stands where.

All versions together, read in one snapshot, so that `entered = synced + not synced + pending +
errored` holds in what is read.
"""

from dataclasses import dataclass
from typing import Any

from towpath.errors import NotFoundError
from towpath.ids import CanvasId, WorkspaceId
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("movements")


@dataclass(frozen=True, slots=True)
class Movements:
    """`version` is the number of the newest version, None before the first launch; `edges` has an
    object of step, edge and people for each arrow that somebody went along."""

    state: str
    revision: int
    version: int | None
    counters: dict[str, dict[str, int]]
    edges: list[dict[str, Any]]
    standing: dict[str, int]


def read(db: Db, workspace: WorkspaceId, canvas: CanvasId) -> Movements:
    """The numbers of this moment. Raises NotFoundError."""
    given = {"workspace": workspace, "canvas": canvas}
    row = db.execute(_SQL["read_movements"], given).fetchone()
    if row is None:
        raise NotFoundError("There is no such Canvas.")
    return Movements(*row)
