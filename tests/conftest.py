"""What every test may ask for: a moment, and a real PostgreSQL with a fresh migrated database.

Each test process starts one embedded server without fsync and keeps one migrated database as a
template; a test's own database is a copy of it, made in a few milliseconds and dropped afterwards.
TOWPATH_TEST_POSTGRES names a folder with other binaries (for example /usr/lib/postgresql/15/bin).
"""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from towpath.clock import Instant
from towpath.store import database, embedded, migrations
from towpath.store.database import Db

# A shared machine stalls now and then: a slow example is no failure of the code under test.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("house")

QUICK = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "autovacuum": "off",
}
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def now() -> Instant:
    """The moment at which tests happen."""
    return datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A temporary folder that the server's user can reach, which pytest's own is not for root."""
    folder = Path(tempfile.mkdtemp(prefix="towpath-test-", dir=_memory_folder()))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(open_folder: Path) -> Iterator[embedded.Server]:
    """The PostgreSQL of this test process."""
    named = os.environ.get("TOWPATH_TEST_POSTGRES")
    binaries = Path(named) if named else None
    with embedded.running(open_folder / "shared", extra=QUICK, binaries=binaries) as found:
        yield found


@pytest.fixture(scope="session")
def template(server: embedded.Server, now: Instant) -> str:
    """The name of a migrated database that nobody is connected to."""
    with database.connect(server.url) as db:
        db.execute("create database template_towpath")
    with database.connect(server.url_of("template_towpath")) as db:
        migrations.migrate(db, now)
    return "template_towpath"


@pytest.fixture
def empty_database_url(server: embedded.Server) -> Iterator[str]:
    """A fresh database with nothing in it."""
    yield from _database(server, "template0")


@pytest.fixture
def database_url(server: embedded.Server, template: str) -> Iterator[str]:
    """A fresh migrated database."""
    yield from _database(server, template)


@pytest.fixture
def db(database_url: str) -> Iterator[Db]:
    """A connection to a fresh migrated database."""
    with database.connect(database_url) as found:
        yield found


def _database(server: embedded.Server, template: str) -> Iterator[str]:
    name = f"test_{next(_NUMBERS)}"
    with psycopg.connect(server.url, autocommit=True) as db:
        db.execute(f"create database {name} template {template} strategy file_copy".encode())
        yield server.url_of(name)
        db.execute(f"drop database {name} with (force)".encode())


def _memory_folder() -> str | None:
    """Memory instead of the disk where there is plenty: then a busy disk slows no test."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder in it is made privately
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 2**30
    return str(memory) if roomy and os.access(memory, os.W_OK) else None
