"""Import a file of events and purchases: a chunk of rows at a time, each chunk one transaction.

An event is taken once by its `event_id`; a row without one is known by its line in this very file,
so that the same file again adds nothing. People whom nobody knows yet are made.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

from towpath.cli.import_counts import ImportResult, counts, restored
from towpath.cli.people_file import WAITING, Asked, Refuse, Tell, file_at, nothing
from towpath.cli.people_reader import blocks
from towpath.clock import Instant, Stopwatch
from towpath.people.csv_columns import CellRefusal
from towpath.people.csv_events import FATAL, EventLine, read_events, read_events_header
from towpath.people.csv_rows import CsvRows
from towpath.people.profile import PeopleBatch
from towpath.store import events, imports, profiles, workspaces
from towpath.store.database import Db
from towpath.store.imports import File, ImportJob
from towpath.store.tombstones import REFUSED
from towpath.store.workspaces import Workspace


def import_events(
    db: Db,
    workspace: Workspace,
    path: Path,
    now: Instant,
    asked: Asked,
    refuse: Refuse = nothing,
    progress: Callable[[int], None] = nothing,
    tell: Tell = nothing,
) -> ImportResult:
    """Import a CSV file of events in flat memory; arguments and errors as `import_people`."""
    told = {"separator": asked.separator, "chunk_rows": asked.chunk_rows}
    file = file_at(path, "events", told)
    with path.open("rb") as opened:
        read_events_header(CsvRows(blocks(opened), asked.separator).header)
    if asked.dry_run:
        return _run(db, workspace, file, None, path, asked, now, refuse, progress)
    with imports.turn(db, workspace.id, lambda: tell(WAITING)):
        job = imports.begin(db, workspace.id, file, now)
        if job.chunks:
            tell(f"Going on with import {job.id}, behind {job.counts['rows']:,} rows.")
        return _run(db, workspace, file, job, path, asked, now, refuse, progress)


def _run(
    db: Db,
    workspace: Workspace,
    file: File,
    job: ImportJob | None,
    path: Path,
    asked: Asked,
    now: Instant,
    refuse: Refuse,
    progress: Callable[[int], None],
) -> ImportResult:
    result, clock = restored(job.counts if job else {}), Stopwatch(now)
    with path.open("rb") as opened:
        rows = CsvRows(_counted(blocks(opened), progress), asked.separator)
        header = read_events_header(rows.header)
        result.attributes = [column.name for column in header.attributes]
        for index, chunk in enumerate(rows.chunks(asked.chunk_rows)):
            stored = job is not None and index < job.chunks
            if stored and not asked.whole_report:
                continue
            moment = now + timedelta(microseconds=index)
            found, refused = read_events(header, chunk, moment)
            refuse(refused)
            if stored:
                continue
            result.rows += len(chunk.rows) + len(chunk.refused)
            result.note_refused(refused, FATAL | {"", "external_id"})
            if job is None:
                result.events += len(found)
                continue
            with db.transaction():
                stored_at = clock.now()
                _write(db, workspace, file, found, stored_at, result)
                imports.note(db, job, index + 1, counts(result), stored_at)
        result.blank_lines = rows.blank_lines
    if job:
        imports.finish(db, job, counts(result), now)
    return result


def _counted(found: Iterator[bytes], progress: Callable[[int], None]) -> Iterator[bytes]:
    for block in found:
        progress(len(block))
        yield block


def _write(
    db: Db,
    workspace: Workspace,
    file: File,
    found: list[EventLine],
    now: Instant,
    result: ImportResult,
) -> None:
    """Store the events whose ids are new, in the caller's transaction."""
    workspaces.lock(db, workspace.id)
    by_id: dict[bytes, EventLine] = {}
    for one in found:
        event_id = one.event_id or f"{file.digest.hex()}:{one.line}"
        by_id.setdefault(events.id_digest(event_id), one)
    new = events.take_new(db, workspace.id, by_id, now)
    kept = [one for digest, one in by_id.items() if digest in new]
    ids = list(dict.fromkeys(one.external_id for one in kept))
    done = profiles.upsert(db, workspace.id, _named(ids), now)
    numbers = dict(zip(ids, done.numbers.tolist(), strict=True))
    erased = {ids[place] for place in done.refused}
    told = [
        events.Event(numbers[one.external_id], one.happening)
        for one in kept
        if one.external_id not in erased
    ]
    events.append(db, workspace.id, told, now)
    result.note_refused(
        [CellRefusal(one.line, "", REFUSED) for one in kept if one.external_id in erased]
    )
    result.events += len(told)
    result.events_known += len(found) - len(kept)
    result.people += done.people
    result.new += done.new


def _named(ids: list[str]) -> PeopleBatch:
    columns: dict[str, list[None] | list[str]] = {
        one.name: [None] * len(ids) for one in fields(PeopleBatch)
    }
    return PeopleBatch(**columns | {"external_id": ids})  # type: ignore[arg-type]
