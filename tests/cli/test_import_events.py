"""Events and purchases from a file: each taken once, bad rows and cells refused alone."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from towpath.cli.events_file import import_events
from towpath.cli.import_counts import ImportResult
from towpath.cli.people_file import Asked
from towpath.clock import Instant
from towpath.errors import InputError
from towpath.people.csv_columns import CellRefusal
from towpath.store import workspaces
from towpath.store.database import Db

FILE = """\
external_id,event,at,event_id,product_id,price,currency,quantity,size:number,color
u1,viewed,2026-02-01T10:00:00Z,e1,,,,,3,red
u2,viewed,2026-02-01T10:00:00Z,,,,,,,
u1,,2026-02-01T11:00:00-03:00,e2,shoe,19.90,brl,2,,
u1,viewed,2026-02-01T10:00:00Z,e1,,,,,4,again
u3,viewed,2027-01-01T10:00:00Z,,,,,,,
u3,viewed,2026-02-01T10:00:00Z,e5,,,,,x,
u4,,2026-02-01T10:00:00Z,,shoe,1.00,,,,
u4,viewed,2026-02-01T10:00:00Z,,shoe,1.00,BRL,,,
u4,,2026-02-01T10:00:00Z,,,,,,,
,viewed,2026-02-01T10:00:00Z,,,,,,,
u4,,2026-02-01T10:00:00Z,,shoe,1.00,XXX,0,,
u4,viewed,,,,,,,,
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "events.csv"
    found.write_text(FILE)
    return found


def run(
    db: Db, now: Instant, path: Path, asked: Asked | None = None
) -> tuple[ImportResult, list[CellRefusal]]:
    refused: list[CellRefusal] = []
    workspace = workspaces.ensure_default(db, now)
    result = import_events(db, workspace, path, now, asked or Asked(), refused.extend)
    return result, refused


def stored(db: Db) -> list[tuple[object, ...]]:
    return db.execute(
        "select p.external_id, n.kind, n.name, e.amount, e.currency, e.quantity, e.properties"
        " from event e join event_name n on n.id = e.name join profile p on p.number = e.profile"
        " order by e.id"
    ).fetchall()


@pytest.mark.parametrize("chunk_rows", [2, 100])
def test_events_are_stored_once(db: Db, now: Instant, path: Path, chunk_rows: int) -> None:
    asked = Asked(chunk_rows=chunk_rows)
    result, refused = run(db, now, path, asked)
    expected = [
        ("u1", 0, "viewed", None, None, None, {"size": 3, "color": "red"}),
        ("u2", 0, "viewed", None, None, None, None),
        ("u1", 1, "shoe", Decimal("39.800000"), "BRL", 2, None),
        ("u3", 0, "viewed", None, None, None, None),
    ]
    assert stored(db) == expected
    assert (result.rows, result.events, result.events_known, result.new) == (12, 4, 1, 3)
    assert (result.refused_rows, result.refused_cells) == (7, 1)
    assert [(cell.line, cell.column) for cell in refused] == [
        (6, "at"), (7, "size"), (8, ""), (9, ""), (10, ""), (11, "external_id"),
        (12, "currency"), (12, "quantity"), (13, ""),
    ]  # fmt: skip
    again, _ = run(db, now + timedelta(days=1), path, asked)
    assert (again.events, again.events_known, again.new) == (0, 5, 0)
    assert stored(db) == expected


def test_dry_run(db: Db, now: Instant, path: Path) -> None:
    result, refused = run(db, now, path, Asked(dry_run=True))
    assert (result.events, len(refused), stored(db)) == (5, 9, [])


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("external_id,event", "named at"),
        ("external_id,at", "product_id"),
        ("event,at", "external_id"),
        ("external_id,event,at,size:big", "no type"),
    ],
)
def test_headers_refused(db: Db, now: Instant, path: Path, header: str, said: str) -> None:
    path.write_text(f"{header}\n")
    with pytest.raises(InputError, match=said):
        run(db, now, path)
