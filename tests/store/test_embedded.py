"""The embedded PostgreSQL, tried on real processes that are really killed."""

import os
import pwd
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from towpath.errors import StoreError
from towpath.store import embedded, embedded_binaries, embedded_exec

SOURCE = str(Path(embedded.__file__).parents[2])
QUICK = {"shared_buffers": "16MB"}
HOLD = """
    import sys
    from pathlib import Path
    from towpath.store import embedded
    data_dir, binaries = map(Path, sys.argv[1:])
    quick = {"shared_buffers": "16MB"}
    with embedded.running(data_dir, extra=quick, binaries=binaries) as server:
        print(server.pid, flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def data_dir(open_folder: Path) -> Path:
    """One cluster for all tests here: a table with a row, and stopped."""
    folder = open_folder / "embedded"
    with embedded.running(folder, extra=QUICK) as server:
        _sql(server, "create table survivor (n int)")
        _sql(server, "insert into survivor values (7)")
    return folder


@contextmanager
def _holder(
    data_dir: Path, *, python: str = sys.executable, user: int | None = None
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that is attached to the server, and the server's pid."""
    with subprocess.Popen(
        [python, "-c", textwrap.dedent(HOLD), str(data_dir), str(embedded_binaries.find())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": SOURCE},
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    ) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def _sql(server: embedded.Server, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url, autocommit=True) as db:
        cursor = db.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def _wait_gone(pid: int) -> None:
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.01)
    pytest.fail(f"process {pid} still runs")


def _survives(data_dir: Path) -> None:
    with embedded.running(data_dir, extra=QUICK) as server:
        assert _sql(server, "select n from survivor") == [(7,)]


def test_stops_with_its_block_and_keeps_what_was_written(data_dir: Path) -> None:
    with embedded.running(data_dir, extra=QUICK) as server:
        pid = server.pid
    _wait_gone(pid)
    _survives(data_dir)


def test_dies_when_all_who_are_attached_are_killed(data_dir: Path) -> None:
    with _holder(data_dir) as (first, pid), _holder(data_dir) as (second, same):
        assert pid == same
        first.kill()
        first.wait()
        second.kill()
        second.wait()
        _wait_gone(pid)
    _survives(data_dir)


def test_dies_with_a_killed_keeper_and_recovers(data_dir: Path) -> None:
    with _holder(data_dir) as (_, pid):
        os.kill(_parent(pid), signal.SIGKILL)
        _wait_gone(pid)
        _survives(data_dir)


def test_whoever_comes_as_the_last_one_is_killed_is_served(data_dir: Path) -> None:
    for _again in range(5):
        with _holder(data_dir) as (holder, _):
            holder.kill()
            _survives(data_dir)  # the old server may still be shutting down


def test_recovers_from_kill_of_all(data_dir: Path) -> None:
    with _holder(data_dir) as (holder, pid):
        keeper = _parent(pid)
        for each in (pid, keeper, holder.pid):
            os.kill(each, signal.SIGKILL)
        holder.wait()
        assert (data_dir / "data" / "postmaster.pid").exists()
        _survives(data_dir)


def test_takes_no_stranger_for_its_server(data_dir: Path) -> None:
    """After a crash the pid in postmaster.pid may belong to somebody else: us, here."""
    stale = data_dir / "data" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{data_dir / 'data'}\n1\n5432\n{data_dir}\n\n1 1\nready\n")
    _survives(data_dir)


def test_a_second_process_attaches_and_stops_nothing(data_dir: Path) -> None:
    with _holder(data_dir) as (_, pid):
        for _again in range(2):
            with embedded.running(data_dir, extra=QUICK) as server:
                assert server.pid == pid
                assert _sql(server, "select n from survivor") == [(7,)]


def test_whoever_came_first_may_leave_first(data_dir: Path) -> None:
    """Nobody who is attached is cut off; the last one to leave waits for the server's end."""
    with (
        _holder(data_dir) as (first, pid),
        embedded.running(data_dir, extra=QUICK) as server,
        psycopg.connect(server.url) as db,
    ):
        first.communicate("")
        assert first.returncode == 0
        os.kill(_parent(pid), signal.SIGTERM)  # as when a whole group is told to end
        assert db.execute("select n from survivor").fetchall() == [(7,)]
    assert not Path(f"/proc/{pid}").exists()


def test_never_uses_a_half_made_cluster(open_folder: Path) -> None:
    folder = open_folder / "half"
    (folder / "data.new").mkdir(parents=True)
    folder.chmod(0o711)
    (folder / "data.new" / "PG_VERSION").write_text("18\n")
    with embedded.running(folder, extra={**QUICK, "fsync": "off"}) as server:
        assert _sql(server, "select lower('É'), current_setting('fsync')") == [("é", "off")]


def test_long_paths_get_a_short_socket(data_dir: Path, open_folder: Path) -> None:
    long = open_folder / ("n" * 60)
    long.mkdir(mode=0o711)
    data_dir.rename(long / "embedded with spaces")
    try:
        with embedded.running(long / "embedded with spaces", extra=QUICK) as server:
            assert len(server.socket_dir) <= embedded.SOCKET_BYTES_MAX
            assert Path(server.socket_dir).stat().st_mode & 0o777 == 0o700
            assert _sql(server, "select n from survivor") == [(7,)]
        assert not Path(server.socket_dir).exists()
    finally:
        (long / "embedded with spaces").rename(data_dir)


def test_another_major_version_is_refused(data_dir: Path) -> None:
    version = data_dir / "data" / "PG_VERSION"
    written = version.read_text()
    version.write_text("14\n")
    try:
        with (
            pytest.raises(StoreError, match="written by PostgreSQL 14"),
            embedded.running(data_dir),
        ):
            pass
    finally:
        version.write_text(written)


def test_a_failed_start_says_why(data_dir: Path) -> None:
    wrong = {**QUICK, "shared_buffers": "many"}
    with pytest.raises(StoreError, match="shared_buffers"), embedded.running(data_dir, extra=wrong):
        pass
    _survives(data_dir)


def test_no_binaries(open_folder: Path) -> None:
    with (
        pytest.raises(StoreError, match="does not run"),
        embedded.running(open_folder / "none", binaries=open_folder),
    ):
        pass


@pytest.mark.skipif(not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")), reason="none")
def test_the_system_has_binaries_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert embedded_binaries.major(embedded_binaries.find()) >= 9


def test_a_folder_that_cannot_be_made() -> None:
    with (
        pytest.raises(StoreError, match="cannot be made"),
        embedded.running(Path("/dev/null/towpath")),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
class TestAsRoot:
    """What only root meets."""

    def test_the_server_is_not_root(self, data_dir: Path) -> None:
        with embedded.running(data_dir, extra=QUICK) as server:
            assert Path(f"/proc/{server.pid}").stat().st_uid == embedded_exec.SERVER_ID

    def test_a_closed_folder_is_named_and_left_alone(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o700)
        with pytest.raises(StoreError, match="cannot pass") as caught, embedded.running(tmp_path):
            pass
        assert f"chmod o+x {tmp_path}" in caught.value.remedy
        assert tmp_path.stat().st_mode & 0o777 == 0o700

    def test_binaries_in_a_closed_folder_are_copied(
        self, tmp_path: Path, open_folder: Path
    ) -> None:
        tmp_path.chmod(0o700)
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18.1'\n")
        (tmp_path / "bin" / "postgres").chmod(0o700)
        found = embedded_binaries.within_reach(tmp_path / "bin", open_folder)
        assert found == open_folder / "postgresql-18" / "bin"
        assert (found / "postgres").stat().st_mode & 0o777 == 0o755

    def test_an_ordinary_user_can_run_one(self, open_folder: Path) -> None:
        user = pwd.getpwnam("daemon").pw_uid  # initdb wants a user with a name
        home = open_folder / "user"
        home.mkdir()
        os.chown(home, user, user)
        with _holder(home / "data", python=_python_for(user), user=user) as (owner, pid):
            assert Path(f"/proc/{pid}").stat().st_uid == user
            owner.communicate("")
            assert owner.returncode == 0
            _wait_gone(pid)

    def test_a_user_without_a_name_is_told_what_to_do(self, open_folder: Path) -> None:
        user = 54_321
        home = open_folder / "nameless"
        home.mkdir()
        os.chown(home, user, user)
        ask = "import sys; from pathlib import Path; from towpath.store import embedded\n"
        ask += "with embedded.running(Path(sys.argv[1])): pass"
        ended = subprocess.run(
            [_python_for(user), "-c", ask, home / "data"],
            user=user,
            group=user,
            extra_groups=[],
            cwd="/",
            env={"PYTHONPATH": SOURCE, "PATH": str(embedded_binaries.find())},
            capture_output=True,
            text=True,
            check=False,
        )
        assert f"Give user {user} a name in /etc/passwd" in ended.stderr


def _python_for(user: int) -> str:
    """A Python 3.11 or newer that this user may run: ours may lie in root's home."""
    ask = "import sys; from towpath.store import embedded; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with suppress(OSError, subprocess.CalledProcessError):
            subprocess.check_call([python, "-c", ask], user=user, env={"PYTHONPATH": SOURCE})
            return python
    pytest.skip("no Python 3.11 here that an ordinary user may run")
