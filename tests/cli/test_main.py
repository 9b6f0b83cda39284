"""The command line: exit codes, words for what went wrong, and nothing a person should not see."""

import json
import os
import shlex
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import typer

from towpath.cli import compose, main, output
from towpath.errors import InputError, SettingsError, StoreError
from towpath.settings import Settings
from towpath.store import database, embedded, migrations

COMMAND = [sys.executable, "-m", "towpath.cli.main"]


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the developer's own get in."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("TOWPATH_"):
            monkeypatch.delenv(name)


def _code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main.run(arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


def _failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let `towpath migrate` go wrong in this way."""

    def fail(**_flags: object) -> Settings:
        raise error

    monkeypatch.setattr(compose, "read_settings", fail)


def test_help_version_and_no_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert _code("--version") == 0
    assert capsys.readouterr().out.startswith("towpath 0.")
    assert _code("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in main.COMMANDS)
    assert _code() == 2


@pytest.mark.parametrize(
    "arguments", [["stauts"], ["migrate", "--foo"], ["--config"], ["migrate", "extra"]]
)
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _code(*arguments) == 2
    said = capsys.readouterr()
    assert (said.out, "Error: " in said.err) == ("", True)


def test_a_near_name_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    assert _code("migrat") == 2
    assert "Did you mean 'migrate'?" in capsys.readouterr().err


def test_help_imports_no_command() -> None:
    ask = "import sys; from towpath.cli import main\ntry: main.run(['--help'])\nexcept SystemExit: "
    ask += "sys.exit(any(m in sys.modules for m in ('psycopg', 'aiohttp', 'numpy', 'pydantic')))"
    assert (
        subprocess.run([sys.executable, "-c", ask], capture_output=True, check=False).returncode
        == 0
    )


def test_an_error_is_a_sentence_and_a_remedy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _failing(monkeypatch, InputError("Line 3 has no id.", remedy="Add one.", field="line 3"))
    assert _code("migrate") == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "Error: Line 3 has no id.\nAdd one.\n")
    assert _code("migrate", "--json") == 1
    told = json.loads(capsys.readouterr().err)
    assert told == {"error": "Line 3 has no id.", "remedy": "Add one.", "field": "line 3"}
    assert _code("migrate", "--json", "--foo") == 2
    assert "--foo" in json.loads(capsys.readouterr().err)["error"]


def test_a_fault_of_ours_shows_no_traceback_and_no_data(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _failing(monkeypatch, ValueError("ana@example.com"))
    assert _code("migrate") == 1
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert "ana@example.com" not in said
    assert "Traceback" not in said
    assert _code("--debug", "migrate") == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_file_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _failing(monkeypatch, FileNotFoundError(2, "No such file or directory", "people.csv"))
    assert _code("migrate") == 1
    assert capsys.readouterr().err == "Error: No such file or directory: people.csv.\n"


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, extra: list[str]) -> None:
    _failing(monkeypatch, KeyboardInterrupt())
    assert _code("migrate", *extra) == 130


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_ctrl_c_at_a_prompt_is_130_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], extra: list[str]
) -> None:
    _failing(monkeypatch, typer.Abort())
    assert _code("migrate", *extra) == 130
    assert capsys.readouterr() == ("", "")


def test_a_lost_database_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _failing(monkeypatch, psycopg.errors.AdminShutdown("terminating connection"))
    assert _code("migrate") == 1
    assert "connection to the database was lost" in capsys.readouterr().err


def test_a_closed_pipe_is_no_fault() -> None:
    command = f"{shlex.join(COMMAND)} --help | true"
    ended = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False)
    assert ended.stderr == ""


def test_the_config_file_is_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("workers = 0\n")
    assert _code("--config", "own.toml", "migrate") == 1
    assert "workers (own.toml line 1)" in capsys.readouterr().err
    assert _code("--config", "none.toml", "migrate") == 1
    assert "none.toml cannot be read" in capsys.readouterr().err


def test_migrate(
    capsys: pytest.CaptureFixture[str],
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOWPATH_DATABASE_URL", empty_database_url)
    assert _code("migrate", "--check") == 1
    assert "towpath migrate" in capsys.readouterr().err
    assert _code("migrate", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ran"][0] == "0001_first"
    assert _code("migrate", "--check") == 0
    with database.connect(empty_database_url) as db:
        migrations.check(db)


def test_a_database_that_does_not_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_DATABASE_URL", "postgresql://me:hush@127.0.0.1:1/x")
    assert _code("migrate") == 1
    said = capsys.readouterr().err
    assert "127.0.0.1, port 1, cannot be reached" in said
    assert "hush" not in said


def test_the_embedded_database_ends_with_us(open_folder: Path) -> None:
    """The default action of SIGTERM runs no clean-up of ours: the kernel tells the server."""
    settings = Settings(data_dir=open_folder / "cli")
    with embedded.running(settings.data_dir / "postgresql", extra={"fsync": "off"}):
        pass  # made without waiting for the disk
    hold = (
        "import time; from pathlib import Path; from towpath.cli import compose\n"
        "from towpath.settings import Settings\n"
        f"with compose.open_database(Settings(data_dir=Path({str(settings.data_dir)!r}))) as url:\n"
        "    print(url, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout is not None
        url = held.stdout.readline().strip()
        with compose.open_database(settings) as attached:
            assert attached == url
        held.send_signal(signal.SIGTERM)
        held.wait()
    with compose.open_database(settings) as again, compose.connect(again) as db:
        migrations.check(db)
        assert compose.key_ring(settings) == compose.key_ring(settings)
    with pytest.raises(StoreError, match="cannot be reached"):
        compose.connect(url)


def test_a_new_database_is_said_and_a_missing_canvas_names_the_place(
    open_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_DATA_DIR", str(open_folder / "new"))
    assert _code("canvas", "show", "Winback") == 1
    said = capsys.readouterr().err
    assert said.startswith(f"A new database was made in {open_folder / 'new'}")
    assert f"There is no Canvas named 'Winback' in {open_folder / 'new'}." in said
    assert "database.migrated" not in said


def test_sealing_needs_a_key_of_the_operators(empty_database_url: str) -> None:
    settings = Settings.model_validate({"database_url": empty_database_url})
    with pytest.raises(SettingsError, match="no key to seal") as caught:
        compose.key_ring(settings)
    assert "openssl rand -base64 32" in caught.value.remedy


def test_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_table(["step", "entered"], [["add", 7]])
    assert "\x1b" not in (shown := capsys.readouterr().out)
    assert "entered" in shown
    output.show_table(["step"], [["[red]add[/red]"]], title="[b]")
    assert "[red]add[/red]" in (shown := capsys.readouterr().out)
    assert "[b]" in shown


def test_the_place_of_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_error(InputError("a time is needed.", field="steps.x.for"), as_json=False)
    assert capsys.readouterr().err == "Error in steps.x.for: a time is needed.\n"


def test_times_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_json({"at": datetime(2026, 3, 1, 12, tzinfo=UTC)})
    assert capsys.readouterr().out == '{"at": "2026-03-01T12:00:00Z"}\n'


def test_a_screen_without_the_letters() -> None:
    environ = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [*COMMAND, "match", "email", "jos\u00e9@example.com"]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert "UnicodeEncodeError" not in done.stderr
    assert "jos?@example.com" in done.stdout
