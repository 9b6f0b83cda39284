"""The story of the terminals: everything typed as docs/operate.md says, with real processes.

One terminal has the sandbox, a second `towpath serve` with its own embedded PostgreSQL, and a third
imports, connects, applies, launches and looks. Only the spans are short.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

TOWPATH = [sys.executable, "-m", "towpath.cli.main"]
SPANS = {
    "FLUSH_S": "1",
    "REQUEST_DEADLINE_S": "2",
    "LEASE_S": "4",
    "PROCESSING_S": "1",
    "ACCEPTANCE_S": "2",
}
PEOPLE = """\
external_id,email,phone,orders:number,consent
ana,ana@example.com,+351912345678,3,granted
bruno,bruno@example.com,,1,granted
chiara,,+393491234567,2,granted
dmitri,,,5,granted
eva,eva@example.com,,4,withdrawn
"""
CANVAS = """\
canvas: Winback
entry: {at: launch, first: add}
steps:
  add:
    kind: audience_sync
    partner: tiktok
    ad_account: "ACCOUNT"
    audience: {create: winback}
    action: add
    fields: [email, phone]
    next: wait
  wait: {kind: delay, for: 2s, next: split}
  split: {kind: decision_split, if: {attribute: orders, at_least: 3}, yes: remove, no: end}
  remove:
    kind: audience_sync
    partner: tiktok
    ad_account: "ACCOUNT"
    audience: {create: winback}
    action: remove
    fields: [email, phone]
  end: {kind: exit}
"""


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


@pytest.fixture
def terminals(open_folder: Path) -> Iterator[Terminals]:
    """A folder of one's own, and no settings but those of the story."""
    folder = open_folder / "terminals"
    folder.mkdir()
    folder.chmod(0o711)
    environ = {name: text for name, text in os.environ.items() if not name.startswith("TOWPATH_")}
    environ |= {f"TOWPATH_{name}": text for name, text in SPANS.items()}
    environ |= {"TOWPATH_DATA_DIR": str(folder / "data"), "TOWPATH_LISTEN_PORT": "0"}
    found = Terminals(folder, environ)
    yield found
    found.close()


def sandbox(terminals: Terminals) -> dict[str, str]:
    """Start it, and read what it prints: by label, the last word of each line."""
    process = terminals.start("sandbox", "--port", "0", "--processing", "1", "--acceptance", "2")
    assert process.stdout is not None
    told: dict[str, str] = {}
    for line in process.stdout:
        label, _, rest = line.strip().partition("  ")
        told.setdefault(label, rest.strip().split("  ")[0])
        if label == "ad account":
            break
    return told


def until(seen: Callable[[], Any], most_s: float = 15.0) -> Any:
    """Look until there is something to see."""
    end = time.monotonic() + most_s
    while not (found := seen()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)
    return found


def test_from_an_empty_folder_to_a_filled_audience(terminals: Terminals) -> None:
    """S002, S046, S047, S048, S057: an operator follows docs/operate.md, command by command."""
    told = sandbox(terminals)
    address = told["TikTok sandbox"].removesuffix("/open_api/v1.3/")
    terminals.environ |= {
        "TOWPATH_TIKTOK_BASE_URL": address,
        "TOWPATH_TIKTOK_APP_ID": told["app id"],
        "TOWPATH_TIKTOK_APP_SECRET": told["secret"],
    }
    (terminals.folder / "people.csv").write_text(PEOPLE)
    (terminals.folder / "winback.yaml").write_text(CANVAS.replace("ACCOUNT", told["ad account"]))
    served = terminals.start("serve")
    until(lambda: "Serving with 1 worker" in terminals.log("serve"))

    assert json.loads(terminals.run("import", "people", "people.csv", "--json"))["people"] == 5
    connected = json.loads(terminals.run("connect", "tiktok", "--json", stdin=told["token"]))
    assert told["ad account"] in connected["ad_accounts"]
    terminals.run("canvas", "apply", "winback.yaml")
    terminals.run("canvas", "launch", "Winback", "--yes")

    (audience,) = _witness(address, "audiences")["audiences"]
    members = f"audiences/{audience['audience_id']}/members"
    # Ana's e-mail and phone, Bruno's e-mail and Chiara's phone; then Ana's two are taken out.
    until(lambda: len(_witness(address, members)["lines"]) == 4)
    until(lambda: len(_witness(address, members)["lines"]) == 2)
    steps = json.loads(terminals.run("canvas", "show", "Winback", "--json"))["steps"]
    assert _counters(steps["add"]) == (5, 5, 3, 2, 0, 0, 0)
    assert _counters(steps["remove"]) == (3, 3, 2, 1, 0, 0, 3)
    assert steps["remove"]["reasons"]["synced"] == {"already_out": 1}, "Eva was never added"
    assert steps["end"]["exited"] == 2

    served.send_signal(signal.SIGTERM)
    assert served.wait(20) == 0
    everything = terminals.log("serve") + terminals.log("sandbox")
    assert told["token"] not in everything
    assert "example.com" not in everything


def _counters(step: dict[str, Any]) -> tuple[int, ...]:
    names = ("entered", "advanced", "synced", "not_synced", "pending", "errored", "exited")
    return tuple(step[name] for name in names)


def _witness(address: str, path: str) -> Any:
    with urllib.request.urlopen(f"{address}/sandbox/{path}") as reply:  # noqa: S310 - our own
        return json.load(reply)
