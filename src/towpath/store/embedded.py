"""The embedded PostgreSQL: one server a data directory, started, tuned and stopped by Towpath.

`embedded_binaries.py` finds the binaries; the launcher is ours. It promises: one server, which runs
as long as anybody is attached, whoever came first or leaves first, and not a moment longer, even
when all are killed (file locks, which the kernel frees); a start that recovers whatever a kill -9
left behind; as root without creating a user. It listens on a Unix socket in a directory that only
its user can enter, never on a port. The server's parent is a small process of its own, its keeper
(`embedded_exec.py`): were it one of the commands, the server would end with that one.

    data_dir/lock         held by the keeper, and before by the command that starts it
    data_dir/attached     shared by all commands; the keeper waits to have it alone, and stops
    data_dir/data/        PostgreSQL's own directory
    data_dir/socket/      its socket (in a temporary directory where this path would be too long)
    data_dir/server.log   what it says
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from towpath.errors import StoreError
from towpath.store import embedded_binaries, embedded_exec, embedded_tuning

USER = "towpath"
START_S_MAX = 120.0  # crash recovery replays up to max_wal_size
RETRY_S = 15.0  # how long a killed server's last backends may keep its shared memory
STOP_S_MAX = 60.0
SOCKET_BYTES_MAX = 85  # the kernel takes 104 to 108 bytes, and "/.s.PGSQL.5432" follows
ATTACH_S = 0.1  # a killed keeper's lock is freed a moment after its death: look twice
LOG_BYTES_MAX = 10 * 2**20
_POLL_S = 0.01


@dataclass(frozen=True)
class Server:
    """A running server."""

    socket_dir: str
    pid: int

    @property
    def url(self) -> str:
        """The libpq URL of its main database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The libpq URL of another of its databases."""
        return f"postgresql://{USER}@/{quote(database)}?host={quote(self.socket_dir, safe='')}"


@contextmanager
def running(
    data_dir: Path, *, extra: Mapping[str, str] | None = None, binaries: Path | None = None
) -> Iterator[Server]:
    """A server on `data_dir` for the time of the block: the running one, or else a new one.

    `extra` holds settings of a new one that go before ours (tests pass fsync=off); `binaries` a
    folder with `postgres` in it instead of the one found. Whoever leaves last returns when the
    server has stopped. Raises StoreError.
    """
    data_dir = data_dir.expanduser().absolute()
    _make_folder(data_dir)
    with _open_lock(data_dir, "attached") as attached:
        server = None
        try:
            server = _attach(data_dir, attached, binaries, dict(extra or {}))
            yield server
        finally:
            _leave(data_dir, attached)
            if server is not None and Path(server.socket_dir).parent != data_dir:
                _remove_unused(Path(server.socket_dir))


def _make_folder(folder: Path) -> None:
    """Create the folder and its missing parents; as root, so that the server's user can pass."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        for place in reversed([folder, *folder.parents]):
            if not place.exists():
                place.mkdir()
                place.chmod(mode)
    except OSError as error:
        raise StoreError(
            f"The data directory {folder} cannot be made: {error.strerror}.",
            remedy="Name another with TOWPATH_DATA_DIR.",
        ) from error


@contextmanager
def _open_lock(data_dir: Path, name: str) -> Iterator[IO[str]]:
    try:
        lock = (data_dir / name).open("a")
    except OSError as error:
        raise StoreError(
            f"The data directory {data_dir} cannot be written: {error.strerror}.",
            remedy="Run as the user who owns it, or name another with TOWPATH_DATA_DIR.",
        ) from error
    with lock:
        yield lock


def _try(lock: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _attach(
    data_dir: Path, attached: IO[str], binaries: Path | None, extra: dict[str, str]
) -> Server:
    """Share `attached`, so that no keeper stops any more; find a server ready, or start one."""
    begun = ready_since = time.monotonic()
    while time.monotonic() - begun < START_S_MAX:
        if _try(attached, fcntl.LOCK_SH):
            with _open_lock(data_dir, "lock") as lock:
                if _try(lock, fcntl.LOCK_EX):
                    found = binaries or embedded_binaries.find()
                    return _Launcher(data_dir, found, extra, lock.fileno()).start()
            if not _is_ready(data_dir):
                ready_since = time.monotonic()
            if time.monotonic() - ready_since > ATTACH_S:
                return _read_server(data_dir)
        else:
            ready_since = time.monotonic()
        time.sleep(_POLL_S)
    raise StoreError(
        f"Another Towpath holds {data_dir}, and its PostgreSQL does not become ready.",
        remedy=f"Read {data_dir / 'server.log'}, or stop the other process.",
    )


def _leave(data_dir: Path, attached: IO[str]) -> None:
    """Let go. The last one waits for the server's end: its folder may be removed after that, and a
    container ends with its command."""
    fcntl.flock(attached, fcntl.LOCK_UN)
    give_up = time.monotonic() + STOP_S_MAX
    while time.monotonic() < give_up:
        with _open_lock(data_dir, "lock") as lock:
            if _try(lock, fcntl.LOCK_EX):
                return
        # To be had alone: the keeper has yet to notice. To be shared only: others are attached.
        # Neither: the keeper has it, and stops the server now.
        alone = _try(attached, fcntl.LOCK_EX)
        if not alone and _try(attached, fcntl.LOCK_SH):
            return
        fcntl.flock(attached, fcntl.LOCK_UN)
        time.sleep(_POLL_S)


def _remove_unused(socket_dir: Path) -> None:
    """Remove a server's temporary directory, unless it listens there still, for others."""
    if not (socket_dir / ".s.PGSQL.5432").exists():
        shutil.rmtree(socket_dir, ignore_errors=True)


def _pid_lines(data_dir: Path) -> list[str]:
    """The lines of postmaster.pid: pid, directory, start, port, socket directory, …, status."""
    try:
        return (data_dir / "data" / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _is_ready(data_dir: Path) -> bool:
    lines = _pid_lines(data_dir)
    return len(lines) >= 8 and lines[7].strip() == "ready" and _live_pid(data_dir) is not None


def _live_pid(data_dir: Path) -> int | None:
    """The pid of a server that really runs on this directory: no zombie, no stranger's pid."""
    lines = _pid_lines(data_dir)
    if not lines or not lines[0].strip().isdigit():
        return None
    pid = int(lines[0])
    if sys.platform == "linux":
        try:
            here = Path(f"/proc/{pid}/cwd").readlink()
        except OSError:
            return None
        return pid if here == (data_dir / "data").resolve() else None
    found = subprocess.run(
        ["ps", "-p", str(pid), "-o", "comm="],  # noqa: S607 - ps is where the system has it
        capture_output=True,
        text=True,
        check=False,
    )
    return pid if "postgres" in found.stdout else None


def _read_server(data_dir: Path) -> Server:
    lines = _pid_lines(data_dir)
    return Server(socket_dir=lines[4], pid=int(lines[0]))


class _Launcher:
    """Starts the server of a directory whose lock we hold; its keeper inherits the lock."""

    def __init__(self, data_dir: Path, binaries: Path, extra: dict[str, str], lock: int) -> None:
        self._dir = data_dir
        self._lock = lock
        self._data = data_dir / "data"
        self._socket = data_dir / "socket"
        self._log = data_dir / "server.log"
        self._root = os.geteuid() == 0
        self._extra = extra
        self._major = embedded_binaries.major(binaries)
        if self._root:
            _check_passable(data_dir)
            binaries = embedded_binaries.within_reach(binaries, data_dir)
        self._bin = binaries

    def start(self) -> Server:
        if not self._data.exists():
            self._create()
        self._check_version()
        self._end_predecessor()
        self._prepare_socket()
        settings = {**embedded_tuning.settings(), **self._lz4(), **self._extra, **self._fixed()}
        command = [str(self._bin / "postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        begun = time.monotonic()
        keeper = self._keep(command)
        while not _is_ready(self._dir):
            if keeper.poll() is not None:
                # Backends of a killed server take a moment to notice and hold its memory till then.
                if time.monotonic() - begun > RETRY_S or not self._memory_still_held():
                    raise self._failure("PostgreSQL did not start")
                time.sleep(0.1)
                keeper = self._keep(command)
            if time.monotonic() - begun > START_S_MAX:
                raise self._failure(f"PostgreSQL was not ready within {START_S_MAX:.0f} s")
            time.sleep(_POLL_S)
        threading.Thread(target=keeper.wait, daemon=True).start()  # no zombie when it ends
        return _read_server(self._dir)

    def _create(self) -> None:
        """Make the cluster beside its place and move it there, so that a half one is never used."""
        fresh = self._dir / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._make_private(fresh)
        command = [
            str(self._bin / "initdb"),
            "-D",
            str(fresh),
            "-U",
            USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        if self._major >= 17:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--locale=C", "--no-instructions"]
        if self._extra.get("fsync") == "off":
            command += ["--no-sync"]
        if self._spawn(["run", str(os.getpid()), *command]).wait() != 0:
            failed = self._failure("PostgreSQL's data directory could not be created")
            if "could not look up effective user ID" in failed.message:
                failed.remedy = (
                    f"Give user {os.geteuid()} a name in /etc/passwd, or name a server with"
                    " TOWPATH_DATABASE_URL."
                )
            raise failed
        fresh.rename(self._data)

    def _check_version(self) -> None:
        written = int((self._data / "PG_VERSION").read_text())
        if written != self._major:
            raise StoreError(
                f"{self._data} was written by PostgreSQL {written}; the one here is {self._major}.",
                remedy=f"Dump it with pg_dump of PostgreSQL {written}, restore it into a new one.",
            )

    def _end_predecessor(self) -> None:
        """A killed keeper's server may be shutting down still, or its leavings may lie about."""
        pid = _live_pid(self._dir)
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        give_up = time.monotonic() + STOP_S_MAX
        while _live_pid(self._dir) is not None:
            if time.monotonic() > give_up:
                raise self._failure(f"An earlier PostgreSQL (pid {pid}) does not stop")
            time.sleep(_POLL_S)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _prepare_socket(self) -> None:
        if len(os.fsencode(self._socket)) > SOCKET_BYTES_MAX:
            self._socket = Path(tempfile.mkdtemp(prefix="towpath-"))
        else:
            shutil.rmtree(self._socket, ignore_errors=True)
        self._make_private(self._socket)

    def _make_private(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._root:
            os.chown(folder, embedded_exec.SERVER_ID, embedded_exec.SERVER_ID)

    def _fixed(self) -> dict[str, str]:
        return {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": str(self._socket),
        }

    def _lz4(self) -> dict[str, str]:
        """Compressed page images, if the binaries were built with it: few are."""
        ask = [str(self._bin / "postgres"), "-C", "wal_compression", "-D", str(self._data)]
        ask += ["-c", "wal_compression=lz4"]
        answer = subprocess.run(ask, capture_output=True, check=False)
        return {"wal_compression": "lz4"} if answer.returncode == 0 else {}

    def _keep(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start the server under a keeper of its own."""
        attached = str(self._dir / "attached")
        return self._spawn(["keep", attached, str(self._lock), str(STOP_S_MAX), *command])

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES_MAX:
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            self._log.chmod(0o600)
            self._log_start = log.tell()
            return subprocess.Popen(
                [sys.executable, "-I", "-S", embedded_exec.__file__, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,  # Ctrl-C is for the command, which then leaves
                pass_fds=[self._lock],
            )

    def _memory_still_held(self) -> bool:
        text = self._said()
        return "shared memory block" in text or "lock file" in text

    def _said(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return log.read(20_000).decode(errors="replace")

    def _failure(self, what: str) -> StoreError:
        said = [line for line in self._said().splitlines() if line.strip()][-3:]
        return StoreError(
            f"{what}: " + (" / ".join(said) or "it said nothing") + ".",
            remedy=f"The whole of it is in {self._log}.",
        )


def _check_passable(data_dir: Path) -> None:
    """As root the server runs as user 65534, who must be able to walk to the data directory."""
    for place in (data_dir, *data_dir.parents):
        if not place.stat().st_mode & 0o001:
            raise StoreError(
                f"PostgreSQL does not run as root, and as user {embedded_exec.SERVER_ID} it cannot"
                f" pass through {place}.",
                remedy=f"Set TOWPATH_DATA_DIR to another place (for example /var/lib/towpath), run"
                f" Towpath as an ordinary user, or run `chmod o+x {place}`.",
            )
