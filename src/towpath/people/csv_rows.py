"""Rows of a CSV file of any size, from its bytes, in flat memory.

UTF-8, a header, RFC 4180 quoting, any kind of line end. What is no such file is refused as a whole
with what to do about it; a row that cannot be read is refused alone, by its line, and reading goes
on behind it.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from towpath.errors import InputError
from towpath.limits import IMPORT_LINE_BYTES_MAX

CELL_CHARS_MAX = 131_072  # the csv module's own bound
# In place of a line beyond the bound: one cell that the csv module refuses, whatever stands around.
_OVERLONG = b"x" * (CELL_CHARS_MAX + 1) + b"\n"

_NOT_TEXT: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xfe", "is UTF-16", "Save it as UTF-8 (in Excel: CSV UTF-8)."),
    (b"\xfe\xff", "is UTF-16", "Save it as UTF-8 (in Excel: CSV UTF-8)."),
    (b"PK\x03\x04", "is a spreadsheet or a zip archive", "Save the sheet as CSV UTF-8."),
    (b"\x1f\x8b", "is compressed with gzip", "Unpack it first: gunzip FILE."),
    (b"\x89PNG", "is a picture, no text", "Name a CSV file."),
    (b"%PDF", "is a PDF, no text", "Name a CSV file."),
)


class RowRefusal(NamedTuple):
    """Why a row is not taken; the lines, counted from 1, where it begins and ends."""

    line: int
    reason: str
    to_line: int


@dataclass
class RowChunk:
    """Rows with as many cells as the header, the line each begins on, and the rows refused."""

    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    refused: list[RowRefusal] = field(default_factory=list)


def check_head(head: bytes) -> None:
    """Raise InputError when the first bytes (a few hundred) cannot begin a CSV file in UTF-8."""
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        raise InputError("The file is empty.", remedy="It needs a header and a row a person.")
    for start, what, remedy in _NOT_TEXT:
        if head.startswith(start):
            raise InputError(f"The file {what}.", remedy=remedy)
    if head[:256].count(0) > len(head[:256]) // 4:
        raise InputError(
            "The file is UTF-16, or no text.", remedy="Save it as UTF-8 (in Excel: CSV UTF-8)."
        )
    if head.lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise InputError(
            "The file looks like HTML, a page saved as CSV.",
            remedy="Download it again while you are logged in.",
        )


def texts(blocks: Iterable[bytes]) -> Iterator[str]:
    """The blocks as text, cut behind line ends. Raises InputError naming the line of a bad byte."""
    rest, line, skipping, first = b"", 1, False, True
    for block in blocks:
        data = rest + block
        cut = _after_last_line_end(data)
        if skipping and cut:
            end = _after_first_line_end(data)
            data, cut, skipping = _OVERLONG + data[end:], cut - end + len(_OVERLONG), False
        if not cut and len(data) > IMPORT_LINE_BYTES_MAX:
            skipping, data = True, b""
        rest = data[cut:]
        if cut:
            text = _decoded(data[:cut], line)
            line += text.count("\n")
            yield text.removeprefix("\ufeff") if first else text
            first = False
    if rest or skipping:
        yield _decoded(_OVERLONG if skipping else rest, line)


def _after_last_line_end(data: bytes) -> int:
    # A last byte of \r may be half of \r\n; only a file without any \n ends its lines with \r.
    return data.rfind(b"\n") + 1 or data.rfind(b"\r", 0, len(data) - 1) + 1


def _after_first_line_end(data: bytes) -> int:
    return data.find(b"\n") + 1 or data.find(b"\r") + 1


def _decoded(data: bytes, line: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        bad = line + data.count(b"\n", 0, error.start)
        raise InputError(
            f"The file is not UTF-8: there is a byte 0x{data[error.start]:02x} on this line.",
            remedy="Save it as UTF-8, or convert it: iconv -f LATIN1 -t UTF-8 FILE.",
            field=f"line {bad}",
        ) from error


class CsvRows:
    """A CSV file being read: first `header`, then `chunks`."""

    def __init__(self, blocks: Iterable[bytes], separator: str = ",") -> None:
        self.blank_lines = 0
        self._nul_seen = False
        self._reader = csv.reader(self._lines(blocks), delimiter=separator, strict=True)
        self._line_ends = iter(lambda: self._reader.line_num, -1)  # on which line the row ends
        self.header = self._read_header(separator)

    def chunks(self, size: int) -> Iterator[RowChunk]:
        """The rows behind the header, `size` at a time; the last chunk may be smaller."""
        while True:
            chunk, more = self._read_chunk(size)
            if chunk.rows or chunk.refused:
                yield chunk
            if not more:
                return

    def _lines(self, blocks: Iterable[bytes]) -> Iterator[str]:
        for text in texts(blocks):
            self._nul_seen = self._nul_seen or "\0" in text
            yield from io.StringIO(text, newline="")

    def _read_header(self, separator: str) -> list[str]:
        try:
            header = next((row for row in self._reader if row), [])
        except csv.Error as error:
            raise InputError(f"The header cannot be read: {error}.", field="line 1") from error
        if len(header) == 1:
            for other, name in ((";", "semicolons"), ("\t", "tabs"), (",", "commas")):
                if other != separator and other in header[0]:
                    raise InputError(
                        f"The columns seem to be separated by {name}.",
                        remedy=f"Say so: --separator {'tab' if other == chr(9) else repr(other)}.",
                        field="line 1",
                    )
        return header

    def _read_chunk(self, size: int) -> tuple[RowChunk, bool]:
        reader, chunk, more = self._reader, RowChunk(), True
        while more and len(chunk.rows) < size and len(chunk.refused) < size:
            begin = reader.line_num + 1
            asked = size - max(len(chunk.rows), len(chunk.refused))
            found: list[tuple[list[str], int]] = []
            try:
                found.extend(islice(zip(reader, self._line_ends, strict=False), asked))
                more = len(found) == asked
                self._sort_out(found, begin, chunk)
            except csv.Error as error:
                self._sort_out(found, begin, chunk)
                begin = found[-1][1] + 1 if found else begin
                chunk.refused.append(RowRefusal(begin, _why(error), reader.line_num))
        return self._without_nul(chunk), more

    def _sort_out(self, found: list[tuple[list[str], int]], begin: int, chunk: RowChunk) -> None:
        """Put rows, each with the line it ends on, into the chunk; the first begins at `begin`."""
        if not found:
            return
        width, rows = len(self.header), [row for row, _ in found]
        begins = [begin, *[end + 1 for _, end in found]]
        if set(map(len, rows)) == {width} and self.header not in rows:
            chunk.rows += rows
            chunk.lines += begins[:-1]
            return
        for (row, end), line in zip(found, begins, strict=False):
            if len(row) == width and row != self.header:
                chunk.rows.append(row)
                chunk.lines.append(line)
            elif not row:
                self.blank_lines += 1
            elif row == self.header:
                chunk.refused.append(RowRefusal(line, "is the header again", end))
            else:
                many = "more" if len(row) > width else "fewer"
                chunk.refused.append(RowRefusal(line, f"has {many} cells than the header", end))

    def _without_nul(self, chunk: RowChunk) -> RowChunk:
        if not self._nul_seen:
            return chunk
        bad = {index for index, row in enumerate(chunk.rows) if any("\0" in cell for cell in row)}
        chunk.refused += [
            RowRefusal(line, "holds a NUL byte", line)
            for index, line in enumerate(chunk.lines)
            if index in bad
        ]
        kept = [index for index in range(len(chunk.rows)) if index not in bad]
        return RowChunk(
            [chunk.rows[i] for i in kept], [chunk.lines[i] for i in kept], chunk.refused
        )


def _why(error: csv.Error) -> str:
    text = str(error)
    if "field larger" in text:
        return f"has a cell or a line beyond {CELL_CHARS_MAX:,} characters; is a quote left open?"
    if "unexpected end" in text:
        return "opens a quote that the file never closes"
    if "expected after" in text:
        return "has text behind a closing quote; a quote inside a cell is written twice"
    return "cannot be read as CSV"
