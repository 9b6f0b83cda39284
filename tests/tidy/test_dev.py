"""`./dev`, the one door for whoever has a checkout: what a machine lacks is named with its cure."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "dirname", "cat", "cksum", "grep", "ls", "sed", "tr", "rm")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a folder with a space, on a machine that has no Python at all."""
    folder = tmp_path / "a checkout"
    (folder / "benchmarks").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    for name in ("dev", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    return folder


def _python(checkout: Path, script: str) -> None:
    """Give the machine a `python3` that is this shell script."""
    place = checkout.parent / "bin" / "python3"
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)


def _dev(checkout: Path, *words: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "dev", *words],
        env={"PATH": str(checkout.parent / "bin")},
        cwd="/",
        user=user,
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_python(checkout: Path) -> None:
    ended = _dev(checkout, "test")
    assert ended.returncode == 1
    assert "no Python 3.11 or newer" in ended.stderr
    assert "apt-get install python3 python3-venv" in ended.stderr


def test_too_old_a_python(checkout: Path) -> None:
    _python(checkout, "exit 1")
    assert "no Python 3.11 or newer" in _dev(checkout, "--version").stderr


def test_no_venv_module(checkout: Path) -> None:
    _python(checkout, '[ "$1" = -m ] && exit 1; exit 0')
    ended = _dev(checkout, "--version")
    assert ended.returncode == 1
    assert "apt-get install python3-venv" in ended.stderr
    assert not (checkout / ".venv").exists()


def test_a_ready_checkout_starts_at_once(checkout: Path) -> None:
    """With the stamp of the same lock nothing is installed, and the words go on as they are."""
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    python.chmod(0o755)
    files = b"".join(
        (checkout / name).read_bytes() for name in ("requirements.lock", "pyproject.toml")
    )
    told = subprocess.run(
        ["cksum"], input=f"{checkout}\n".encode() + files, capture_output=True, check=True
    )
    (checkout / ".venv" / ".towpath").write_bytes(told.stdout)
    ended = _dev(checkout, "import", "my people.csv")
    assert ended.stdout == "<-m><towpath.cli.main><import><my people.csv>"
    assert "name one of the benches" in _dev(checkout, "bench", "none").stderr
    (checkout / "requirements.lock").write_text("changed")
    assert _dev(checkout, "import").returncode == 1, "a changed lock must be installed first"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_another_users_checkout_is_left_alone(checkout: Path, open_folder: Path, mode: int) -> None:
    """Even where others may write in it."""
    theirs = open_folder / f"checkout-{mode:o}"
    shutil.copytree(checkout.parent, theirs, symlinks=True)
    folder = theirs / checkout.name
    (folder / ".venv").mkdir()
    for place in (theirs, folder, folder / ".venv"):
        place.chmod(mode)
    _python(folder, "exit 0")
    ended = _dev(folder, "--version", user=65_534)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "clone the repository into a folder of your own" in ended.stderr
    assert (folder / ".venv").exists()


@pytest.mark.skipif(shutil.which("dash") is None, reason="no dash here")
def test_it_is_posix_shell() -> None:
    subprocess.run(["dash", "-n", ROOT / "dev"], check=True)
    assert os.access(ROOT / "dev", os.X_OK)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
