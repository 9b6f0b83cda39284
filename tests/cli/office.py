"""An office for the commands' tests: a database, a sandbox on this machine, and the settings."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from towpath.cli import main
from towpath.sandbox.clock import SettableClock
from towpath.sandbox.core import Sandbox
from towpath.sandbox.server import running

KEY = "office:" + "A" * 43 + "="


@contextmanager
def served(sandbox: Sandbox) -> Iterator[str]:
    """The sandbox over HTTP in a thread of its own; gives its address."""
    address: list[str] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def serve() -> None:
        async with running(sandbox) as found:
            address.append(found)
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield address[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()


@dataclass(slots=True)
class Office:
    """What a test types, and what it sees."""

    sandbox: Sandbox
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Type a command; gives what it printed on stdout and stderr."""
        with pytest.raises(SystemExit) as left:
            main.run(arguments)
        said = self.capsys.readouterr()
        assert left.value.code == code, said.err
        return said.out, said.err

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Type a command with --json; gives what it printed."""
        return json.loads(self.run(*arguments, "--json", code=code)[0])

    def file(self, name: str, text: str) -> str:
        """Write a file, with the sandbox's first ad account for ACCOUNT; gives its path."""
        account = next(iter(self.sandbox.world.advertisers))
        path = self.folder / name
        path.write_text(text.replace("ACCOUNT", account), encoding="utf-8")
        return str(path)


@contextmanager
def office(
    database_url: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Office]:
    """An office whose settings name the sandbox and its app, but no token."""
    sandbox = Sandbox(3, SettableClock(time.time))
    monkeypatch.chdir(folder)
    with served(sandbox) as address:
        for name, text in {
            "DATABASE_URL": database_url,
            "SECRET_KEYS": KEY,
            "TIKTOK_BASE_URL": address,
            "TIKTOK_APP_ID": sandbox.world.app_id,
            "TIKTOK_APP_SECRET": sandbox.world.secret,
            "LISTEN_PORT": "0",
        }.items():
            monkeypatch.setenv(f"TOWPATH_{name}", text)
        yield Office(sandbox, folder, capsys)
