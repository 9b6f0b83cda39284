"""`towpath demo`: its whole run on a few people, with faults, and shorter spans than at a desk."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.office import KEY

from towpath.cli import main
from towpath.cli.demo import command, reading, run

SPANS = {
    "flush_s": 1.0,
    "processing_s": 1.0,
    "request_deadline_s": 1.0,
    "lease_s": 2.0,
    "acceptance_s": 1.0,
    "retry_first_s": 0.2,
    "pause_max_s": 1.0,
}


def test_all_sides_agree(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """S047, S057: the reading of the file, the counters, and what the sandbox holds."""
    for name in [name for name in os.environ if name.startswith("TOWPATH_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOWPATH_DATABASE_URL", database_url)
    monkeypatch.setenv("TOWPATH_SECRET_KEYS", KEY)
    quick = tmp_path / "canvas.yaml"
    quick.write_text(reading.CANVAS_FILE.read_text().replace("for: 8s", "for: 3s"))
    monkeypatch.setattr(run, "CANVAS_FILE", quick)
    monkeypatch.setattr(command, "SPANS", run.SPANS | SPANS)
    with pytest.raises(SystemExit) as left:
        main.run(["demo", "--once", "--people", "400", "--fault-rate", "0.2", "--json"])
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert left.value.code == 0, told["differences"]
    assert told["agree"]
    assert told["expected_keys"] == told["sandbox_keys"]
    assert told["steps"]["add"]["synced"] > 100
    assert sum(told["faults"].values()) <= told["requests"]
    assert "SANDBOX" in said.err
    assert "database.migrated" not in said.err


def test_a_database_with_people_is_left_alone(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOWPATH_DATABASE_URL", database_url)
    monkeypatch.setenv("TOWPATH_SECRET_KEYS", KEY)
    people = tmp_path / "people.csv"
    people.write_text("external_id,email\nana,ana@example.com\n")
    imported = (["import", "people", str(people)], 0)
    for arguments, code in (imported, (["demo", "--once", "--json"], 1)):
        with pytest.raises(SystemExit) as left:
            main.run(arguments)
        assert left.value.code == code
    assert "holds people already" in capsys.readouterr().err


def test_sigterm_ends_it_and_leaves_nothing_behind(open_folder: Path) -> None:
    """Its folder goes with it, while people are still being imported."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("TOWPATH_")}
    folder = open_folder / "demo"
    folder.mkdir()
    folder.chmod(0o711)
    command = [sys.executable, "-m", "towpath.cli.main", "demo", "--people", "300"]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environ | {"TMPDIR": str(folder)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        told = ""
        while "Open http" not in told:
            told += process.stderr.readline() or pytest.fail(told)
        assert list(folder.glob("towpath-demo-*"))
        assert "/sandbox/" in told
        process.terminate()
        try:
            assert process.wait(20) == 130
        finally:
            process.kill()
    assert not list(folder.glob("towpath-demo-*"))
