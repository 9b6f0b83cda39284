"""What became of an imported file: counted while it is read, kept with the import, and shown."""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from towpath.cli import output
from towpath.people.csv_columns import CellRefusal

_PLAIN = (
    "rows", "people", "new", "changed", "keys_changed", "events", "events_known", "repeated",
    "matchable", "old_mobiles", "refused_rows", "refused_cells", "blank_lines",
)  # fmt: skip


@dataclass
class ImportResult:
    """What became of a file, so far. `refused` counts by column and reason ("" is the row)."""

    attributes: list[str] = field(default_factory=list)
    rows: int = 0
    people: int = 0  # a person twice in a chunk of rows counts once
    new: int = 0
    changed: int = 0  # whose own columns changed
    keys_changed: int = 0  # who has another match key than before; new people included
    events: int = 0  # stored
    events_known: int = 0  # whose ids had come before
    repeated: int = 0  # rows of a person who stood in the chunk already: the later row won
    matchable: int = 0  # whose rows bring an e-mail, a phone or a device
    old_mobiles: int = 0  # Brazilian mobile numbers without their ninth digit
    refused_rows: int = 0
    refused_cells: int = 0
    blank_lines: int = 0
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    first_line: dict[tuple[str, str], int] = field(default_factory=dict)

    def note_refused(
        self, refused: list[CellRefusal], fatal: Set[str] = frozenset({"", "external_id"})
    ) -> None:
        """Count what is refused of some rows: in a `fatal` column ("" is the row) it is the row,
        once however many of its cells are."""
        rows = {cell.line for cell in refused if cell.column in fatal}
        self.refused_rows += len(rows)
        self.refused_cells += sum(cell.column not in fatal for cell in refused)
        for cell in refused:
            key = (cell.column, cell.reason)
            self.refused[key] += 1
            self.first_line.setdefault(key, cell.line)


def counts(result: ImportResult) -> dict[str, Any]:
    """The result as plain JSON."""
    return {name: getattr(result, name) for name in _PLAIN} | {
        "attributes": result.attributes,
        "refused": [
            {
                "column": column,
                "reason": reason,
                "count": count,
                "first_line": result.first_line[column, reason],
            }
            for (column, reason), count in result.refused.most_common()
        ],
    }


def restored(told: dict[str, Any]) -> ImportResult:
    """The result that `counts` told."""
    result = ImportResult(**{name: told[name] for name in (*_PLAIN, "attributes") if name in told})
    for one in told.get("refused", ()):
        key = (one["column"], one["reason"])
        result.refused[key] = one["count"]
        result.first_line[key] = one["first_line"]
    return result


def show(result: ImportResult, *, kind: str = "people", dry_run: bool = False) -> None:
    """The result in words, with a table of what is refused."""
    output.say(
        f"{_counted(result.rows, 'row')}, {_what(result, kind)}: {_stored(result, kind, dry_run)}."
    )
    if result.attributes:
        taken = "attributes" if kind == "people" else "properties"
        output.say(f"Columns taken as {taken}: {', '.join(result.attributes)}.")
    if result.blank_lines:
        were = "was" if result.blank_lines == 1 else "were"
        output.say(f"{_counted(result.blank_lines, 'blank line')} {were} passed over.")
    if result.repeated:
        output.say(f"{_counted(result.repeated, 'row')} of people named before: the later row won.")
    if result.refused:
        rows, cells = result.refused_rows, result.refused_cells
        output.show_table(
            ("column", "reason", "count", "first line"),
            [
                (column or "(row)", reason, count, result.first_line[column, reason])
                for (column, reason), count in result.refused.most_common()
            ],
            title=f"Refused: {_counted(rows, 'row')}, {_counted(cells, 'cell')}",
        )
    _warn(result, kind)


def _what(result: ImportResult, kind: str) -> str:
    if kind == "people":
        return _counted(result.people, "person", "people")
    return _counted(result.events + result.events_known, "event")


def _stored(result: ImportResult, kind: str, dry_run: bool) -> str:
    if dry_run:
        return "nothing was stored (dry run)"
    if kind == "events":
        known = f", {result.events_known:,} had come before" if result.events_known else ""
        return f"{result.events:,} stored{known}, " + _counted(
            result.new, "new person", "new people"
        )
    return (
        f"{result.new:,} new, {result.changed:,} changed, "
        f"{result.keys_changed:,} with new match keys"
    )


def _warn(result: ImportResult, kind: str) -> None:
    if kind == "people" and result.people and not result.matchable:
        output.note("0 matchable: no row brings an e-mail, a phone or a device id.")
    if result.old_mobiles:
        output.note(
            f"{_counted(result.old_mobiles, 'Brazilian mobile number')} without the ninth digit:"
            " taken as given."
        )


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
