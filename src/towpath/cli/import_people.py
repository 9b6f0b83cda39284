"""`towpath import FILE`: people from a CSV file, with a bar and a report of what is refused."""

import csv
import difflib
import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from towpath.cli import compose, opening, output
from towpath.cli.match import country_option
from towpath.cli.people_file import BLOCK_BYTES, Asked, ImportResult, check_path, import_people
from towpath.errors import InputError
from towpath.people.csv_columns import KNOWN, CellRefusal
from towpath.people.csv_rows import CsvRows, check_head
from towpath.store.database import database_now

NEAR = 0.75
"""How much alike a column and a known one are (0 to 1) to be taken for a misspelling."""


def import_command(
    file: Annotated[Path, typer.Argument(help="A CSV file in UTF-8 with a header.")],
    report: Annotated[
        Path | None,
        typer.Option(help="Write every refused cell here: CSV if it ends so, else NDJSON."),
    ] = None,
    country: Annotated[
        str | None,
        typer.Option(help="Where phones without a country code are from, such as BR."),
    ] = None,
    separator: Annotated[
        str, typer.Option(help="Between cells: one character, such as ; or |, or the word tab.")
    ] = ",",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read all, store nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print counts as JSON.")] = False,
) -> None:
    """Import people. Importing the same file again changes nothing."""
    check_path(file)
    # Rows are made and dropped by the million, none in a cycle: collecting costs a quarter more.
    gc.disable()
    asked = Asked(_separator(separator), country_option(country), dry_run)
    _check_header(file, asked.separator)
    settings = compose.read_settings()
    with opening.opened(settings) as url, compose.connect(url) as db:
        now = database_now(db)
        workspace = opening.workspace_of(db, settings.workspace)
        with _report(report) as refuse, _bar(file) as progress:
            result = import_people(db, workspace, file, now, asked, refuse, progress)
    if as_json:
        output.show_json(counts(result))
    else:
        _show(result, dry_run=dry_run)


def counts(result: ImportResult) -> dict[str, object]:
    """The result as plain JSON."""
    return {
        "rows": result.rows,
        "people": result.people,
        "new": result.new,
        "changed": result.changed,
        "keys_changed": result.keys_changed,
        "refused_rows": result.refused_rows,
        "refused_cells": result.refused_cells,
        "blank_lines": result.blank_lines,
        "attributes": result.attributes,
        "refused": [
            {"column": column, "reason": reason, "count": count, "first_line": first}
            for column, reason, count, first in _reasons(result)
        ],
    }


def _reasons(result: ImportResult) -> list[tuple[str, str, int, int]]:
    return [
        (column, reason, count, result.first_line[column, reason])
        for (column, reason), count in result.refused.most_common()
    ]


def _show(result: ImportResult, *, dry_run: bool) -> None:
    stored = (
        "nothing was stored (dry run)"
        if dry_run
        else f"{result.new:,} new, {result.changed:,} changed, "
        f"{result.keys_changed:,} with new match keys"
    )
    people = _counted(result.people, "person", "people")
    output.say(f"{_counted(result.rows, 'row')}, {people}: {stored}.")
    if result.attributes:
        output.say(f"Columns taken as attributes: {', '.join(result.attributes)}.")
    if result.blank_lines:
        were = "was" if result.blank_lines == 1 else "were"
        output.say(f"{_counted(result.blank_lines, 'blank line')} {were} passed over.")
    if result.refused:
        rows, cells = result.refused_rows, result.refused_cells
        output.show_table(
            ("column", "reason", "count", "first line"),
            [(column or "(row)", *rest) for column, *rest in _reasons(result)],
            title=f"Refused: {_counted(rows, 'row')}, {_counted(cells, 'cell')}",
        )


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _check_header(file: Path, separator: str) -> None:
    """Say on stderr which columns are probably misspelled. Raises InputError for `id`."""
    with file.open("rb") as opened:
        check_head(opened.read(4096))
        opened.seek(0)
        cells = CsvRows(iter(lambda: opened.read(BLOCK_BYTES), b""), separator).header
    names = [cell.strip().lower() for cell in cells]
    if "id" in names and "external_id" not in names:
        raise InputError(
            "The column that tells people apart is named id.",
            remedy="Name it external_id.",
            field=f"column {names.index('id') + 1}",
        )
    missing = [name for name in KNOWN if name not in names]
    for cell, name in zip(cells, names, strict=True):
        near = difflib.get_close_matches(name.partition(":")[0], missing, 1, NEAR)
        if near and name not in KNOWN:
            output.note(f"The column {cell.strip()!r} is an attribute; did you mean {near[0]}?")


@contextmanager
def _report(path: Path | None) -> Iterator[Callable[[list[CellRefusal]], None]]:
    if path is None:
        yield lambda _: None
        return
    if str(path) == "-":
        raise InputError(
            "The report goes into a file.", remedy="Name one: refused.csv.", field="--report"
        )
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(
            f"The report cannot be written: {error.strerror}.",
            remedy="Name a file in a folder that exists.",
            field="--report",
        ) from error
    with file:
        yield _csv_writer(file) if path.suffix.lower() == ".csv" else _ndjson_writer(file)


def _csv_writer(file: TextIO) -> Callable[[list[CellRefusal]], None]:
    writer = csv.writer(file)
    writer.writerow(CellRefusal._fields)
    return writer.writerows


def _ndjson_writer(file: TextIO) -> Callable[[list[CellRefusal]], None]:
    def write(refused: list[CellRefusal]) -> None:
        for cell in refused:
            told = {name: value for name, value in cell._asdict().items() if value is not None}
            file.write(json.dumps(told, ensure_ascii=False) + "\n")

    return write


@contextmanager
def _bar(file: Path) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("Importing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    shown = console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not shown) as progress:
        task = progress.add_task("import", total=file.stat().st_size)
        yield lambda count: progress.advance(task, count)


def _separator(text: str) -> str:
    found = "\t" if text == "tab" else text
    if len(found) != 1 or found in '"\r\n':
        raise InputError(
            f"{text!r} is no separator: it must be one character, such as , ; or |, but no quote,"
            " or the word tab.",
            remedy="Leave it out for commas.",
            field="--separator",
        )
    return found
