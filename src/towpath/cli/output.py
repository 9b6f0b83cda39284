"""How commands speak: results on stdout, all else on stderr, and one shape for what went wrong."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from towpath.errors import TowpathError

PIPE_COLUMNS = 100
"""How wide a table is where nothing says how wide it may be."""
UNBOUNDED = 10_000
FOLDED_CHARS = 10
"""No word is folded into lines shorter than this."""


def say(text: str) -> None:
    """A result for people: stdout."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """A message for the person at the terminal: stderr."""
    sys.stderr.write(text + "\n")


def show_json(value: object) -> None:
    """A result for a machine: one JSON document on stdout; times in ISO 8601 with T and Z."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False) + "\n")


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A result for people on stdout: a table, or, where that is too narrow for one, a line for each
    cell. Numbers stay whole, long words are folded; cells are never read as markup."""
    texts = [[str(cell) for cell in row] for row in rows]
    console, short = _stdout(), [name.replace(" ", "\n") for name in columns]
    for names, shape in ((columns, box.HEAVY_HEAD), (short, box.HEAVY_HEAD), (short, None)):
        table = _table(names, texts, title, shape)
        least = Console(width=UNBOUNDED).measure(table).minimum - _foldable(texts)
        if least <= console.width:
            console.print(table)
            return
    if title:
        say(title)
    for first, *rest in texts:
        told = [f"{name}: {text}" for name, text in zip(columns[1:], rest, strict=True)]
        say("\n  ".join([first, *(line for line in told if not line.endswith(": –"))]))


def _stdout() -> Console:
    free = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(width=PIPE_COLUMNS if free else None)


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], title: str, shape: box.Box | None
) -> Table:
    table = Table(title=Text(title) if title else None, box=shape, pad_edge=shape is not None)
    for place, name in enumerate(columns):
        if rows and all(_is_number(row[place]) for row in rows):
            table.add_column(Text(name), justify="right", no_wrap=True)
        else:
            table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _foldable(rows: Sequence[Sequence[str]]) -> int:
    """How many characters narrower the columns of words may become."""
    longest = [
        max((len(word) for cell in column for word in cell.split()), default=0)
        for column in zip(*rows, strict=True)
        if not all(map(_is_number, column))
    ]
    return sum(max(0, word - FOLDED_CHARS) for word in longest)


def _is_number(text: str) -> bool:
    return text == "–" or text.replace(",", "").isdigit()


def show_error(error: TowpathError, *, as_json: bool) -> None:
    """What went wrong, where, and what to do now, on stderr."""
    if as_json:
        told = {"error": error.message, "remedy": error.remedy, "field": error.field}
        note(json.dumps(told, ensure_ascii=False))
        return
    place = f" in {error.field}" if error.field else ""
    if error.field.lower() in error.message.lower():
        place = ""
    note(f"Error{place}: {error.message}" + (f"\n{error.remedy}" if error.remedy else ""))
