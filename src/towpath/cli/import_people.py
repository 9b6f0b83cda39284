"""`towpath import`: people and events from CSV files, with a report of what is refused."""

import csv
import difflib
import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from towpath.cli import compose, opening, output
from towpath.cli.events_file import import_events
from towpath.cli.import_counts import counts, restored, show
from towpath.cli.match import country_option
from towpath.cli.people_file import Asked, check_path, import_people
from towpath.cli.people_reader import blocks
from towpath.clock import Instant
from towpath.errors import InputError
from towpath.people.csv_columns import KNOWN, CellRefusal
from towpath.people.csv_rows import CsvRows, check_head
from towpath.store import imports
from towpath.store.database import Db, database_now
from towpath.store.workspaces import Workspace

NEAR = 0.75
"""How much alike a column and a known one are (0 to 1) to be taken for a misspelling."""


app = typer.Typer(no_args_is_help=True)

FilePath = Annotated[Path, typer.Argument(help="A CSV file in UTF-8 with a header.")]
Report = Annotated[
    Path | None,
    typer.Option(help="Write every refused cell here: CSV if it ends so, else NDJSON."),
]
Separator = Annotated[
    str, typer.Option(help="Between cells: one character, such as ; or |, or the word tab.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read all, store nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("people")
def people_command(
    file: FilePath,
    report: Report = None,
    country: Annotated[
        str | None,
        typer.Option(
            "--default-country",
            "--country",
            help="Where phones without a country code are from, such as BR; the workspace's own"
            " default country otherwise.",
        ),
    ] = None,
    separator: Separator = ",",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import people. A stopped import is started again and goes on; the same file changes nothing.

    Columns and rules: docs/import.md.
    """
    check_path(file)
    asked = Asked(
        _separator(separator),
        country_option(country),
        dry_run=dry_run,
        whole_report=report is not None,
    )
    _tell_near_names(_header(file, asked.separator))
    _import(file, report, asked, "people", as_json=as_json)


@app.command("events")
def events_command(
    file: FilePath,
    report: Report = None,
    separator: Separator = ",",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import events and purchases. An event is taken once, by its event_id or its line."""
    check_path(file)
    asked = Asked(_separator(separator), dry_run=dry_run, whole_report=report is not None)
    _header(file, asked.separator)
    _import(file, report, asked, "events", as_json=as_json)


@app.command("list")
def list_command(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """The workspace's imports, newest first."""
    with _opened() as (db, workspace):
        found = imports.list_all(db, workspace.id, limit)
    if as_json:
        output.show_json([asdict(one) for one in found])
        return
    output.show_table(
        ("import", "kind", "file", "state", "rows", "started"),
        [
            (one.id, one.kind, one.file, one.state, one.counts.get("rows", 0), _day(one.started_at))
            for one in found
        ],
    )


def _day(moment: Instant) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


@app.command("show")
def show_command(
    number: Annotated[int, typer.Argument(metavar="IMPORT", help="Its number.")],
    as_json: AsJson = False,
) -> None:
    """What became of an import, so far."""
    with _opened() as (db, workspace):
        found = imports.read(db, workspace.id, number)
    if as_json:
        output.show_json(asdict(found))
        return
    output.say(f"Import {found.id} of {found.file} ({found.kind}): {found.state}.")
    show(restored(found.counts), kind=found.kind)


@app.command("cancel")
def cancel_command(
    number: Annotated[int, typer.Argument(metavar="IMPORT", help="Its number.")],
) -> None:
    """Let an import go no further. What it stored stays."""
    with _opened() as (db, workspace):
        imports.cancel(db, workspace.id, number, database_now(db))
    output.say(f"Import {number} is cancelled. What it stored stays.")


@contextmanager
def _opened() -> Iterator[tuple[Db, Workspace]]:
    settings = compose.read_settings()
    with opening.opened(settings) as url, compose.connect(url) as db:
        yield db, opening.workspace_of(db, settings.workspace)


def _import(file: Path, report: Path | None, asked: Asked, kind: str, *, as_json: bool) -> None:
    # Rows are made and dropped by the million, none in a cycle: collecting costs a quarter more.
    gc.disable()
    read = import_people if kind == "people" else import_events
    with _opened() as (db, workspace), _report(report) as refuse, _bar(file) as progress:
        now = database_now(db)
        result = read(db, workspace, file, now, asked, refuse, progress, output.note)
    if as_json:
        output.show_json(counts(result))
    else:
        show(result, kind=kind, dry_run=asked.dry_run)


def _header(file: Path, separator: str) -> list[str]:
    with file.open("rb") as opened:
        check_head(opened.read(4096))
        opened.seek(0)
        return CsvRows(blocks(opened), separator).header


def _tell_near_names(cells: list[str]) -> None:
    """Say on stderr which columns are probably misspelled. Raises InputError for `id`."""
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
