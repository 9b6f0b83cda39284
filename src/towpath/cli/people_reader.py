"""Reading a people file ahead of the store: rows to text for COPY, in a process of its own.

Reading (CSV, normalising, hashing) costs as much as writing, so of a large file the next chunks are
read while one is written. What only the store knows, the country of people whose phone names none,
is asked back in turn: everything before the question is stored when it is answered.
"""

import gc
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from towpath.clock import Instant
from towpath.errors import InputError, TowpathError
from towpath.limits import IMPORT_AHEAD_BYTES
from towpath.people.columns import any_said
from towpath.people.csv_columns import (
    CellRefusal,
    Header,
    all_differ,
    ids_without_country,
    read_header,
    read_people,
    with_good_ids,
)
from towpath.people.csv_rows import CsvRows, RowChunk
from towpath.people.people_set import Numbers
from towpath.people.profile import Identifier, PeopleBatch
from towpath.store.staging import StagedPeople, joined, stage

BLOCK_BYTES = 1 << 20
_CHUNKS_AHEAD = 2
_PART_ROWS = 2_000  # 10 µs a row instead of 15 for 20,000 at once (benchmarks/README.md)
_LOOK_S = 1.0

Countries = Callable[[list[str]], Mapping[str, str]]
"""The stored country of those of these external ids who have one."""


@dataclass(frozen=True)
class PeopleReading:
    """How to read a file. `country` stands for the workspace's default. `skip` chunks are stored
    already: they are only passed over, or read for their refusals when `whole`."""

    path: Path
    separator: str
    country: str | None
    chunk_rows: int
    moment: Instant
    skip: int = 0
    whole: bool = False

    def at(self, index: int) -> Instant:
        """When a chunk is said: later than the one before, for the newest device is kept."""
        return self.moment + timedelta(microseconds=index)


@dataclass
class PeopleChunk:
    """A chunk read: `bytes` and `blank_lines` of the file so far; the last chunk is empty."""

    index: int
    attributes: list[str]
    bytes: int
    blank_lines: int
    rows: int = 0
    good_rows: int = 0
    staged: StagedPeople | None = None
    refused: list[CellRefusal] = field(default_factory=list)
    matchable: int = 0
    old_mobiles: int = 0
    lines: Numbers = field(default_factory=lambda: np.empty(0, np.uint32))

    def line_of(self, place: int) -> int:
        """The line of a staged row; of rows that became one person, about where."""
        return int(self.lines[place])


def read_chunks(reading: PeopleReading, countries: Countries) -> Iterator[PeopleChunk]:
    """The file's chunks in order. Raises InputError when the header cannot be."""
    with reading.path.open("rb") as file:
        rows = CsvRows(blocks(file), reading.separator)
        header = read_header(rows.header)
        names = [column.name for column in header.attributes]
        index = 0
        for index, chunk in enumerate(rows.chunks(reading.chunk_rows)):
            found = PeopleChunk(index, names, file.tell(), rows.blank_lines)
            if index >= reading.skip or reading.whole:
                _read(reading, header, chunk, countries, found)
            yield found
        yield PeopleChunk(index + 1, names, file.tell(), rows.blank_lines)


def _read(
    reading: PeopleReading,
    header: Header,
    chunk: RowChunk,
    countries: Countries,
    found: PeopleChunk,
) -> None:
    found.rows = len(chunk.rows) + len(chunk.refused)
    good, found.refused = with_good_ids(header, chunk)
    found.good_rows = len(good.rows)
    found.lines = np.array(good.lines, np.uint32)
    if not good.rows:
        return
    asked = ids_without_country(header, good)
    known = countries(asked) if asked else {}
    staged: list[StagedPeople] = []
    for first, part in _parts(header, good):
        batch, refused = read_people(header, part, reading.at(found.index), known, reading.country)
        staged.append(stage(batch, first))
        found.refused += refused
        found.matchable += _matchable(batch)
        found.old_mobiles += _old_mobiles(batch)
    found.staged = joined(staged)
    found.refused.sort()


def _parts(header: Header, chunk: RowChunk) -> Iterator[tuple[int, RowChunk]]:
    """The chunk in parts that fit the processor's cache, each with the place of its first row.

    A chunk that has somebody twice stays whole, for both rows are one person.
    """
    rows, lines = chunk.rows, chunk.lines
    size = _PART_ROWS if all_differ(header, chunk) else len(rows)
    for first in range(0, len(rows), size):
        yield first, RowChunk(rows[first : first + size], lines[first : first + size])


def _old_mobiles(batch: PeopleBatch) -> int:
    return sum(
        1 for one in batch.phone if one and len(one.value or "") == 13 and _is_old_mobile(one)
    )


def _matchable(batch: PeopleBatch) -> int:
    columns = [
        cells for cells in (batch.email, batch.phone, batch.idfa, batch.gaid) if any_said(cells)
    ]
    return sum(map(any, zip(*columns, strict=True))) if columns else 0


def _is_old_mobile(phone: Identifier) -> bool:
    # +55, two digits of the area, eight of the number: mobiles have had nine since 2016 (Anatel).
    value = phone.value or ""
    return value.startswith("+55") and value[5] in "6789"


def blocks(file: BinaryIO) -> Iterator[bytes]:
    """The file's bytes, a megabyte at a time."""
    while block := file.read(BLOCK_BYTES):
        yield block


@contextmanager
def reading_ahead(reading: PeopleReading, countries: Countries) -> Iterator[Iterator[PeopleChunk]]:
    """`read_chunks`; of a large file in another process, a few chunks ahead."""
    if reading.path.stat().st_size < IMPORT_AHEAD_BYTES:
        yield read_chunks(reading, countries)
        return
    context = multiprocessing.get_context("spawn")
    ready: Any = context.Queue(_CHUNKS_AHEAD)
    ours, theirs = context.Pipe()
    reader = context.Process(target=_serve, args=(reading, ready, theirs), daemon=True)
    reader.start()
    try:
        yield _received(reader, ready, ours, countries)
    finally:
        reader.kill()
        reader.join()


def _received(
    reader: Any, ready: Any, answers: Connection, countries: Countries
) -> Iterator[PeopleChunk]:
    while True:
        try:
            found = ready.get(timeout=_LOOK_S)
        except queue.Empty:
            if not reader.is_alive():
                raise InputError(
                    "The process that reads the file ended.",
                    remedy="Is memory short? Start the import again; it goes on where it was.",
                ) from None
            continue
        match found:
            case None:
                return
            case PeopleChunk():
                yield found
            case TowpathError():
                raise found
            case asked:
                answers.send(countries(asked))


def _serve(reading: PeopleReading, ready: Any, questions: Connection) -> None:
    """The reading process: chunks, questions (lists of ids) and an error go into `ready`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()

    def countries(ids: list[str]) -> Mapping[str, str]:
        ready.put(ids)
        found: Mapping[str, str] = questions.recv()
        return found

    try:
        for chunk in read_chunks(reading, countries):
            ready.put(chunk)
        ready.put(None)
    except TowpathError as error:
        ready.put(error)


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
