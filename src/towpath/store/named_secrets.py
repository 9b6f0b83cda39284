"""Secrets by name, for webhooks: a Canvas file holds the name, the store the sealed value."""

import re

from towpath.clock import Instant
from towpath.errors import InputError, NotFoundError
from towpath.ids import WorkspaceId
from towpath.limits import NAMED_SECRET_BYTES_MAX
from towpath.store import secrets
from towpath.store.database import Db
from towpath.store.queries import queries
from towpath.store.secrets import KeyRing, SecretId

PURPOSE = "webhook secret"
_NAME = re.compile("[a-z][a-z0-9_]{0,39}")
_SQL = queries("named_secrets")


def write(
    db: Db, keys: KeyRing, workspace: WorkspaceId, name: str, value: str, now: Instant
) -> None:
    """Keep a secret under a name, in place of one that was there. Raises InputError."""
    if not _NAME.fullmatch(name):
        raise InputError(
            "A secret's name begins with a to z and goes on with at most 39 of a-z, 0-9 and _.",
            field="name",
        )
    if not value or not value.isprintable() or len(value.encode()) > NAMED_SECRET_BYTES_MAX:
        raise InputError(
            f"A secret is text in one line, of at most {NAMED_SECRET_BYTES_MAX:,} bytes.",
            field="secret",
        )
    given = {"workspace": workspace, "name": name}
    with db.transaction():
        before = db.execute(_SQL["lock_named"], given).fetchone()
        secret = secrets.seal(db, keys, workspace, PURPOSE, value.encode(), now)
        db.execute(_SQL["write_named"], given | {"secret": secret})
        if before is not None:
            secrets.delete(db, workspace, before[0])


def names(db: Db, workspace: WorkspaceId) -> list[str]:
    """The names that there are."""
    return [row[0] for row in db.execute(_SQL["list_named"], {"workspace": workspace})]


def open_all(db: Db, keys: KeyRing, workspace: WorkspaceId) -> dict[str, str]:
    """Every secret of the workspace in clear, by name. Raises SettingsError, StoreError."""
    rows = db.execute(_SQL["list_named"], {"workspace": workspace}).fetchall()
    return {
        name: secrets.open_secret(db, keys, workspace, SecretId(secret)).decode()
        for name, secret in rows
    }


def delete(db: Db, workspace: WorkspaceId, name: str) -> None:
    """Forget a secret. Raises NotFoundError."""
    with db.transaction():
        row = db.execute(_SQL["delete_named"], {"workspace": workspace, "name": name}).fetchone()
        if row is None:
            raise NotFoundError(f"There is no secret named {name!r}.", field="name")
        secrets.delete(db, workspace, row[0])
