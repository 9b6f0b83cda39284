"""The database of a command that a person typed: opened, and said in one line if it is new."""

from collections.abc import Iterator
from contextlib import contextmanager

from towpath.cli import compose, output
from towpath.settings import Settings


@contextmanager
def opened(settings: Settings, *, quiet: bool = False) -> Iterator[str]:
    """The URL of a migrated database, as `compose.open_database`; what was made or brought up to
    date is said on stderr, unless `quiet`. Raises StoreError."""
    folder = settings.data_dir / "postgresql"
    fresh = settings.database_url is None and not (folder / "data").exists()
    with compose.reach_database(settings) as url:
        ran = compose.migrate(url)
        if fresh and not quiet:
            output.note(f"A new database was made in {folder}.")
        elif ran and not quiet:
            output.note(f"The database's schema was brought up to date ({ran[-1]}).")
        yield url


def place(settings: Settings) -> str:
    """Where the data is, in words that show no password."""
    if settings.database_url is not None:
        return "the database of TOWPATH_DATABASE_URL"
    return str(settings.data_dir)
