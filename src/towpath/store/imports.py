"""Imports: files being read, how far, and what became of them.

The place is written in the transaction that stores a chunk, so that a stopped import goes on behind
what is stored. Imports of a workspace take turns in the order in which they began.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from towpath.clock import Instant
from towpath.errors import ConflictError, NotFoundError
from towpath.ids import WorkspaceId
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("imports")


@dataclass(frozen=True, slots=True)
class ImportJob:
    """An import: `chunks` of the file's rows are stored; `counts` say what became of them."""

    id: int
    kind: str
    file: str
    bytes: int
    state: str
    chunks: int
    counts: dict[str, Any]
    started_at: Instant
    changed_at: Instant


@dataclass(frozen=True, slots=True)
class File:
    """A file to import: "people" or "events", its name, SHA-256 and size, and how to read it."""

    kind: str
    name: str
    digest: bytes
    bytes: int
    asked: dict[str, Any]


@contextmanager
def turn(db: Db, workspace: WorkspaceId, waiting: Callable[[], None]) -> Iterator[None]:
    """Wait for imports of the workspace that began earlier; `waiting` is told when there is one.

    A killed process loses its turn with its connection.
    """
    if db.execute(_SQL["try_turn"], (int(workspace),)).fetchone() != (True,):
        waiting()
        db.execute(_SQL["wait_turn"], (int(workspace),))
    try:
        yield
    finally:
        if not db.closed:
            db.execute(_SQL["end_turn"], (int(workspace),))


def begin(db: Db, workspace: WorkspaceId, file: File, now: Instant) -> ImportJob:
    """Begin to import a file, or go on where the same one was stopped. Within `turn`."""
    given = {
        "workspace": workspace, "kind": file.kind, "file": file.name, "digest": file.digest,
        "bytes": file.bytes, "asked": Jsonb(file.asked), "now": now,
    }  # fmt: skip
    row = (
        db.execute(_SQL["find_stopped"], given).fetchone()
        or db.execute(_SQL["insert_job"], given).fetchone()
    )
    assert row is not None
    return ImportJob(*row)


def note(db: Db, job: ImportJob, chunks: int, counts: dict[str, Any], now: Instant) -> None:
    """So many chunks are stored: in the transaction that stores the last of them.

    Raises ConflictError when the import was cancelled; nothing of the chunk is stored then.
    """
    given = {"id": job.id, "chunks": chunks, "counts": Jsonb(counts), "now": now}
    _still_running(db.execute(_SQL["note_place"], given).rowcount, job.id)


def finish(db: Db, job: ImportJob, counts: dict[str, Any], now: Instant) -> None:
    """The file was read to its end. Raises ConflictError when the import was cancelled."""
    given = {"id": job.id, "counts": Jsonb(counts), "now": now}
    _still_running(db.execute(_SQL["finish_job"], given).rowcount, job.id)


def cancel(db: Db, workspace: WorkspaceId, job: int, now: Instant) -> None:
    """Let an import go no further; what is stored stays. Raises NotFoundError, ConflictError."""
    if not db.execute(_SQL["cancel_job"], {"id": job, "workspace": workspace, "now": now}).rowcount:
        found = read(db, workspace, job)
        raise ConflictError(
            f"Import {job} is {found.state} already.", remedy="There is nothing to cancel."
        )


def read(db: Db, workspace: WorkspaceId, job: int) -> ImportJob:
    """An import by its number. Raises NotFoundError."""
    row = db.execute(_SQL["read_job"], {"id": job, "workspace": workspace}).fetchone()
    if row is None:
        raise NotFoundError(
            f"There is no import {job}.", remedy="`towpath import list` shows them.", field="import"
        )
    return ImportJob(*row)


def list_all(db: Db, workspace: WorkspaceId, limit: int) -> list[ImportJob]:
    """The newest imports, at most `limit`."""
    rows = db.execute(_SQL["list_jobs"], {"workspace": workspace, "limit": limit})
    return [ImportJob(*row) for row in rows]


def _still_running(found: int, job: int) -> None:
    if not found:
        raise ConflictError(
            f"Import {job} was cancelled; what was stored before stays.",
            remedy="Start it again to import the whole file.",
        )
