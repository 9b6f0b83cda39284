"""Terminals: commands as processes, some that go on and some that end, in a folder of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOWPATH = [sys.executable, "-m", "towpath.cli.main"]
SPANS = {
    "FLUSH_S": "1",
    "REQUEST_DEADLINE_S": "2",
    "LEASE_S": "4",
    "PROCESSING_S": "1",
    "ACCEPTANCE_S": "2",
}


@dataclass(slots=True)
class Terminals:
    """Processes that go on, and commands that end."""

    folder: Path
    environ: dict[str, str]
    open: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command that goes on in a terminal of its own."""
        with (self.folder / f"{arguments[0]}.log").open("w") as log:
            found = subprocess.Popen(
                [*TOWPATH, *arguments],
                cwd=self.folder,
                env=self.environ,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.open.append(found)
        return found

    def run(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        """A command that ends; gives what it printed."""
        done = subprocess.run(
            [*TOWPATH, *arguments],
            cwd=self.folder,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    def log(self, command: str) -> str:
        """What a going command told on stderr."""
        return (self.folder / f"{command}.log").read_text()

    def close(self) -> None:
        """End what still goes on."""
        for process in reversed(self.open):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(20)
            if process.stdout is not None:
                process.stdout.close()


@contextmanager
def terminals_in(folder: Path) -> Iterator[Terminals]:
    """Terminals in a new folder, with no settings but those of the story."""
    folder.mkdir()
    folder.chmod(0o711)
    environ = {name: text for name, text in os.environ.items() if not name.startswith("TOWPATH_")}
    environ |= {f"TOWPATH_{name}": text for name, text in SPANS.items()}
    environ |= {"TOWPATH_DATA_DIR": str(folder / "data"), "TOWPATH_LISTEN_PORT": "0"}
    found = Terminals(folder, environ)
    try:
        yield found
    finally:
        found.close()


def until(seen: Callable[[], Any], most_s: float = 15.0) -> Any:
    """Look until there is something to see."""
    end = time.monotonic() + most_s
    while not (found := seen()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)
    return found
