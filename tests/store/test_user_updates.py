"""User updates: what a step changes in the profiles of a wave."""

from typing import Any

import pytest
from tests.store.people import BORN, Person, batch

from towpath.canvas.steps.user_update import UserUpdate
from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.people_set import people
from towpath.store import deletions, events, profiles, user_updates, workspaces
from towpath.store.database import Db

FULL: dict[str, Any] = {f"n{place}": 0 for place in range(256)}
"""As many attributes as a person may have."""


@pytest.fixture
def workspace(db: Db, now: Instant) -> WorkspaceId:
    """The workspace."""
    return workspaces.ensure_default(db, now).id


def updated(
    db: Db, workspace: WorkspaceId, before: dict[str, Any], update: dict[str, Any], now: Instant
) -> Any:
    """The attributes of somebody who has some, after an update."""
    profiles.upsert(db, workspace, batch(Person("ana", attributes=before)), now)
    step = UserUpdate.parse(update, "steps.u")
    user_updates.apply(db, workspace, step, people([0]), now)
    row = db.execute("select attributes from profile where number = 0").fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("before", "update", "after"),
    [
        ({"a": 1}, {"set": {"b": {"c": [True, 1.5]}}}, {"a": 1, "b": {"c": [True, 1.5]}}),
        ({"a": "x"}, {"set": {"a": 2}}, {"a": 2}),
        ({"a": 1}, {"increment": {"a": 2, "b": -3}}, {"a": 3, "b": -3}),
        ({"a": 0.1}, {"increment": {"a": 0.2}}, {"a": 0.3}),
        ({"a": "x", "b": True}, {"increment": {"a": 2, "b": 1}}, {"a": "x", "b": True}),
        ({"a": ["x", "y"]}, {"add": {"a": ["z", "x"], "b": [1, 1]}},
         {"a": ["y", "z", "x"], "b": [1]}),
        ({"a": "x"}, {"add": {"a": ["z"]}}, {"a": "x"}),
        ({"a": [{"n": 1, "m": 2}]}, {"add": {"a": [{"n": 1}]}},
         {"a": [{"n": 1, "m": 2}, {"n": 1}]}),
        ({"a": ["x", "y", "x"]}, {"remove": {"a": ["x"], "b": ["x"]}}, {"a": ["y"]}),
        ({"a": list(range(500))}, {"add": {"a": [500]}}, {"a": list(range(500))}),
        ({"a": list(range(500))}, {"add": {"a": [0]}}, {"a": [*range(1, 500), 0]}),
        ({"a": 1, "b": 2}, {"unset": ["a", "c"]}, {"b": 2}),
        ({"a": 9 * 10**307}, {"increment": {"a": 9 * 10**307, "b": 1}}, {"a": 9 * 10**307, "b": 1}),
        (FULL, {"set": {"n0": 1, "new": 2}}, FULL | {"n0": 1}),
        (FULL, {"set": {"new": 2}, "unset": ["n0"]},
         {name: value for name, value in FULL.items() if name != "n0"} | {"new": 2}),
    ],
)  # fmt: skip
def test_attributes(
    db: Db,
    workspace: WorkspaceId,
    now: Instant,
    before: dict[str, Any],
    update: dict[str, Any],
    after: dict[str, Any],
) -> None:
    """What cannot be done leaves what there is."""
    assert updated(db, workspace, before, update, now) == after


def test_own_columns(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """Set and unset; whoever differs not is not written, and whoever is gone is passed over."""
    ana = Person("ana", country="PT", language="pt", birth_date=BORN)
    bruno = Person("bruno", country="BR", language="en")
    profiles.upsert(db, workspace, batch(ana, bruno, Person("carla"), Person("dora")), now)
    deletions.delete(db, workspace, people([2]), now)
    step = UserUpdate.parse(
        {"set": {"country": "br", "language": "en"}, "unset": ["birth_date"]}, "steps.u"
    )
    assert user_updates.apply(db, workspace, step, people([0, 1, 2]), now) == 1
    rows = db.execute("select country, language, birth_date from profile order by number")
    assert rows.fetchall() == [("BR", "en", None), ("BR", "en", None), (None,) * 3, (None,) * 3]


def test_what_is_watched_becomes_events(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """As when a file or the API changes it; in each wave for itself."""
    profiles.upsert(db, workspace, batch(Person("ana", attributes={"n": 1}), Person("bruno")), now)
    db.execute("insert into canvas (workspace, name, created_at, changed_at)"
               " values (%s, 'c', %s, %s)", (workspace, now, now))  # fmt: skip
    db.execute("insert into watch (workspace, canvas, kind, name) values (%s, 1, 2, 'n')",
               (workspace,))  # fmt: skip
    step = UserUpdate.parse({"increment": {"n": 1}}, "steps.u")
    with db.transaction():
        events.ensure_days(db, now)
        for members in ([0], [1]):
            user_updates.apply(db, workspace, step, people(members), now)
    rows = db.execute("select profile, properties from event order by id").fetchall()
    assert rows == [(0, {"value": 2, "was": 1}), (1, {"value": 1, "was": None})]
