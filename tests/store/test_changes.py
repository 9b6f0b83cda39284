"""Changes that a Canvas waits for become events, each once, in the transaction of the change."""

from datetime import timedelta
from typing import Any

import pytest
from tests.store.people import Person, batch

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.consent import Consent, ConsentState
from towpath.store import profiles, workspaces
from towpath.store.database import Db


@pytest.fixture
def workspace(db: Db, now: Instant) -> WorkspaceId:
    return workspaces.ensure_default(db, now).id


def watch(db: Db, workspace: WorkspaceId, *names: str) -> None:
    db.execute(
        "insert into canvas (workspace, name, created_at, changed_at)"
        " values (%b, 'c', now(), now())",
        (workspace,),
    )
    for name in names:
        db.execute("insert into watch select %b, max(id), 2, %b from canvas", (workspace, name))


def told(db: Db) -> list[tuple[Any, ...]]:
    return db.execute(
        "select e.profile, n.name, e.properties -> 'was', e.properties -> 'value'"
        " from event e join event_name n on n.id = e.name order by e.id"
    ).fetchall()


def test_what_is_watched_is_told(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    watch(db, workspace, "plan", "country", "consent")
    profiles.upsert(db, workspace, batch(Person("u", attributes={"plan": "pro", "x": 1})), now)
    assert told(db) == [(0, "plan", None, "pro")]
    yes = Consent(ConsentState.GRANTED, None, now)
    again = batch(
        Person("u", country="BR", attributes={"plan": "pro"}),
        Person("v", consent=yes, attributes={"plan": None}),
    )
    profiles.upsert(db, workspace, again, now)
    profiles.upsert(db, workspace, again, now + timedelta(hours=1))
    assert told(db)[1:] == [(0, "country", None, "BR"), (1, "consent", "unknown", "granted")]
    profiles.upsert(db, workspace, batch(Person("u", attributes={"plan": None})), now)
    assert told(db)[3:] == [(0, "plan", "pro", None)]


def test_what_is_not_watched_costs_nothing(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    profiles.upsert(db, workspace, batch(Person("u", attributes={"plan": "pro"})), now)
    assert told(db) == []
