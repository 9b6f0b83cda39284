"""Import a people file of any size: a chunk of rows at a time, each chunk one transaction.

The whole file is read once beforehand, so that a file in another encoding is refused before
anything is stored. An import that is stopped is simply started again: what is there already is not
written twice.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from towpath.clock import Instant
from towpath.errors import InputError
from towpath.limits import IMPORT_CHUNK_ROWS
from towpath.people.csv_columns import (
    CellRefusal,
    Header,
    ids_without_country,
    read_header,
    read_people,
    with_good_ids,
)
from towpath.people.csv_rows import CsvRows, RowChunk, check_head, texts
from towpath.people.profile import PeopleBatch
from towpath.store import profiles
from towpath.store.database import Db
from towpath.store.workspaces import Workspace

BLOCK_BYTES = 1 << 20


@dataclass
class ImportResult:
    """What became of a file, so far. `refused` counts by column and reason ("" is the row)."""

    attributes: list[str] = field(default_factory=list)
    rows: int = 0
    people: int = 0  # a person twice in a chunk of rows counts once
    new: int = 0
    changed: int = 0  # whose own columns changed
    keys_changed: int = 0  # who has another match key than before; new people included
    refused_rows: int = 0
    refused_cells: int = 0
    blank_lines: int = 0
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    first_line: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """How to read the file. `country` stands for the workspace's default when it is given."""

    separator: str = ","
    country: str | None = None
    dry_run: bool = False
    chunk_rows: int = IMPORT_CHUNK_ROWS


def import_people(
    db: Db,
    workspace: Workspace,
    path: Path,
    now: Instant,
    asked: Asked,
    refuse: Callable[[list[CellRefusal]], None] = lambda _: None,
    progress: Callable[[int], None] = lambda _: None,
) -> ImportResult:
    """Import a CSV file in flat memory; `docs/import.md` says what its columns mean.

    `refuse` gets what is refused, a chunk at a time; `progress` the number of bytes just read.
    Raises InputError when the file as a whole cannot be read; nothing is stored then.
    """
    with path.open("rb") as file:
        check_head(file.read(4096))
        file.seek(0)
        for _ in texts(_blocks(file, lambda _: None)):
            pass
        file.seek(0)
        rows = CsvRows(_blocks(file, progress), asked.separator)
        header = read_header(rows.header)
        result = ImportResult([column.name for column in header.attributes])
        reading = _Reading(db, workspace, header, asked)
        for count, chunk in enumerate(rows.chunks(asked.chunk_rows)):
            # A chunk is later than the one before it, for the store keeps the newest device.
            moment = now + timedelta(microseconds=count)
            batch, refused = reading.read(chunk, moment)
            _note(result, chunk, refused)
            refuse(refused)
            if batch is not None:
                _write(db, workspace, batch, moment, asked, result)
        result.blank_lines = rows.blank_lines
    return result


@dataclass(frozen=True)
class _Reading:
    db: Db
    workspace: Workspace
    header: Header
    asked: Asked

    def read(self, chunk: RowChunk, now: Instant) -> tuple[PeopleBatch | None, list[CellRefusal]]:
        good, refused = with_good_ids(self.header, chunk)
        if not good.rows:
            return None, refused
        country = self.asked.country or self.workspace.default_country
        known = profiles.countries(
            self.db, self.workspace.id, ids_without_country(self.header, good)
        )
        batch, cells = read_people(self.header, good, now, known, country)
        return batch, sorted(refused + cells)


def _write(
    db: Db,
    workspace: Workspace,
    batch: PeopleBatch,
    now: Instant,
    asked: Asked,
    result: ImportResult,
) -> None:
    result.people += len(batch)
    if asked.dry_run:
        return
    done = profiles.upsert(db, workspace.id, batch, now)
    result.new += done.new
    result.changed += done.changed
    result.keys_changed += len(done.keys_changed)


def _note(result: ImportResult, chunk: RowChunk, refused: list[CellRefusal]) -> None:
    result.rows += len(chunk.rows) + len(chunk.refused)
    for cell in refused:
        key = (cell.column, cell.reason)
        result.refused[key] += 1
        result.first_line.setdefault(key, cell.line)
        if cell.column in {"", "external_id"}:
            result.refused_rows += 1
        else:
            result.refused_cells += 1


def _blocks(file: BinaryIO, progress: Callable[[int], None]) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        progress(len(block))
        yield block


def check_path(path: Path) -> None:
    """Raise InputError unless this is a file that can be read twice."""
    if not path.exists():
        raise InputError(f"There is no file {path}.", remedy="Check the path.", field="file")
    if not path.is_file():
        raise InputError(f"{path} is no plain file.", remedy="Name a CSV file.", field="file")
