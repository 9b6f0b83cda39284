"""How commands speak: results on stdout, all else on stderr, and one shape for what went wrong."""

import json
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from towpath.errors import TowpathError


def note(text: str) -> None:
    """A message for the person at the terminal: stderr."""
    sys.stderr.write(text + "\n")


def show_json(value: object) -> None:
    """A result for a machine: one JSON document on stdout."""
    sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False) + "\n")


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A result for people: a table on stdout, plain where stdout is no terminal."""
    table = Table(*columns, title=title or None)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console().print(table)


def show_error(error: TowpathError, *, as_json: bool) -> None:
    """What went wrong and what to do now, on stderr."""
    if as_json:
        told = {"error": error.message, "remedy": error.remedy, "field": error.field}
        note(json.dumps(told, ensure_ascii=False))
    else:
        note(f"Error: {error.message}" + (f"\n{error.remedy}" if error.remedy else ""))
