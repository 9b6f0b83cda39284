"""The people door on a real PostgreSQL, and the SQL of filters against their meaning in Python."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.consent import ConsentState
from towpath.people.filter import (
    AllOf,
    AnyOf,
    Attribute,
    ConsentIs,
    Filter,
    Has,
    Not,
    Op,
    to_data,
)
from towpath.people.filter_eval import matches
from towpath.people.filter_parse import parse_filter
from towpath.people.match_field import ALL_FIELDS, MatchField
from towpath.people.people_set import people
from towpath.store import people_door
from towpath.store.database import Db

PEOPLE = 50
DAYS = st.dates(date(2025, 12, 28), date(2026, 1, 3))
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.sampled_from([0, 0.5, 1, -1, 60, 86_400, -86_400, 0.000001]).map(
    lambda seconds: MIDNIGHT + timedelta(seconds=seconds)
)
NUMBERS = st.integers(-2, 3) | st.sampled_from([0.1, 0.5, -0.0, 2.0, 1e23, 2**53, 1e-9, 1e300])
TEXTS = st.sampled_from(
    ["a", "A", "ab", "b%", "_", "é", "e\u0301", "日本", "3", "true", "null", "'", "\\", '"', "Z"]
)
TIMES = st.sampled_from(
    [
        "2026-01-01",
        "2025-12-31T23:59Z",
        "2026-01-01T00:00Z",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.5Z",
        "2026-01-01T00:00:00.500Z",
        "2026-01-01\n",
        "2026-01-01T00:00:00",
        "2026-02-30",
        "2026",
        "2026-1-1",
    ]
)
FREE = ["x", "a'b %(f0)s"]
HELD = (
    NUMBERS | TEXTS | TIMES | TIMES | st.booleans() | st.none() | st.just([1]) | st.just({"x": 1})
)
COUNTRIES = st.sampled_from(["BR", "PT", "DE"])

PERSON = st.fixed_dictionaries(
    {
        "country": st.none() | COUNTRIES,
        "first_name": st.none() | TEXTS,
        "birth_date": st.none() | DAYS,
        "created_at": MOMENTS,
        "attributes": st.dictionaries(st.sampled_from(FREE), HELD),
        "consent": st.sampled_from(ConsentState),
        "match_keys": st.none() | st.sets(st.sampled_from(ALL_FIELDS)),
    }
)


def rules() -> st.SearchStrategy[Filter]:
    def rule(names: list[str], ops: list[Op], values: st.SearchStrategy[Any]) -> Any:
        return st.builds(Attribute, st.sampled_from(names), st.sampled_from(ops), values)

    def equal(names: list[str], values: st.SearchStrategy[Any]) -> Any:
        several = st.lists(values, min_size=1, max_size=4).map(tuple)
        single = rule(names, [Op.IS, Op.IS_NOT], values)
        return single | rule(names, [Op.IN, Op.NOT_IN], several)

    times = [Op.BEFORE, Op.AFTER]
    bounds = [Op.ABOVE, Op.AT_LEAST, Op.BELOW, Op.AT_MOST]
    return st.one_of(
        equal(["country"], COUNTRIES),
        equal(["first_name"], TEXTS),
        equal(["birth_date"], DAYS),
        equal(FREE, st.one_of(NUMBERS.filter(small), TEXTS, TIMES, st.booleans())),
        rule(FREE, bounds, NUMBERS.filter(small)),
        rule(["first_name", *FREE], [Op.CONTAINS], TEXTS),
        rule(["birth_date"], times, DAYS),
        rule(["created_at"], times, MOMENTS),
        rule(FREE, times, MOMENTS),
        rule(["country", "birth_date", *FREE], [Op.EXISTS], st.booleans()),
        st.builds(ConsentIs, st.sampled_from(ConsentState)),
        st.builds(Has, st.sampled_from(ALL_FIELDS)),
    )


def small(number: float) -> bool:
    return not isinstance(number, int) or abs(number) <= 2**53


def branches(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return st.builds(AllOf, several) | st.builds(AnyOf, several) | st.builds(Not, parts)


FILTERS = st.recursive(rules(), branches, max_leaves=6)


def make_workspace(db: Db, now: Instant, name: str = "main") -> WorkspaceId:
    row = db.execute(
        "insert into workspace (name, created_at) values (%s, %s) returning id", (name, now)
    ).fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return WorkspaceId(row[0])


def insert(db: Db, workspace: int, crowd: list[dict[str, Any]], now: Instant) -> list[int]:
    """Stores them and gives their numbers."""
    db.execute("delete from match_key")
    db.execute("delete from profile")
    row = db.execute("select nextval(pg_get_serial_sequence('profile', 'number'))").fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    start = row[0] + 1
    with db.cursor() as cursor:
        columns = "external_id, country, first_name, birth_date, created_at, attributes, consent"
        cursor.executemany(
            f"insert into profile (workspace, updated_at, {columns})"  # noqa: S608
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    workspace,
                    now,
                    f"p{place}",
                    one["country"],
                    one["first_name"],
                    one["birth_date"],
                    one["created_at"],
                    json.dumps(one["attributes"]),
                    one["consent"].value,
                )
                for place, one in enumerate(crowd)
            ],
        )
        cursor.executemany(
            "insert into match_key (profile, email, phone, idfa, gaid, workspace, rule)"
            " values (%s, %s, %s, %s, %s, %s, 1)",
            [
                (
                    start + place,
                    *(b"d" * 32 if field in keys else None for field in ALL_FIELDS),
                    workspace,
                )
                for place, one in enumerate(crowd)
                if (keys := one["match_keys"]) is not None
            ],
        )
    return list(range(start, start + len(crowd)))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(data=st.data())
def test_sql_and_python_agree_about_random_people(db: Db, now: Instant, data: Any) -> None:
    crowd = data.draw(st.lists(PERSON, min_size=10, max_size=PEOPLE), label="people")
    trees = data.draw(st.lists(FILTERS, min_size=10, max_size=20), label="filters")
    with db.transaction(force_rollback=True):
        workspace = make_workspace(db, now)
        numbers = insert(db, workspace, crowd, now)
        end = numbers[-1] + 1
        for tree in trees:
            assert parse_filter(to_data(tree)) == tree
            expected = people(
                number
                for number, one in zip(numbers, crowd, strict=True)
                if matches(tree, one | {"match_keys": one["match_keys"] or ()})
            )
            assert people_door.matching(db, workspace, tree, 0, end, now) == expected, tree
            odd = people(numbers[::2])
            assert people_door.matching_of(db, workspace, tree, odd, now) == expected & odd


@pytest.fixture
def workspace(db: Db, now: Instant) -> WorkspaceId:
    return make_workspace(db, now)


def crowd_of(count: int, now: Instant) -> list[dict[str, Any]]:
    return [
        {
            "country": "BR" if place % 2 else None,
            "first_name": None,
            "birth_date": None,
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
