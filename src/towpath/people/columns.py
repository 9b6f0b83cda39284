"""Reading a column of cells at once: each different cell is read once, refusals keep their index.

A reader is a function from one cell to what it means, or to a `Refusal` that says why not. Columns
of few different cells (country, consent) then cost a look into a small table a row.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

Cell = TypeVar("Cell", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a cell is not taken: a phrase that goes on from the column's name, without the value.

    `missing`: the cell stands for "nothing", and is no mistake worth reporting.
    """

    reason: str
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Column(Generic[Value]):
    """What a column's cells mean, None where a cell is empty or refused; reasons by index."""

    values: list[Value | None]
    refusals: dict[int, str]


def any_said(cells: Sequence[object]) -> bool:
    """Is any of the cells not None? Quick both for full columns and for empty ones."""
    return bool(cells) and (cells[0] is not None or cells.count(None) < len(cells))


def read_column(
    cells: Sequence[Cell | None], read: Callable[[Cell], Value | Refusal]
) -> Column[Value]:
    """Read each cell that is not None; any number of them, in memory proportional to it."""
    if not any_said(cells):
        return Column([None] * len(cells), {})
    meaning = {cell: read(cell) for cell in set(cells) if cell is not None}
    if Refusal not in set(map(type, meaning.values())):
        taken = cast("dict[Cell | None, Value]", meaning)
        return Column([*map(taken.get, cells)], {})
    refused = {cell: found for cell, found in meaning.items() if isinstance(found, Refusal)}
    taken = {cell: found for cell, found in meaning.items() if not isinstance(found, Refusal)}
    return Column(
        values=[*map(taken.get, cells)],
        refusals={
            index: refused[cell].reason
            for index, cell in enumerate(cells)
            if cell is not None and cell in refused and not refused[cell].missing
        },
    )
