"""`towpath audit`: what it says, and its exit code."""

import json
from datetime import UTC, datetime

import pytest
import typer
from tests.store.audit_world import WINBACK, open_world
from typer.testing import CliRunner

from towpath.cli.audit import audit_command
from towpath.store.database import Db


@pytest.fixture
def command(db: Db, database_url: str, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """The command on the database of `db`, with a small Canvas under way."""
    monkeypatch.setenv("TOWPATH_DATABASE_URL", database_url)
    world = open_world(db, datetime(2026, 3, 1, 12, tzinfo=UTC))
    world.launch(WINBACK)
    world.walk()
    app = typer.Typer()
    app.command()(audit_command)
    return app


def test_all_well(command: typer.Typer) -> None:
    done = CliRunner().invoke(command, [])
    assert done.exit_code == 0, done.output
    assert "all well" in done.stdout
    assert "Nothing differs." in done.stdout
    done = CliRunner().invoke(command, ["--json"])
    told = json.loads(done.stdout)
    assert told["findings"] == []
    by_name = {one["name"]: one for one in told["checks"]}
    assert by_name["counters"]["checked"] > 0
    assert all(one["findings"] == 0 for one in told["checks"])


def test_a_difference(command: typer.Typer, db: Db) -> None:
    db.execute("update tally set entered = entered - 1 where step = 'add'")
    done = CliRunner().invoke(command, [])
    assert done.exit_code == 1
    assert "version 1, step add: entered is 120 by recount; its tally says 119." in done.stdout
    assert "What to do:" in done.stdout
    done = CliRunner().invoke(command, ["--json"])
    assert done.exit_code == 1
    found = json.loads(done.stdout)["findings"][0]
    assert found["check"] == "counters"
    assert found["means"]
    assert found["remedy"]
