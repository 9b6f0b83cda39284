"""`towpath import FILE`: people from a CSV file, with a bar and a report of what is refused."""

import csv
import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from towpath.cli import compose, output
from towpath.cli.people_file import Asked, ImportResult, check_path, import_people
from towpath.errors import InputError
from towpath.people.columns import Refusal
from towpath.people.csv_columns import CellRefusal
from towpath.people.profile import read_country
from towpath.store import workspaces
from towpath.store.database import database_now


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
    separator: Annotated[str, typer.Option(help="Between cells: , or ; or tab.")] = ",",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read all, store nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print counts as JSON.")] = False,
) -> None:
    """Import people. Importing the same file again changes nothing."""
    check_path(file)
    # Rows are made and dropped by the million, none in a cycle: collecting costs a quarter more.
    gc.disable()
    asked = Asked(_separator(separator), _country(country), dry_run)
    with compose.open_database(compose.read_settings()) as url, compose.connect(url) as db:
        now = database_now(db)
        workspace = workspaces.ensure_default(db, now)
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
    output.note(f"{result.rows:,} rows, {result.people:,} people: {stored}.")
    if result.attributes:
        output.note(f"Columns taken as attributes: {', '.join(result.attributes)}.")
    if result.blank_lines:
        output.note(f"{result.blank_lines:,} blank lines were passed over.")
    if result.refused:
        output.show_table(
            ("column", "reason", "count", "first line"),
            [(escape(column) or "(row)", *rest) for column, *rest in _reasons(result)],
            title=f"Refused: {result.refused_rows:,} rows, {result.refused_cells:,} cells",
        )


@contextmanager
def _report(path: Path | None) -> Iterator[Callable[[list[CellRefusal]], None]]:
    if path is None:
        yield lambda _: None
        return
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
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("import", total=file.stat().st_size)
        yield lambda count: progress.advance(task, count)


def _separator(text: str) -> str:
    found = "\t" if text == "tab" else text
    if len(found) != 1 or found in '"\r\n':
        raise InputError(
            "The separator must be one character, or the word tab.",
            remedy="Leave it out for commas.",
            field="--separator",
        )
    return found


def _country(text: str | None) -> str | None:
    found = None if text is None else read_country(text)
    if isinstance(found, Refusal):
        raise InputError(f"{text} {found.reason}.", remedy="Such as BR.", field="--country")
    return found
