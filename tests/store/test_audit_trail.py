"""The audit trail (I-61): appended to only, and whoever touches it breaks the chain there."""

import threading

import psycopg
import pytest

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.store import audit_trail, database, workspaces
from towpath.store.database import Db


@pytest.fixture
def mine(db: Db, now: Instant) -> WorkspaceId:
    """A workspace in which five things were done."""
    found = workspaces.ensure_default(db, now).id
    for number in range(5):
        audit_trail.append(db, found, "terminal", "tried", f"{number}", {"é": [1, "x"]}, now)
    return found


def test_entries_come_in_order_and_hold(db: Db, mine: WorkspaceId) -> None:
    found = audit_trail.read_page(db, mine, after=1, limit=2)
    assert [one.number for one in found] == [2, 3]
    checked = audit_trail.verify(db, mine)
    assert (checked.entries, checked.broken) == (5, None)
    assert checked.head == audit_trail.read_page(db, mine, after=4, limit=9)[0].digest


@pytest.mark.parametrize(
    "change",
    ["update audit_trail set actor = 'me'", "delete from audit_trail", "truncate audit_trail"],
)
def test_the_database_refuses_changes(db: Db, mine: WorkspaceId, change: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="only ever appended"):
        db.execute(change.encode())
    assert audit_trail.verify(db, mine).broken is None


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("update audit_trail set actor = 'me' where number = 3", 3),
        ("update audit_trail set details = '{}' where number = 1", 1),
        ("update audit_trail set at = at + interval '1 microsecond' where number = 5", 5),
        ("delete from audit_trail where number = 2", 2),
        ("update audit_trail set number = 9 - number where number in (3)", 3),
    ],
)
def test_whoever_gets_around_that_is_found(
    db: Db, mine: WorkspaceId, change: str, broken: int
) -> None:
    db.execute(b"alter table audit_trail disable trigger user")
    db.execute(change.encode())
    assert audit_trail.verify(db, mine).broken == broken


def test_an_entry_of_another_workspace_does_not_fit(
    db: Db, mine: WorkspaceId, now: Instant
) -> None:
    other = workspaces.create(db, "elsewhere", now).id
    db.execute(b"alter table audit_trail disable trigger user")
    db.execute(b"update audit_trail set workspace = %s", (other,))
    assert audit_trail.verify(db, other).broken == 1
    assert audit_trail.verify(db, mine).entries == 0


def test_writers_at_once_take_turns(database_url: str, mine: WorkspaceId, now: Instant) -> None:
    def write() -> None:
        with database.connect(database_url) as db:
            for _ in range(20):
                audit_trail.append(db, mine, "terminal", "tried", "x", {}, now)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with database.connect(database_url) as db:
        assert (audit_trail.verify(db, mine).entries, audit_trail.verify(db, mine).broken) == (
            85,
            None,
        )


def test_what_was_not_committed_is_not_there(db: Db, mine: WorkspaceId, now: Instant) -> None:
    with db.transaction(force_rollback=True):
        audit_trail.append(db, mine, "terminal", "tried", "x", {}, now)
    assert audit_trail.verify(db, mine).entries == 5
