"""Attributes that change what is stored, against plain Python on lists and numbers."""

import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from towpath.limits import ARRAY_MAX
from towpath.people.columns import Refusal
from towpath.people.json_text import read_json
from towpath.people.track_operations import Operation, fold, read_operation

members = st.sampled_from(["a", "b", 1, True, Decimal("1.5"), None])
steps = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "set", "gone"]), st.lists(members, max_size=3)),
    max_size=6,
)


def folded(rows: list[dict[str, Raw | Operation | None]], stored: dict[str, Any]) -> Any:
    found, refused = fold(rows, stored)
    assert refused == []
    value = found.get("x")
    return None if value is None else json.loads(bytes(value), parse_float=Decimal)


def as_json(value: object) -> str:
    return json.dumps(value, default=float)


@given(st.none() | st.lists(members, max_size=4), steps)
def test_lists(stored: list[Any] | None, told: list[tuple[str, list[Any]]]) -> None:
    model = stored
    rows: list[dict[str, Raw | Operation | None]] = []
    for kind, given_members in told:
        unique = list({as_json(one): one for one in given_members}.values())
        without = [one for one in model or [] if as_json(one) not in map(as_json, unique)]
        match kind:
            case "set":
                rows.append({"x": Raw(as_json(given_members).encode())})
                model = given_members
            case "gone":
                rows.append({"x": None})
                model = None
            case "add":
                rows.append({"x": Operation(kind, given_members)})
                model = without + unique
            case _:
                rows.append({"x": Operation(kind, given_members)})
                model = without
    if told:
        assert as_json(folded(rows, {"x": stored})) == as_json(model)


@given(st.lists(st.decimals(-1000, 1000, places=2), min_size=1, max_size=8))
def test_sums_are_exact(given_numbers: list[Decimal]) -> None:
    rows: list[dict[str, Raw | Operation | None]] = [
        {"x": Operation("inc", one)} for one in given_numbers
    ]
    assert Decimal(folded(rows, {"x": Decimal("0.1")})) == sum(given_numbers, Decimal("0.1"))


def test_what_cannot_be_done_is_refused_and_the_rest_is_done() -> None:
    rows: list[dict[str, Raw | Operation | None]] = [
        {"x": Operation("inc", 1), "n": Operation("inc", 2)},
        {"x": Operation("add", ["a"])},
        {"long": Operation("add", [str(n) for n in range(ARRAY_MAX + 1)])},
    ]
    found, refused = fold(rows, {"x": "gold", "n": 40})
    assert found == {"n": Raw(b"42")}
    assert [(place, name) for place, name, _ in refused] == [(0, "x"), (1, "x"), (2, "long")]


def test_shapes() -> None:
    def read(value: object, *, merging: bool = False) -> Operation | Refusal | None:
        return read_operation(json.dumps(value).encode(), merging=merging)

    assert read({"city": "Rio"}) is None
    assert read({}) is None
    assert read({"city": "Rio"}, merging=True) == Operation("merge", {"city": "Rio"})
    assert read({"inc": 2}) == Operation("inc", 2)
    shapeless: list[dict[str, Any]] = [
        {"inc": "2"},
        {"inc": True},
        {"add": "a"},
        {"$add": {}},
        {"$remove": [{"id": 1}]},
        {"$update": [{"$identifier_key": "id", "$identifier_value": 1}]},
        {"$update": [{"$identifier_key": 3, "$identifier_value": 1, "$new_object": {}}]},
    ]
    for bad in shapeless:
        assert isinstance(read(bad), Refusal), bad


def test_a_number_that_nothing_could_read_is_refused() -> None:
    """Python reads no whole number of more than 4,300 digits, and a double holds 308."""
    assert isinstance(read_json(b"9" * 308), int)
    assert isinstance(read_json(b'{"a": [' + b"9" * 309 + b"]}"), Refusal)
    found, refused = fold([{"x": Operation("inc", 9 * 10**307)}], {"x": 9 * 10**307})
    assert found == {}
    assert refused == [(0, "x", "would be a number that is too large")]
