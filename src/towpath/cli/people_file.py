"""Import a people file of any size: a chunk of rows at a time, each chunk one transaction.

The whole file is read once beforehand, so that a file in another encoding is refused before
anything is stored. An import that is stopped is simply started again: it goes on behind the last
chunk that is stored (store/imports.py).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from towpath.cli.import_counts import ImportResult, counts, restored
from towpath.cli.people_reader import PeopleChunk, PeopleReading, blocks, reading_ahead
from towpath.clock import Instant, Stopwatch
from towpath.errors import InputError
from towpath.limits import IMPORT_CHUNK_ROWS
from towpath.people.csv_columns import CellRefusal, read_header
from towpath.people.csv_rows import CsvRows, check_head, texts
from towpath.store import imports, profiles
from towpath.store.database import Db, database_now
from towpath.store.imports import File, ImportJob
from towpath.store.tombstones import REFUSED
from towpath.store.workspaces import Workspace

Refuse = Callable[[list[CellRefusal]], None]
Tell = Callable[[str], None]


def nothing(_: object) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Asked:
    """How to read the file. `country` stands for the workspace's default when it is given.

    `whole_report`: what was stored before a stop is read again, so that `refuse` gets everything.
    """

    separator: str = ","
    country: str | None = None
    dry_run: bool = False
    chunk_rows: int = IMPORT_CHUNK_ROWS
    whole_report: bool = False


def import_people(
    db: Db,
    workspace: Workspace,
    path: Path,
    now: Instant,
    asked: Asked,
    refuse: Refuse = nothing,
    progress: Callable[[int], None] = nothing,
    tell: Tell = nothing,
) -> ImportResult:
    """Import a CSV file in flat memory; `docs/import.md` says what its columns mean.

    `refuse` gets what is refused, a chunk at a time; `progress` the number of bytes just read;
    `tell` what there is to say meanwhile. Raises InputError when the file as a whole cannot be
    read, and nothing is stored then; ConflictError when the import is cancelled meanwhile.
    """
    country = asked.country or workspace.default_country
    told = {"separator": asked.separator, "country": country, "chunk_rows": asked.chunk_rows}
    file = file_at(path, "people", told)
    with path.open("rb") as opened:
        read_header(CsvRows(blocks(opened), asked.separator).header)
    reading = PeopleReading(path, asked.separator, country, asked.chunk_rows, now)
    if asked.dry_run:
        return _run(db, workspace, None, reading, now, refuse, progress)
    with imports.turn(db, workspace.id, lambda: tell(WAITING)):
        job = imports.begin(db, workspace.id, file, now)
        if job.chunks:
            tell(f"Going on with import {job.id}, behind {job.counts['rows']:,} rows.")
        resumed = PeopleReading(
            path, asked.separator, country, asked.chunk_rows, job.started_at, job.chunks,
            asked.whole_report,
        )  # fmt: skip
        return _run(db, workspace, job, resumed, now, refuse, progress)


WAITING = "Another import of this workspace is running; this one waits for its end."


def _run(
    db: Db,
    workspace: Workspace,
    job: ImportJob | None,
    reading: PeopleReading,
    now: Instant,
    refuse: Refuse,
    progress: Callable[[int], None],
) -> ImportResult:
    """Read the file to its end; without a job nothing is stored.

    Rows are read as of the import's beginning, so that going on means the same; they are stored as
    of when they are, for the intake takes nothing that came long before what it has seen.
    """
    result, seen = restored(job.counts if job else {}), 0
    clock = Stopwatch(now)
    known = partial(profiles.countries, db, workspace.id)
    with reading_ahead(reading, known) as chunks:
        for chunk in chunks:
            progress(chunk.bytes - seen)
            seen = chunk.bytes
            refuse(chunk.refused)
            if chunk.index < reading.skip:
                continue
            _note(result, chunk)
            if job and (erased := _write(db, workspace, job, chunk, clock.now(), result)):
                refuse(erased)
    if job:
        imports.finish(db, job, counts(result), database_now(db))
    return result


def _write(
    db: Db,
    workspace: Workspace,
    job: ImportJob,
    chunk: PeopleChunk,
    now: Instant,
    result: ImportResult,
) -> list[CellRefusal]:
    """Write a chunk; gives the rows of people who were erased, which are refused."""
    erased: list[CellRefusal] = []
    with db.transaction():
        if chunk.staged is not None:
            done = profiles.write(db, workspace.id, chunk.staged, now)
            result.new += done.new
            result.changed += done.changed
            result.keys_changed += len(done.keys_changed)
            erased = [CellRefusal(chunk.line_of(place), "", REFUSED) for place in done.refused]
            result.people -= len(erased)
            result.note_refused(erased)
        imports.note(db, job, chunk.index + 1, counts(result), database_now(db))
    return erased


def _note(result: ImportResult, chunk: PeopleChunk) -> None:
    people = len(chunk.staged) if chunk.staged else 0
    result.attributes = chunk.attributes
    result.rows += chunk.rows
    result.people += people
    result.repeated += chunk.good_rows - people
    result.matchable += chunk.matchable
    result.old_mobiles += chunk.old_mobiles
    result.blank_lines = chunk.blank_lines
    result.note_refused(chunk.refused)


def file_at(path: Path, kind: str, asked: Mapping[str, object]) -> File:
    """What stands at `path`, read once. Raises InputError when it is no CSV file in UTF-8."""
    digest = sha256()
    with path.open("rb") as file:
        check_head(file.read(4096))
        file.seek(0)

        def hashed() -> Iterator[bytes]:
            for block in blocks(file):
                digest.update(block)
                yield block

        for _ in texts(hashed()):
            pass
        size = file.tell()
    return File(kind, path.name, digest.digest(), size, dict(asked))


def check_path(path: Path) -> None:
    """Raise InputError unless this is a file that can be read twice."""
    if not path.exists():
        raise InputError(f"There is no file {path}.", remedy="Check the path.", field="file")
    if not path.is_file():
        raise InputError(f"{path} is no plain file.", remedy="Name a CSV file.", field="file")
