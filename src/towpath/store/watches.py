"""Watches: the names of what live Canvases wait for, so that the intake passes over all else and
changes of attributes become events only where somebody waits for them."""

from collections.abc import Iterable

from towpath.clock import Instant
from towpath.ids import CanvasId, WorkspaceId
from towpath.store import intakes
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("watches")


def write(
    db: Db, workspace: WorkspaceId, canvas: CanvasId, names: Iterable[tuple[int, str]], now: Instant
) -> None:
    """The Canvas waits for these kinds and names (canvas/watched.py) and nothing else; none: it
    waits for nothing any more. In the transaction that launches, publishes or stops it."""
    row = db.execute(_SQL["is_watching"], (workspace,)).fetchone()
    assert row is not None
    db.execute(_SQL["delete_watches"], (canvas,))
    wanted = sorted({(int(kind), name) for kind, name in names})
    if not wanted:
        intakes.begin(db, workspace, now)
        return
    if not row[0]:
        intakes.skip_to_end(db, workspace, now)
    given = {"kinds": [kind for kind, _ in wanted], "names": [name for _, name in wanted]}
    db.execute(_SQL["write_watches"], given | {"workspace": workspace, "canvas": canvas})
