"""The default workspace is made once."""

import pytest

from towpath.clock import Instant
from towpath.errors import NotFoundError
from towpath.ids import WorkspaceId
from towpath.store import workspaces
from towpath.store.database import Db


def test_the_default_is_made_once(db: Db, now: Instant) -> None:
    made = workspaces.ensure_default(db, now)
    assert made.name == "default"
    assert made.default_country is None
    assert made.unknown_consent_is_sent is False
    assert workspaces.ensure_default(db, now) == made == workspaces.read(db, made.id)


def test_no_such_workspace(db: Db) -> None:
    with pytest.raises(NotFoundError, match="77"):
        workspaces.read(db, WorkspaceId(77))
    with pytest.raises(NotFoundError, match="77"):
        workspaces.lock(db, WorkspaceId(77))
