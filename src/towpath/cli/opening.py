"""The database of a command that a person typed: opened, and said in one line if it is new."""

from collections.abc import Iterator
from contextlib import contextmanager

from towpath.cli import compose, output
from towpath.errors import NotFoundError
from towpath.people.filter_parse import nearest
from towpath.settings import Settings
from towpath.store import workspaces
from towpath.store.database import Db, database_now
from towpath.store.workspaces import Workspace


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


def workspace_of(db: Db, name: str) -> Workspace:
    """The workspace that a command works in: `--workspace`, or the setting `workspace`. The one
    named "default" is made when there is none. Raises NotFoundError for any other."""
    if name == workspaces.DEFAULT_NAME:
        return workspaces.ensure_default(db, database_now(db))
    found = workspaces.find(db, name)
    if found is None:
        known = [one.name for one in workspaces.list_all(db)]
        remedy = nearest(name, known) if known else "`towpath workspace create` makes one."
        raise NotFoundError(
            f"There is no workspace named {name!r}.", remedy=remedy, field="--workspace"
        )
    return found


def place(settings: Settings) -> str:
    """Where the data is, in words that show no password."""
    if settings.database_url is not None:
        return "the database of TOWPATH_DATABASE_URL"
    return str(settings.data_dir)
