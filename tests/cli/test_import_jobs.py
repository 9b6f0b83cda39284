"""Imports are jobs: stopped and continued without doubles, taken in turn, listed and cancelled."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.engine.crowd import crowd
from typer.testing import CliRunner

from towpath.cli import people_reader
from towpath.cli.events_file import import_events
from towpath.cli.import_people import app
from towpath.cli.people_file import Asked, import_people
from towpath.clock import Instant
from towpath.engine.intake import Intake
from towpath.errors import ConflictError, InputError, NotFoundError
from towpath.people.csv_columns import CellRefusal
from towpath.store import imports, waves, workspaces
from towpath.store.database import Db, connect

PEOPLE = 20_000
CHUNK = 500
IMPORT = """
import sys
from pathlib import Path
from towpath.cli.people_file import Asked, import_people
from towpath.store import workspaces
from towpath.store.database import connect, database_now
with connect(sys.argv[1]) as db:
    now = database_now(db)
    workspace = workspaces.ensure_default(db, now)
    import_people(db, workspace, Path(sys.argv[2]), now, Asked(chunk_rows=500))
"""


def write_people(path: Path, count: int, plan: str = "pro") -> Path:
    rows = "".join(f"u{n},p{n}@x.co,{plan},{n}\n" for n in range(count))
    path.write_text(f"external_id,email,plan,points:number\n{rows}bad,no address,,\n")
    return path


def count_of(db: Db, what: str) -> int:
    row = db.execute(f"select count(*) from {what}".encode()).fetchone()  # noqa: S608 - ours
    assert row is not None
    return int(row[0])


def test_killed_and_started_again(db: Db, database_url: str, now: Instant, tmp_path: Path) -> None:
    """C52: kill -9 in the middle; the second start goes on, and the report is whole."""
    path = write_people(tmp_path / "people.csv", PEOPLE)
    workspace = workspaces.ensure_default(db, now)
    with subprocess.Popen([sys.executable, "-c", IMPORT, database_url, str(path)]) as first:
        while not count_of(db, "import_job where chunks >= 3"):
            assert first.poll() is None
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGKILL)
    stored = count_of(db, "profile")
    assert 0 < stored < PEOPLE
    said: list[str] = []
    refused: list[CellRefusal] = []
    asked = Asked(chunk_rows=CHUNK, whole_report=True)
    result = import_people(db, workspace, path, now, asked, refused.extend, tell=said.append)
    assert "Going on with import 1" in said[-1]
    assert (result.rows, result.people, result.new) == (PEOPLE + 1,) * 3
    assert [(cell.line, cell.column) for cell in refused] == [(PEOPLE + 2, "email")]
    assert result.refused_cells == 1
    assert count_of(db, "profile") == count_of(db, "match_key") + 1 == PEOPLE + 1
    assert count_of(db, "import_job") == count_of(db, "import_job where state = 'done'") == 1


@pytest.mark.parametrize("chunk_rows", [300, 20_000])
def test_the_same_file_twice(db: Db, now: Instant, tmp_path: Path, chunk_rows: int) -> None:
    """C53: nothing changes the second time."""
    path = write_people(tmp_path / "people.csv", 1_000)
    workspace = workspaces.ensure_default(db, now)
    asked = Asked(chunk_rows=chunk_rows)
    import_people(db, workspace, path, now, asked)
    before = db.execute("select xmin, profile::text from profile order by number").fetchall()
    again = import_people(db, workspace, path, now, asked)
    assert (again.new, again.changed, again.keys_changed) == (0, 0, 0)
    assert (
        db.execute("select xmin, profile::text from profile order by number").fetchall() == before
    )


def test_two_at_once_take_turns(db: Db, database_url: str, now: Instant, tmp_path: Path) -> None:
    """C54: the one that began later ends later, and its word holds."""
    first = write_people(tmp_path / "first.csv", 3_000, "first")
    second = write_people(tmp_path / "second.csv", 3_000, "second")
    workspace = workspaces.ensure_default(db, now)
    began, waited = threading.Event(), threading.Event()

    def begin(_: int) -> None:
        began.set()
        waited.wait(10)

    def run_second() -> None:
        with connect(database_url) as other:
            asked = Asked(chunk_rows=CHUNK)
            import_people(other, workspace, second, now, asked, tell=lambda _: waited.set())

    one = threading.Thread(target=run_second)
    import_of_first = Asked(chunk_rows=CHUNK)
    with connect(database_url) as mine:
        held = threading.Thread(
            target=lambda: import_people(
                mine, workspace, first, now, import_of_first, progress=begin
            )
        )
        held.start()
        assert began.wait(10)
        one.start()
        held.join()
        one.join()
    assert waited.is_set()
    assert count_of(db, "profile where attributes ->> 'plan' = 'second'") == 3_000
    assert count_of(db, "profile") == 3_001


def test_a_large_file_is_read_ahead_in_another_process(
    db: Db, now: Instant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same comes of it, countries that only the store knows included."""
    monkeypatch.setattr(people_reader, "IMPORT_AHEAD_BYTES", 0)
    path = tmp_path / "people.csv"
    rows = "".join(f"u{n},,BR\n" for n in range(50))
    phones = "".join(f"u{n},11 91234-56{n:02},\n" for n in range(50))
    path.write_text(f"external_id,phone,country\n{rows}{phones}u50,11 91234-5678,\n")
    workspace = workspaces.ensure_default(db, now)
    result = import_people(db, workspace, path, now, Asked(chunk_rows=25))
    assert (result.new, result.changed, result.refused_cells) == (51, 50, 1)
    assert count_of(db, "profile where phone like '+55119123456%'") == 50
    path.write_text("external_id,external_id\n")
    with pytest.raises(InputError, match="same name"):
        import_people(db, workspace, path, now, Asked())


def test_cancelled(db: Db, database_url: str, now: Instant, tmp_path: Path) -> None:
    path = write_people(tmp_path / "people.csv", 2_000)
    workspace = workspaces.ensure_default(db, now)

    def cancel(_: list[CellRefusal]) -> None:
        with connect(database_url) as other:
            if count_of(other, "import_job where chunks = 2"):
                imports.cancel(other, workspace.id, 1, now)

    with pytest.raises(ConflictError, match="was cancelled"):
        import_people(db, workspace, path, now, Asked(chunk_rows=CHUNK), cancel)
    assert count_of(db, "profile") == 2 * CHUNK
    assert imports.read(db, workspace.id, 1).state == "cancelled"
    import_people(db, workspace, path, now, Asked(chunk_rows=CHUNK))
    assert [one.state for one in imports.list_all(db, workspace.id, 9)] == ["done", "cancelled"]
    with pytest.raises(ConflictError, match="done already"):
        imports.cancel(db, workspace.id, 2, now)
    with pytest.raises(NotFoundError):
        imports.cancel(db, workspace.id, 3, now)


def test_commands(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWPATH_DATABASE_URL", database_url)
    path = write_people(tmp_path / "people.csv", 3)
    ask = CliRunner().invoke
    assert ask(app, ["people", str(path)]).exit_code == 0
    told = json.loads(ask(app, ["list", "--json"]).stdout)
    assert [(one["id"], one["kind"], one["state"]) for one in told] == [(1, "people", "done")]
    assert "people.csv" in ask(app, ["list"]).stdout
    shown = ask(app, ["show", "1"]).stdout
    assert "Import 1 of people.csv (people): done." in shown
    assert "4 rows, 4 people: 4 new" in shown
    assert json.loads(ask(app, ["show", "1", "--json"]).stdout)["counts"]["new"] == 4
    assert isinstance(ask(app, ["cancel", "1"]).exception, ConflictError)


def test_what_is_continued_days_later_is_still_seen_by_the_intake(
    db: Db, now: Instant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The intake has gone on meanwhile, and reads nothing that was received long before."""
    found = crowd(db, now, 0, ENTERS)
    workspace, path = workspaces.read(db, found.workspace), tmp_path / "people.csv"
    path.write_text("external_id,plan\np0,silver\np1,gold\np2,gold\n")
    asked, note = Asked(chunk_rows=2), imports.note
    monkeypatch.setattr(imports, "note", stopping_after(1, note))
    with pytest.raises(StoppedError):
        import_people(db, workspace, path, now, asked)
    monkeypatch.setattr(imports, "note", note)
    later = now + timedelta(days=1)
    paid = tmp_path / "events.csv"
    paid.write_text(f"external_id,event,at\np0,paid,{later.isoformat()}\n")
    import_events(db, workspace, paid, later, Asked())
    Intake(db).tick(later)
    import_people(db, workspace, path, later + timedelta(hours=2), asked)
    Intake(db).tick(later + timedelta(hours=3))
    assert sum(map(len, waves.inside(db, found.canvas))) == 3


ENTERS = """
canvas: Enters
entry: {on: [{event: paid}, {attribute: plan, to: gold}], first: wait}
steps: {wait: {kind: delay, for: 1h, next: end}, end: {kind: exit}}
"""


class StoppedError(Exception):
    """The import was stopped."""


def stopping_after(calls: int, real: Callable[..., None]) -> Callable[..., None]:
    """Lets so many calls through; the next one stops the import."""
    left = iter(range(calls))

    def note(*given: Any) -> None:
        if next(left, None) is None:
            raise StoppedError
        real(*given)

    return note
