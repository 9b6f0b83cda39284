"""`towpath serve` as a process: it works, ends cleanly when told, and survives being killed."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests.cli.office import Office
from tests.stories.files import canvas, sync

from towpath.store import embedded
from towpath.store.database import Db

SERVE = [sys.executable, "-m", "towpath.cli.main", "serve"]
SPANS = {
    "FLUSH_S": "1",
    "REQUEST_DEADLINE_S": "1",
    "LEASE_S": "2",
    "ACCEPTANCE_S": "1",
    "PROCESSING_S": "0",
    "RETRY_FIRST_S": "0.1",
}
PEOPLE = "external_id,email,consent\nana,ana@example.com,granted\nbruno,bruno@example.com,granted\n"
MAPPING = "segment/mapping/"


@pytest.fixture
def launched(desk: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office with two people, and a Canvas that was just launched."""
    for name, text in SPANS.items():
        monkeypatch.setenv(f"TOWPATH_{name}", text)
    monkeypatch.setattr(sys, "stdin", io.StringIO(desk.sandbox.world.token))
    desk.run("import", "people", desk.file("people.csv", PEOPLE))
    desk.run("connect", "tiktok", "--accept-terms")
    desk.run("canvas", "apply", desk.file("winback.yaml", canvas(add=sync())))
    desk.run("canvas", "launch", "Winback", "--yes")
    return desk


@pytest.fixture
def serving(desk: Office) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts `towpath serve`; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        found = subprocess.Popen(SERVE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
        started.append(found)
        return found

    yield start
    for process in started:
        process.kill()
        process.wait(10)
        assert process.stderr is not None
        process.stderr.close()


def mappings(desk: Office) -> list[str]:
    """What became of each mapping request, at TikTok."""
    return [row.applied for row in list(desk.sandbox.log.rows) if row.path == MAPPING]


def until(seen: Callable[[], object], most_s: float = 20.0) -> None:
    """Look until it is so."""
    end = time.monotonic() + most_s
    while not seen():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def counters(desk: Office) -> tuple[int, ...]:
    """Entered, synced and pending of the step."""
    step = desk.json("canvas", "show", "Winback")["steps"]["add"]
    return step["entered"], step["synced"], step["pending"]


def test_it_is_killed_in_the_middle_of_a_request_and_another_goes_on(
    launched: Office, serving: Callable[[], subprocess.Popen[str]], db: Db
) -> None:
    """I-22: the claim was committed before the first byte left, so the next process knows of it: it
    waits until the lease is over, and sends again; TikTok had applied the first one too. Told to
    end while that second request is out, it waits for the answer, settles it, and ends with 0."""
    launched.sandbox.next_faults(["hang_applied", "slow"])
    first = serving()
    until(lambda: mappings(launched))
    assert db.execute("select state from request").fetchall() == [("in flight",)]
    first.kill()
    assert first.wait(10) == -signal.SIGKILL
    assert counters(launched) == (2, 0, 2)
    second = serving()
    until(lambda: len(mappings(launched)) == 2)
    second.send_signal(signal.SIGTERM)
    assert second.wait(10) == 0
    assert counters(launched) == (2, 2, 0)
    assert mappings(launched) == ["applied", "applied"]
    states = db.execute("select state from request order by id").fetchall()
    assert states == [("unknown",), ("applied",)]
    assert launched.sandbox.overlaps() == []
    launched.run("audit")
    assert second.stderr is not None
    said = second.stderr.read()
    assert "Serving with 1 worker" in said
    assert "Traceback" not in said
    assert "example.com" not in said
    assert launched.sandbox.world.token not in said


class Two:
    """Two `towpath serve` on one embedded database, and what the second says."""

    def __init__(self, folder: Path) -> None:
        """Both are ready when this returns."""
        environ = {name: text for name, text in os.environ.items() if "TOWPATH" not in name}
        self.environ = environ | {"TOWPATH_DATA_DIR": str(folder), "TOWPATH_LISTEN_PORT": "0"}
        self.log = folder.with_suffix(".log")
        self.database = folder / "postgresql"
        self.processes = [self._start() for _ in range(2)]

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as log:
            found = subprocess.Popen(SERVE, stderr=log, env=self.environ, cwd="/")
        until(lambda: "Serving" in self.log.read_text() or found.poll() is not None)
        assert found.poll() is None, self.log.read_text()
        return found

    def events(self) -> list[str]:
        """The events that the second told, in their order."""
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [json.loads(line)["event"] for line in lines]


@pytest.fixture
def two(open_folder: Path) -> Iterator[Two]:
    """Killed at the end, whatever they do."""
    folder = open_folder / "two"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    with embedded.running(folder / "postgresql", extra={"fsync": "off"}):
        pass  # made without waiting for the disk
    found = Two(folder)
    yield found
    for process in found.processes:
        process.kill()
        process.wait(10)


def test_the_first_to_leave_cuts_nobody_off_and_a_dead_server_is_started_again(two: Two) -> None:
    """Ctrl-C ends the first, which had started the database; the second notices nothing. Then the
    server is killed: the second starts another, and goes on until it is told to end."""
    first, second = two.processes
    first.send_signal(signal.SIGINT)
    assert first.wait(10) == 0
    time.sleep(0.5)
    assert two.events() == ["service.started"]
    with embedded.running(two.database) as server:
        before = server.pid
    os.kill(before, signal.SIGKILL)
    until(lambda: "database.ready" in two.events())
    with embedded.running(two.database) as server, psycopg.connect(server.url) as db:
        assert server.pid != before
        assert db.execute("select count(*) from workspace").fetchone() is not None
    second.send_signal(signal.SIGTERM)
    assert second.wait(10) == 0
    assert two.events()[-1] == "service.stopped"
    assert "Something went wrong" not in two.log.read_text()


def test_what_fails_for_good_ends_it_with_one_sentence(
    serving: Callable[[], subprocess.Popen[str]], launched: Office, db: Db
) -> None:
    assert launched.sandbox.world.token
    process = serving()
    assert process.stderr is not None
    until(lambda: mappings(launched))
    db.execute("alter table wave rename to elsewhere")
    assert process.wait(10) == 1
    said = process.stderr.read()
    assert "Error: The engine stopped, because something failed inside it (UndefinedTable)." in said
    assert "ExceptionGroup" not in said
