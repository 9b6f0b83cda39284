"""The people door on a real PostgreSQL, and the SQL of filters against their meaning in Python."""

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.filter_crowd import (
    DID,
    NOBODY_SPECIAL,
    NOW,
    PERSON,
    QUICK,
    check,
    did_rules,
    free_rules,
    insert,
    insert_events,
    make_workspace,
    person_rules,
    trees,
)

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.consent import ConsentState
from towpath.people.filter_parse import parse_filter
from towpath.people.match_field import MatchField
from towpath.people.people_set import people
from towpath.store import people_door
from towpath.store.database import Db
from towpath.store.queries import queries

ATTRIBUTES = trees(person_rules() | free_rules(typed=True))
EVENTS = trees(did_rules() | did_rules() | person_rules(), leaves=4)


@QUICK
@given(data=st.data())
def test_sql_and_python_agree_about_attributes(db: Db, data: Any) -> None:
    crowd = data.draw(st.lists(PERSON, min_size=10, max_size=50), label="people")
    filters = data.draw(st.lists(ATTRIBUTES, min_size=10, max_size=20), label="filters")
    with db.transaction(force_rollback=True):
        workspace = make_workspace(db, NOW)
        numbers = insert(db, workspace, crowd, NOW)
        for tree in filters:
            check(db, workspace, tree, dict(zip(numbers, crowd, strict=True)))


@QUICK
@given(data=st.data())
def test_sql_and_python_agree_about_events(db: Db, data: Any) -> None:
    done = data.draw(st.lists(DID, min_size=5, max_size=20), label="did")
    filters = data.draw(st.lists(EVENTS, min_size=5, max_size=10), label="filters")
    crowd = [NOBODY_SPECIAL | {"did": did} for did in done]
    with db.transaction(force_rollback=True):
        workspace = make_workspace(db, NOW)
        numbers = insert(db, workspace, crowd, NOW)
        mine = [(number, one) for number, did in zip(numbers, done, strict=True) for one in did]
        insert_events(db, workspace, mine, NOW)
        for tree in filters:
            check(db, workspace, tree, dict(zip(numbers, crowd, strict=True)))


@pytest.fixture
def workspace(db: Db, now: Instant) -> WorkspaceId:
    return make_workspace(db, now)


def crowd_of(count: int, now: Instant) -> list[dict[str, Any]]:
    return [
        NOBODY_SPECIAL
        | {
            "country": "BR" if place % 2 else None,
            "created_at": now - timedelta(days=place),
            "attributes": {"orders": place},
            "consent": ConsentState.GRANTED,
            "match_keys": {MatchField.EMAIL},
        }
        for place in range(count)
    ]


def test_ranges_and_workspaces(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    assert people_door.highest_number(db, workspace) == -1
    numbers = insert(db, workspace, crowd_of(10, now), now)
    other = make_workspace(db, now, "other")
    assert people_door.highest_number(db, workspace) == numbers[-1]
    assert people_door.highest_number(db, other) == -1
    low, high = numbers[2], numbers[7]
    assert people_door.matching(db, workspace, None, low, high, now) == people(range(low, high))
    assert not people_door.matching(db, other, None, 0, high, now)
    assert not people_door.matching_of(db, other, None, people(numbers), now)
    assert not people_door.matching_of(db, workspace, None, people(), now)
    few = parse_filter({"attribute": "orders", "at_least": 8})
    strangers = people([*numbers, 2**31 - 1])
    assert people_door.matching_of(db, workspace, few, strangers, now) == people(numbers[8:])


def test_who_is_gone_matches_nothing(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    numbers = insert(db, workspace, crowd_of(3, now), now)
    db.execute("update profile set gone_at = %s where number = %s", (now, numbers[0]))
    assert people_door.matching(db, workspace, None, 0, 100, now) == people(numbers[1:])


def test_another_workspace_s_events_do_not_count(
    db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    numbers = insert(db, workspace, crowd_of(1, now), now)
    other = make_workspace(db, now, "other")
    one = {"kind": 1, "name": "shoe", "at": now, "amount": "1", "currency": "BRL"}
    rows = [(numbers[0], one | {"quantity": 1, "properties": None})]
    insert_events(db, other, rows, now)
    for rule in ({"purchase": "any"}, {"purchase": "any", "product": "shoe"}):
        assert not people_door.matching(db, workspace, parse_filter(rule), 0, 100, now)
    insert_events(db, workspace, rows, now)
    for rule in ({"purchase": "any"}, {"purchase": "any", "product": "shoe"}):
        assert people_door.matching(db, workspace, parse_filter(rule), 0, 100, now)


def test_parallel_workers_would_not_add_events_up_again(
    db: Db, workspace: WorkspaceId, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are added up in an InitPlan, which is answered once, and its array handed to workers."""
    asked = b"explain (format json) " + queries("people_door")["read_matching"]
    monkeypatch.setattr(people_door, "_SQL", {"read_matching": asked})
    monkeypatch.setattr(people_door, "unpacked", lambda plan: plan[0]["Plan"])
    tree = parse_filter({"any": [{"event": "opened"}, {"attribute": "plan", "is": "pro"}]})
    plan: Any = people_door.matching(db, workspace, tree, 0, 10_000_000, now)
    once = [node for node in plan["Plans"] if node["Parent Relationship"] == "InitPlan"]
    others = [node for node in plan["Plans"] if node not in once]
    assert "'Aggregate'" in str(once)
    assert not re.search(r"event|'Group Key'", str(others))
