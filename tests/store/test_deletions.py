"""Deletions: nothing personal stays, and the external id is free at once."""

import pytest
from tests.store.people import Person, batch

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.events import EventKind, EventName, Happening
from towpath.people.people_set import people
from towpath.people.profile import Device
from towpath.store import aliases, deletions, events, profiles, workspaces
from towpath.store.database import Db
from towpath.store.events import Event

BOUGHT = EventName(EventKind.EVENT, "bought")
IDFA = "0123abcd-0123-4567-89ab-0123456789ab"


@pytest.fixture
def workspace(db: Db, now: Instant) -> WorkspaceId:
    """The workspace, with two people: 0 and 1."""
    found = workspaces.ensure_default(db, now).id
    ana = Person("ana", mail="ana@example.com", idfa=Device(IDFA, None), attributes={"a": 1})
    profiles.upsert(db, found, batch(ana, Person("bruno", mail="bruno@example.com")), now)
    aliases.add(db, found, {("shop", "a"): 0, ("shop", "b"): 1})
    with db.transaction():
        both = [Event(number, Happening(BOUGHT, now)) for number in (0, 1)]
        events.append(db, found, both, now)
    return found


def test_nothing_personal_stays(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """The number and its match keys stay for the removals; others keep what is theirs."""
    assert deletions.delete(db, workspace, people([0, 7]), now) == 1
    assert deletions.delete(db, workspace, people([0]), now) == 0
    rows = db.execute(
        "select external_id, email, attributes, consent, gone_at from profile order by number"
    ).fetchall()
    assert rows[0] == (None, None, {}, 2, now)
    assert rows[1] == ("bruno", "bruno@example.com", {}, 0, None)
    for table in ("alias", "event"):
        left = f"select profile from {table}".encode()  # noqa: S608
        assert db.execute(left).fetchall() == [(1,)]
    assert db.execute("select count(*) from device").fetchone() == (0,)
    assert db.execute("select count(*) from match_key where profile = 0").fetchone() == (1,)


def test_the_external_id_is_free_at_once(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """Whoever comes under it is somebody new."""
    deletions.delete(db, workspace, people([0]), now)
    done = profiles.upsert(db, workspace, batch(Person("ana")), now)
    assert (done.new, list(done.numbers)) == (1, [2])
    assert aliases.add(db, workspace, {("shop", "a"): 2}) == {("shop", "a"): 2}


def test_other_workspaces_are_left_alone(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """A number of elsewhere is passed over."""
    elsewhere = workspaces.create(db, "elsewhere", now).id
    assert deletions.delete(db, elsewhere, people([0, 1]), now) == 0
    assert db.execute("select count(*) from profile where gone_at is null").fetchone() == (2,)
