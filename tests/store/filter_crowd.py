"""Random people with attributes, events and a filter's rules about them, and how they are stored.

Texts, numbers and times are chosen so that they meet: few values, and those next to them.
"""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.consent import ConsentState
from towpath.people.events import EventKind, EventName
from towpath.people.filter import (
    AllOf,
    AnyOf,
    Attribute,
    Bound,
    Bounds,
    ConsentIs,
    DaysAgo,
    Did,
    Filter,
    FromNow,
    Has,
    InBucket,
    Measure,
    Not,
    Op,
    Window,
    to_data,
)
from towpath.people.filter_eval import matches
from towpath.people.filter_parse import parse_filter
from towpath.people.match_field import ALL_FIELDS
from towpath.people.people_set import PeopleSet, people
from towpath.store import people_door
from towpath.store.database import Db
from towpath.store.events import ensure_days, name_ids

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
QUICK = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)

DAYS = st.dates(date(2025, 12, 28), date(2026, 1, 3)) | st.sampled_from(
    [date(1996, 2, 29), date(1995, 2, 28), date(1995, 3, 1), date(1995, 3, 2)]
)
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.sampled_from([0, 0.5, 1, -1, 60, 86_400, -86_400, 0.000001]).map(
    lambda seconds: MIDNIGHT + timedelta(seconds=seconds)
)
SPANS = st.sampled_from([timedelta(), timedelta(hours=1), DAY, 2 * DAY, 59 * DAY, 365 * DAY])
RELATIVE = (
    SPANS.map(FromNow)
    | SPANS.map(lambda span: FromNow(-span))
    | st.builds(DaysAgo, st.sampled_from([0, 1, 2, 58, 59, 60]))
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
        "2026-03-01T11:00:00Z",
        "2024-02-29",
        "2026-01-01\n",
        "2026-01-01T00:00:00",
        "2026-02-30",
        "2026",
        "2026-1-1",
    ]
)
FREE = ["x", "a'b %(f0)s", "a.b"]
SCALARS = NUMBERS | TEXTS | TIMES | TIMES | st.booleans() | st.none()
FLAT = st.dictionaries(st.sampled_from(FREE), SCALARS, max_size=3)
HELD = SCALARS | st.one_of(
    st.lists(SCALARS, max_size=3),
    st.lists(FLAT | SCALARS, max_size=3),
    st.dictionaries(st.sampled_from(FREE), SCALARS | st.lists(SCALARS, max_size=2) | FLAT),
)
COUNTRIES = st.sampled_from(["BR", "PT", "DE"])

PERSON = st.fixed_dictionaries(
    {
        "country": st.none() | COUNTRIES,
        "first_name": st.none() | TEXTS,
        "time_zone": st.none() | st.sampled_from(["America/Sao_Paulo", "Europe/Lisbon"]),
        "birth_date": st.none() | DAYS,
        "created_at": MOMENTS,
        "attributes": st.dictionaries(st.sampled_from(FREE), HELD),
        "consent": st.sampled_from(ConsentState),
        "match_keys": st.none() | st.sets(st.sampled_from(ALL_FIELDS)),
    }
)
NOBODY_SPECIAL: dict[str, Any] = {
    "country": None,
    "first_name": None,
    "time_zone": None,
    "birth_date": None,
    "created_at": MIDNIGHT,
    "attributes": {},
    "consent": ConsentState.UNKNOWN,
    "match_keys": None,
}

NAMES = ["opened", "a'b %(f0)s"]
PRODUCTS = ["shoe", "hat"]
AT = st.sampled_from([0, 1, 3600, 86_399, 86_400, 86_401, 2 * 86_400, 130_000]).map(
    lambda ago: NOW - timedelta(seconds=ago)
)
_ANY_EVENT = {"at": AT, "properties": st.none() | FLAT}
EVENT = st.fixed_dictionaries(
    _ANY_EVENT
    | {"kind": st.just(EventKind.EVENT), "name": st.sampled_from(NAMES)}
    | {"amount": st.none(), "currency": st.none(), "quantity": st.none()}
)
PURCHASE = st.fixed_dictionaries(
    _ANY_EVENT
    | {"kind": st.just(EventKind.PURCHASE), "name": st.sampled_from(PRODUCTS)}
    | {
        "amount": st.sampled_from(["0", "1", "9.99"]),
        "currency": st.sampled_from(["BRL", "EUR"]),
        "quantity": st.sampled_from([None, 1, 2]),
    }
)
DID = st.lists(EVENT | PURCHASE, max_size=5)


def small(number: Any) -> bool:
    return not isinstance(number, int) or abs(number) <= 2**53


def bounds(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Bounds]:
    """One bound, or two that some number meets."""
    one = st.tuples(st.sampled_from(Bound), numbers).map(lambda found: Bounds((found,)))
    lower, upper = (Bound.AT_LEAST, Bound.ABOVE), (Bound.AT_MOST, Bound.BELOW)
    ends = st.tuples(numbers, numbers).filter(lambda found: found[0] != found[1]).map(sorted)
    two = st.tuples(ends, st.sampled_from(lower), st.sampled_from(upper))
    return one | two.map(lambda found: Bounds(_in_order(found[0], found[1], found[2])))


def _in_order(ends: list[Any], lower: Bound, upper: Bound) -> tuple[tuple[Bound, Any], ...]:
    found = {lower: ends[0], upper: ends[1]}
    return tuple((bound, found[bound]) for bound in Bound if bound in found)


COUNTS = bounds(st.integers(0, 3))


def free_rules(*, typed: bool) -> st.SearchStrategy[Filter]:
    """Rules on free attributes; `typed`: a person's, so lists of objects may be looked into."""

    def rule(ops: list[Op], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Filter]:
        inner = st.just(()) | st.lists(st.sampled_from(FREE), min_size=1, max_size=2).map(tuple)
        return st.builds(Attribute, st.sampled_from(FREE), st.sampled_from(ops), values, inner)

    scalars = st.one_of(NUMBERS.filter(small), TEXTS, TIMES, st.booleans())
    several = st.lists(scalars, min_size=1, max_size=4).map(tuple)
    anniversary = st.sampled_from([0, 1, -1, 7, -365, 365]).map(lambda n: FromNow(n * DAY))
    kinds = [
        rule([Op.IS, Op.IS_NOT, Op.INCLUDES], scalars),
        rule([Op.IN, Op.NOT_IN, Op.INCLUDES_ANY, Op.INCLUDES_NONE], several),
        rule([Op.ABOVE, Op.AT_LEAST, Op.BELOW, Op.AT_MOST], NUMBERS.filter(small)),
        rule([Op.CONTAINS, Op.STARTS_WITH, Op.ENDS_WITH], TEXTS),
        rule([Op.BEFORE, Op.AFTER], MOMENTS | RELATIVE),
        rule([Op.ANNIVERSARY], anniversary),
        rule([Op.ITEMS], COUNTS),
        rule([Op.EXISTS], st.booleans()),
    ]
    if typed:
        kinds.append(rule([Op.ANY_ITEM], trees(free_rules(typed=False), leaves=3)))
    return st.one_of(kinds)


def person_rules() -> st.SearchStrategy[Filter]:
    def rule(name: str, ops: list[Op], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Filter]:
        return st.builds(Attribute, st.just(name), st.sampled_from(ops), values)

    def equal(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Filter]:
        several = st.lists(values, min_size=1, max_size=4).map(tuple)
        single = rule(name, [Op.IS, Op.IS_NOT], values)
        return single | rule(name, [Op.IN, Op.NOT_IN], several)

    times = [Op.BEFORE, Op.AFTER]
    anniversary = st.sampled_from([0, 1, -1, 60, -365]).map(lambda n: FromNow(n * DAY))
    return st.one_of(
        equal("country", COUNTRIES),
        equal("first_name", TEXTS),
        equal("birth_date", DAYS),
        rule("first_name", [Op.CONTAINS, Op.STARTS_WITH, Op.ENDS_WITH], TEXTS),
        rule("time_zone", [Op.STARTS_WITH, Op.EXISTS], st.just("America/")).filter(
            lambda found: getattr(found, "op", None) is Op.STARTS_WITH
        ),
        rule("birth_date", times, DAYS | RELATIVE),
        rule("created_at", times, MOMENTS | RELATIVE),
        rule("birth_date", [Op.ANNIVERSARY], anniversary),
        rule("created_at", [Op.ANNIVERSARY], anniversary),
        rule("birth_date", [Op.EXISTS], st.booleans()),
        st.builds(ConsentIs, st.sampled_from(ConsentState)),
        st.builds(Has, st.sampled_from(ALL_FIELDS)),
        st.builds(InBucket, bounds(st.sampled_from([0, 2500, 5000, 9999]))),
    )


WINDOWS = st.one_of(
    st.just(Window()),
    st.builds(Window, since=RELATIVE | AT),
    st.builds(Window, before=RELATIVE | AT),
    st.builds(Window, since=AT, before=RELATIVE),
)


def did_rules() -> st.SearchStrategy[Filter]:
    where = st.none() | trees(free_rules(typed=False), leaves=2)
    measured = {
        Measure.COUNT: COUNTS,
        Measure.ITEMS: COUNTS,
        Measure.SUM: bounds(NUMBERS.filter(small)),
        Measure.TOTAL: bounds(st.sampled_from([0, 1, 9.99, 10])),
        Measure.FIRST: WINDOWS.filter(lambda found: found != Window()),
        Measure.LAST: WINDOWS.filter(lambda found: found != Window()),
    }

    def rule(kind: EventKind, names: st.SearchStrategy[Any], measure: Measure) -> Any:
        of = {Measure.SUM: FREE, Measure.TOTAL: ["BRL", "EUR"]}.get(measure, [""])
        return st.builds(
            Did,
            st.just(kind),
            names,
            st.just(measure),
            measured[measure],
            st.sampled_from(of),
            WINDOWS,
            where,
        )

    one = st.sampled_from([*NAMES, "never heard of"]).map(lambda name: (name,))
    bought = st.just(()) | st.lists(
        st.sampled_from([*PRODUCTS, "never heard of"]), min_size=1, max_size=2, unique=True
    ).map(tuple)
    of_events = [Measure.COUNT, Measure.SUM, Measure.FIRST, Measure.LAST]
    return st.one_of(
        *(rule(EventKind.EVENT, one, measure) for measure in of_events),
        *(rule(EventKind.PURCHASE, bought, measure) for measure in Measure),
    )


def trees(rules: st.SearchStrategy[Filter], leaves: int = 6) -> st.SearchStrategy[Filter]:
    def branches(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        several = st.lists(parts, min_size=1, max_size=3).map(tuple)
        return st.builds(AllOf, several) | st.builds(AnyOf, several) | st.builds(Not, parts)

    return st.recursive(rules, branches, max_leaves=leaves)


def make_workspace(db: Db, now: Instant, name: str = "main") -> WorkspaceId:
    row = db.execute(
        "insert into workspace (name, created_at) values (%s, %s) returning id", (name, now)
    ).fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return WorkspaceId(row[0])


_COLUMNS = (
    "external_id", "country", "first_name", "time_zone", "birth_date", "created_at", "attributes",
    "consent",
)  # fmt: skip


def insert(db: Db, workspace: int, crowd: list[dict[str, Any]], now: Instant) -> list[int]:
    """Stores them and gives their numbers."""
    db.execute("delete from match_key")
    db.execute("delete from profile")
    row = db.execute("select nextval(pg_get_serial_sequence('profile', 'number'))").fetchone()
    assert row is not None
    start = int(row[0]) + 1
    rows = [
        one | {"external_id": f"p{n}", "attributes": json.dumps(one["attributes"])}
        for n, one in enumerate(crowd)
    ]
    with db.cursor() as cursor:
        cursor.executemany(
            f"insert into profile (workspace, updated_at, {', '.join(_COLUMNS)})"  # noqa: S608
            f" values (%s, %s{', %s' * len(_COLUMNS)})",
            [
                (workspace, now, *(one[name] for name in _COLUMNS[:-1]), one["consent"].value)
                for one in rows
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


def insert_events(
    db: Db, workspace: WorkspaceId, did: list[tuple[int, dict[str, Any]]], now: Instant
) -> None:
    """Stores what people (by number) did, received when it happened or a day later."""
    for day in range(-3, 2):
        ensure_days(db, now + timedelta(days=day))
    ids = name_ids(db, workspace, {EventName(one["kind"], one["name"]) for _, one in did})
    db.cursor().executemany(
        "insert into event (workspace, name, profile, at, received_at, amount, currency, quantity,"
        " properties) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            (
                workspace,
                ids[EventName(one["kind"], one["name"])],
                number,
                one["at"],
                max(one["at"], now - (n % 2) * DAY),
                one["amount"],
                one["currency"],
                one["quantity"],
                None if one["properties"] is None else json.dumps(one["properties"]),
            )
            for n, (number, one) in enumerate(did)
        ],
    )


def check(
    db: Db, workspace: WorkspaceId, tree: Filter, crowd: dict[int, dict[str, Any]], **known: Any
) -> PeopleSet:
    """The SQL and the meaning in Python agree about everybody; gives who matches."""
    assert parse_filter(to_data(tree)) == tree
    expected = people(
        number
        for number, one in crowd.items()
        if matches(
            tree,
            one | {"match_keys": one["match_keys"] or (), "number": number},
            NOW,
            known.get("segments"),
        )
    )
    low, high = min(crowd), max(crowd) + 1
    assert people_door.matching(db, workspace, tree, low, high, NOW) == expected, tree
    odd = people(list(crowd)[::2])
    assert people_door.matching_of(db, workspace, tree, odd, NOW) == expected & odd
    return expected
