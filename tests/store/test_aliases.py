"""Aliases: one person a label and name, several aliases a person."""

import pytest
from tests.store.people import Person, batch

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.store import aliases, profiles, workspaces
from towpath.store.database import Db


@pytest.fixture
def workspace(db: Db, now: Instant) -> WorkspaceId:
    """A workspace with two people, numbers 0 and 1."""
    found = workspaces.ensure_default(db, now).id
    profiles.upsert(db, found, batch(Person("ana"), Person("bruno")), now)
    return found


def test_an_alias_leads_to_its_person(db: Db, workspace: WorkspaceId) -> None:
    """A person may have several, under one label or more; case counts."""
    given = {("shop", "Ana"): 0, ("shop", "a-1"): 0, ("app", "Ana"): 1}
    assert aliases.add(db, workspace, given) == given
    asked = [*given, ("shop", "ana"), ("Shop", "Ana")]
    assert aliases.resolve(db, workspace, asked) == given
    assert aliases.resolve(db, workspace, []) == {}


def test_a_taken_alias_stays_where_it_is(db: Db, workspace: WorkspaceId) -> None:
    """Whoever asks for it is told whose it is."""
    aliases.add(db, workspace, {("shop", "x"): 0})
    assert aliases.add(db, workspace, {("shop", "x"): 1, ("shop", "y"): 1}) == {
        ("shop", "x"): 0,
        ("shop", "y"): 1,
    }


def test_workspaces_never_see_each_others_aliases(
    db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    """The same alias may belong to two people of two workspaces."""
    row = db.execute(
        "insert into workspace (name, created_at) values ('other', %s) returning id", (now,)
    ).fetchone()
    assert row is not None
    other = WorkspaceId(row[0])
    aliases.add(db, workspace, {("shop", "x"): 0})
    assert aliases.resolve(db, other, [("shop", "x")]) == {}
