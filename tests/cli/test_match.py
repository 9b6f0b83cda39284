"""`towpath match`: the rule, the normalised value and its hash, or why not."""

import json

import pytest
import typer
from typer.testing import CliRunner

from towpath.cli.match import match_command
from towpath.errors import InputError


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(match_command)
    return app


def test_taken(command: typer.Typer) -> None:
    done = CliRunner().invoke(command, ["email", " JaneDoe@gmail.com", "--json"])
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    others = told.pop("variants")
    assert told == {
        "field": "email",
        "rule": "tiktok-2026 (version 1)",
        "asked": " JaneDoe@gmail.com",
        "normalised": "janedoe@gmail.com",
        "sha256": "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69",
    }
    differing = [one["source"] for one in others if not one["same"]]
    assert differing == ["Segment", "tools that hash without a rule"]  # they do not trim
    done = CliRunner().invoke(command, ["phone", "(11) 91234-5678", "--country", "br"])
    assert "+5511912345678" in done.stdout
    assert "differs  TikTok's help centre, August 2025" in done.stdout


def test_refused(command: typer.Typer) -> None:
    done = CliRunner().invoke(command, ["phone", "11 91234-5678", "--json"])
    assert done.exit_code == 1
    assert "no country code" in json.loads(done.stdout)["refused"]
    zeros = "00000000-0000-0000-0000-000000000000"
    done = CliRunner().invoke(command, ["idfa", zeros])
    assert done.exit_code == 1
    assert "denied" in done.stdout
    assert "is empty" in CliRunner().invoke(command, ["email", ""]).stdout


def test_wrong_use(command: typer.Typer) -> None:
    assert CliRunner().invoke(command, ["fax", "1"]).exit_code == 2
    done = CliRunner().invoke(command, ["phone", "1", "--country", "UK"])
    assert isinstance(done.exception, InputError)
    assert done.exception.message == "'UK' is no country code of ISO 3166."
    assert done.exception.remedy == "Did you mean GB?"
