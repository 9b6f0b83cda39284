"""`./dev`, the one door for whoever has a checkout: what a machine lacks is named with its cure."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "dirname", "cat", "cksum", "find", "grep", "ls", "sed", "sort", "tail", "tr", "rm")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a folder with a space, on a machine that has no Python at all."""
    folder = tmp_path / "a checkout"
    (folder / "benchmarks").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    (folder / "web" / "node_modules").mkdir(parents=True)
    (folder / "web" / "package.json").write_text("{}")
    for name in ("dev", "requirements.lock", "pyproject.toml", "hatch_build.py"):
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
    """What is installed is not installed again, and the words go on as they are."""
    asked = _installed(checkout)
    ended = _dev(checkout, "import", "my people.csv")
    assert ended.stdout == "<-m><towpath.cli.main><import><my people.csv>"
    assert "name one of the benches" in _dev(checkout, "bench", "none").stderr
    assert asked() == []
    (checkout / "requirements.lock").write_text("changed")
    _dev(checkout, "import")
    assert [words.split()[3] for words in asked()] == ["install", "install"]


def test_pages_are_built_when_they_changed(checkout: Path) -> None:
    """And only then, and only they: what npm brought, and a build by hand, are no change."""
    asked = _installed(checkout)
    for name in ("node_modules", "dist"):
        (checkout / "web" / name).mkdir(exist_ok=True)
        (checkout / "web" / name / "some.js").write_text("1")
    _dev(checkout, "import")
    assert asked() == []
    (checkout / "web" / "package.json").write_text('{"changed": 1}')
    assert "with the dashboard's pages" in _dev(checkout, "import").stderr
    (words,) = asked()
    assert "--reinstall-package towpath --editable" in words
    _dev(checkout, "import")
    assert len(asked()) == 1


def _installed(checkout: Path) -> Callable[[], list[str]]:
    """Let everything be installed by a Python that only notes what it is asked to install; gives
    what it was asked since."""
    python, notes = checkout / ".venv" / "bin" / "python", checkout / ".venv" / "notes"
    python.parent.mkdir(parents=True)
    python.write_text(
        f"""#!/bin/sh
case "$*" in
*sys.prefix*) printf '%s' '{checkout / ".venv"}' ;;
*" install "*) printf '%s\\n' "$*" >>'{notes}' ;;
*--version*) ;;
*) printf '<%s>' "$@" ;;
esac
"""
    )
    python.chmod(0o755)
    _dev(checkout, "import")
    before = notes.read_text()
    return lambda: notes.read_text().removeprefix(before).splitlines()


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
