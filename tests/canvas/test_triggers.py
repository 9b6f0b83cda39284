"""Triggers: how they are written, and that looking them up finds what reading them all finds."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import towpath.people.lots
from towpath.canvas.predicates import Matcher
from towpath.canvas.triggers import ANY, CONSENT, Kind, Trigger, parse_triggers
from towpath.errors import InputError
from towpath.people.filter import AllOf, AnyOf, Attribute, Filter, Not, Op
from towpath.people.filter_eval import properties_match
from towpath.people.lots import lots, lowest, share
from towpath.people.people_set import numbers, people

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = st.sampled_from(["a", "b"])
NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, 1.0, 2.5]))
VALUES = st.one_of(NUMBERS, st.booleans(), st.sampled_from(["x", "1", ""]), st.none())
SCALARS = st.one_of(NUMBERS, st.booleans(), st.sampled_from(["x", "1"]))
RULES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Attribute, NAMES, st.sampled_from([Op.IS, Op.IS_NOT]), SCALARS),
    st.builds(Attribute, NAMES, st.sampled_from([Op.ABOVE, Op.AT_LEAST]), NUMBERS),
    st.builds(Attribute, NAMES, st.sampled_from([Op.BELOW, Op.AT_MOST]), NUMBERS),
    st.builds(Attribute, NAMES, st.just(Op.IN), st.lists(SCALARS, min_size=1).map(tuple)),
    st.builds(Attribute, NAMES, st.just(Op.EXISTS), st.booleans()),
)
PARTS = st.lists(RULES, min_size=1, max_size=3).map(tuple)
TREES: st.SearchStrategy[Filter | None] = st.one_of(
    st.none(), RULES, PARTS.map(AllOf), PARTS.map(AnyOf), RULES.map(Not)
)
TRIGGERS = st.one_of(
    st.builds(Trigger, st.just(Kind.EVENT), NAMES, TREES),
    st.builds(Trigger, st.just(Kind.PURCHASE), st.sampled_from(["a", ANY]), TREES),
    st.builds(Trigger, st.just(Kind.CHANGE), NAMES, st.none(), SCALARS),
)


@given(
    st.lists(TRIGGERS, max_size=12),
    st.sampled_from(list(Kind)[:3]),
    NAMES,
    st.dictionaries(st.sampled_from(["a", "b", "value"]), VALUES),
)
def test_looking_up_finds_what_reading_them_all_finds(
    triggers: list[Trigger], kind: Kind, name: str, properties: dict[str, Any]
) -> None:
    found = Matcher(zip(triggers, range(len(triggers)), strict=True)).find(
        kind, name, properties, AT
    )
    wanted = [
        tag
        for tag, one in enumerate(triggers)
        if one.kind == kind
        and (one.name == name or (kind is Kind.PURCHASE and one.name == ANY))
        and (one.rule is None or properties_match(one.rule, properties, AT))
    ]
    assert sorted(found) == wanted


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"event": "paid", "where": {"attribute": "total", "above": 5}},
            Trigger(Kind.EVENT, "paid", Attribute("total", Op.ABOVE, 5)),
        ),
        ({"purchase": "any"}, Trigger(Kind.PURCHASE, ANY)),
        ({"purchase": "sku"}, Trigger(Kind.PURCHASE, "sku")),
        ({"attribute": "plan", "to": "gold"}, Trigger(Kind.CHANGE, "plan", to="gold")),
        ({"attribute": "plan"}, Trigger(Kind.CHANGE, "plan")),
        ({"consent": "granted"}, Trigger(Kind.CHANGE, CONSENT, to="granted")),
        ({"consent": "any"}, Trigger(Kind.CHANGE, CONSENT)),
        ({"segment": "Big"}, Trigger(Kind.SEGMENT, "Big")),
    ],
)
def test_a_trigger_reads_back_as_written(data: dict[str, Any], expected: Trigger) -> None:
    assert parse_triggers([data], "on") == (expected,)
    assert Trigger.parse(expected.to_data(), "on") == expected
    assert expected.to_data() == data


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ([], "on"),
        ({}, "on"),
        ([{}], "on[0]"),
        ([{"event": "a", "segment": "b"}], "on[0]"),
        ([{"event": ""}], "on[0].event"),
        ([{"event": "a", "to": 1}], "on[0].to"),
        ([{"segment": "a", "where": {"attribute": "b", "is": 1}}], "on[0].where"),
        ([{"event": "a", "where": {"consent": "granted"}}], "on[0].where"),
        ([{"consent": "yes"}], "on[0].consent"),
        ([{"attribute": "consent"}], "on[0].attribute"),
        ([{"attribute": "a", "to": [1]}], "on[0].to"),
        ([{"event": "a", "when": 1}], "on[0].when"),
    ],
)
def test_what_is_refused(data: object, field: str) -> None:
    with pytest.raises(InputError) as error:
        parse_triggers(data, "on")
    assert error.value.field == field


def test_lots_are_even_and_stay() -> None:
    members = people(range(100_000))
    tenth = share(members, "control 1", 0.1)
    assert 9_500 < len(tenth) < 10_500
    assert tenth == share(members, "control 1", 0.1)
    assert share(members, "control 1", 0.05) <= tenth
    assert 800 < len(tenth & share(members, "control 2", 0.1)) < 1_200
    assert share(members, "control 1", 1.0) == members
    first = lowest(members, "limit 1", 500)
    assert len(first) == 500
    assert first == share(
        members, "limit 1", int(lots(numbers(first), "limit 1").max() + 1) / 2**64
    )
    assert lowest(first, "limit 1", 501) == first
    assert not lowest(first, "limit 1", 0)


def test_lots_are_the_same_however_many_draw_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    members = people(range(0, 3_000, 3))
    drawn = lowest(members, "limit 1", 70), share(members, "limit 1", 0.3)
    monkeypatch.setattr(towpath.people.lots, "_AT_ONCE", 64)
    assert (lowest(members, "limit 1", 70), share(members, "limit 1", 0.3)) == drawn
