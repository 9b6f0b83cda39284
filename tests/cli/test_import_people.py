"""`towpath import`: what is stored, what is refused and reported, and that files may come again."""

import csv
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from towpath.cli.import_counts import ImportResult
from towpath.cli.import_people import app as import_app
from towpath.cli.people_file import Asked, import_people
from towpath.clock import Instant
from towpath.errors import InputError
from towpath.people.csv_columns import CellRefusal
from towpath.store import workspaces
from towpath.store.database import Db

FILE = """\
external_id,email,phone,country,points:number
u1,Ana@x.co,11 91234-5678,BR,7
u2,not an email,11 91234-5678,,x
,b@x.co,,,
u3,c@x.co,,,8

u1,ana2@x.co,,,
"""


def run(
    db: Db, now: Instant, path: Path, asked: Asked | None = None
) -> tuple[ImportResult, list[CellRefusal]]:
    refused: list[CellRefusal] = []
    workspace = workspaces.ensure_default(db, now)
    result = import_people(db, workspace, path, now, asked or Asked(), refused.extend)
    return result, refused


def rows(db: Db) -> list[tuple[object, ...]]:
    found = db.execute("select xmin, number, external_id, email, phone, attributes from profile")
    return sorted(found.fetchall(), key=lambda row: str(row[2]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "people.csv"
    found.write_text(FILE, encoding="utf-8")
    return found


def test_people_are_stored_and_bad_cells_refused(db: Db, now: Instant, path: Path) -> None:
    result, refused = run(db, now, path)
    assert [row[1:] for row in rows(db)] == [
        (0, "u1", "ana2@x.co", "+5511912345678", {"points": 7}),
        (1, "u2", None, None, {}),
        (2, "u3", "c@x.co", None, {"points": 8}),
    ]
    assert [(cell.line, cell.column) for cell in refused] == [
        (3, "email"),
        (3, "phone"),
        (3, "points"),
        (4, "external_id"),
    ]
    assert (result.rows, result.people, result.new, result.keys_changed) == (5, 3, 3, 2)
    assert (result.refused_rows, result.refused_cells, result.blank_lines) == (1, 3, 1)


@pytest.mark.parametrize("chunk_rows", [2, 100])
def test_the_same_file_again(db: Db, now: Instant, path: Path, chunk_rows: int) -> None:
    asked = Asked(chunk_rows=chunk_rows)
    run(db, now, path, asked)
    before = rows(db)
    result, _ = run(db, now, path, asked)
    assert result.new == 0
    assert [row[1:] for row in rows(db)] == [row[1:] for row in before]
    if chunk_rows == 100:
        assert (result.changed, result.keys_changed) == (0, 0)
        assert rows(db) == before


def test_a_phone_is_read_in_the_country_known_of_the_person(
    db: Db, now: Instant, tmp_path: Path
) -> None:
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    first.write_text("external_id,country\nu1,BR\nu2,\n")
    second.write_text("external_id,phone\nu1,11 91234-5678\nu2,020 7946 0958\n")
    run(db, now, first)
    _, refused = run(db, now, second)
    assert [cell.line for cell in refused] == [3]
    run(db, now, second, Asked(country="GB"))
    assert [row[4] for row in rows(db)] == ["+5511912345678", "+442079460958"]


def test_dry_run_stores_nothing(db: Db, now: Instant, path: Path) -> None:
    result, refused = run(db, now, path, Asked(dry_run=True))
    assert (result.people, result.new, len(refused)) == (3, 0, 4)
    assert rows(db) == []


def test_another_encoding_is_refused_before_anything_is_stored(
    db: Db, now: Instant, tmp_path: Path
) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(b"external_id,city\n" + b"u%d,a\n" % 1 * 100 + "x,S\xe3o".encode("latin-1"))
    with pytest.raises(InputError) as told:
        run(db, now, path, Asked(chunk_rows=10))
    assert told.value.field == "line 102"
    assert rows(db) == []


def test_header_only(db: Db, now: Instant, tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("external_id,email")
    result, refused = run(db, now, path)
    assert (result.rows, refused) == (0, [])


@pytest.fixture
def command(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """The command alone, on the test's own database."""
    monkeypatch.setenv("TOWPATH_DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)
    return import_app


def test_command_prints_counts_and_writes_reports(command: typer.Typer, path: Path) -> None:
    ndjson, table = path.with_name("refused.ndjson"), path.with_name("refused.csv")
    done = CliRunner().invoke(command, ["people", str(path), "--json", "--report", str(ndjson)])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["people"], told["new"], told["refused_cells"]) == (3, 3, 3)
    assert {"column": "email", "reason": "has no @", "count": 1, "first_line": 3} in told["refused"]
    lines = [json.loads(line) for line in ndjson.read_text().splitlines()]
    assert lines[0] == {"line": 3, "column": "email", "reason": "has no @"}
    assert "not an email" not in ndjson.read_text()
    done = CliRunner().invoke(command, ["people", str(path), "--report", str(table)])
    assert "has no @" in done.stdout
    assert "5 rows, 3 people: 0 new" in done.stdout
    assert "Refused: 1 row, 3 cells" in done.stdout
    assert done.stderr == ""
    with table.open(newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)] == ["3", "3", "3", "4"]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--country", "UK"], "GB"),
        (["--separator", "::"], "one character"),
        (["--report", "/nowhere/x"], "report"),
        (["--report", "-"], "into a file"),
    ],
)
def test_command_refuses_what_cannot_be(
    command: typer.Typer, path: Path, extra: list[str], said: str
) -> None:
    done = CliRunner().invoke(command, ["people", str(path), *extra])
    assert isinstance(done.exception, InputError)
    assert said in str(done.exception)


def test_no_such_file(command: typer.Typer, tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        done = CliRunner().invoke(command, ["people", str(path)])
        assert isinstance(done.exception, InputError)


def test_near_columns_are_told(command: typer.Typer, tmp_path: Path) -> None:
    """A misspelled column would be kept as an attribute, and nobody be matched by it."""
    path = tmp_path / "near.csv"
    path.write_text("external_id,e-mail,phne,plan,[bold]\nu1,a@x.co,1,pro,x\n")
    done = CliRunner().invoke(command, ["people", str(path)])
    assert done.exit_code == 0
    assert "'e-mail' is an attribute; did you mean email?" in done.stderr
    assert "did you mean phone?" in done.stderr
    assert done.stderr.count("\n") == 3
    assert "1 row, 1 person" in done.stdout
    assert "[bold]" in done.stdout


def test_a_column_named_id(command: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "id.csv"
    path.write_text("email,id\na@x.co,1\n")
    done = CliRunner().invoke(command, ["people", str(path)])
    assert isinstance(done.exception, InputError)
    assert (done.exception.remedy, done.exception.field) == ("Name it external_id.", "column 2")
