"""Reading the filter language: what is understood, and how everything else is refused."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from towpath.errors import InputError
from towpath.people.consent import ConsentState
from towpath.people.filter import AllOf, Attribute, ConsentIs, Has, Not, Op, to_data
from towpath.people.filter_parse import parse_filter
from towpath.people.match_field import MatchField


def test_the_forms_of_the_language() -> None:
    tree = parse_filter(
        {
            "all": [
                {"attribute": "country", "in": ["BR", "PT"]},
                {"not": {"attribute": "orders", "at_least": 2.5}},
                {"any": [{"consent": "granted"}]},
                {"has": "email"},
            ]
        }
    )
    assert isinstance(tree, AllOf)
    assert tree.parts[0] == Attribute("country", Op.IN, ("BR", "PT"))
    assert tree.parts[1] == Not(Attribute("orders", Op.AT_LEAST, 2.5))
    assert tree.parts[2].parts == (ConsentIs(ConsentState.GRANTED),)  # type: ignore[union-attr]
    assert tree.parts[3] == Has(MatchField.EMAIL)
    assert parse_filter(to_data(tree)) == tree


def test_times_are_read_by_the_type_of_the_attribute() -> None:
    assert parse_filter({"attribute": "birth_date", "before": "1990-12-31"}) == Attribute(
        "birth_date", Op.BEFORE, date(1990, 12, 31)
    )
    assert parse_filter({"attribute": "created_at", "after": "2026-01-31"}) == Attribute(
        "created_at", Op.AFTER, datetime(2026, 1, 31, tzinfo=UTC)
    )
    assert parse_filter({"attribute": "last_order", "after": "2026-01-31T09:00:00+02:00"}) == (
        Attribute("last_order", Op.AFTER, datetime(2026, 1, 31, 7, tzinfo=UTC))
    )


@pytest.mark.parametrize(
    "data",
    [
        {"path": ["a.b", "c"], "starts_with": "x"},
        {"attribute": "pets", "any_item": {"all": [{"path": ["a", "b"], "items": {"above": 1}}]}},
        {"attribute": "birth_date", "before": {"ago": "6570d"}},
        {"attribute": "x", "anniversary": {"ahead": "0d"}},
        {"event": "x", "at_least": 1, "within": "7d", "where": {"attribute": "y", "is": True}},
        {"event": "x", "exactly": 0, "since": {"days_ago": 7}, "before": {"ahead": "1h"}},
        {"purchase": "any", "product": ["a", "b"], "total": "BRL", "above": 1, "below": 9},
        {"purchase": "any", "count": "items", "at_most": 2},
        {"event": "x", "sum": "m", "at_least": 0.5},
        {"event": "x", "last": {"before": "2026-01-01T00:00:00Z"}},
        {"canvas": "A", "entered": "ever"},
        {"canvas": "A", "entered": {"within": "30d"}},
        {"canvas": "A", "inside": "wait"},
        {"audience": {"id": "7", "ad_account": "8"}, "is": "synced"},
        {"bucket": {"at_least": 0, "below": 5000}},
        {"segment": "A"},
    ],
)
def test_what_is_read_is_written_back_the_same(data: dict[str, Any]) -> None:
    assert to_data(parse_filter(data)) == data


def nested(depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {"has": "email"}
    for _ in range(depth - 1):
        data = {"not": data}
    return data


REFUSED: list[tuple[Any, str, str]] = [
    (None, "filter", "mapping"),
    ([], "filter", "mapping"),
    ({}, "filter", "empty"),
    ({"al": []}, "filter", "Did you mean all?"),
    ({1: 2}, "filter", "unknown"),
    ({"all": []}, "filter.all", "at least one"),
    ({"all": {"has": "email"}}, "filter.all", "list"),
    ({"all": [{"has": "email"}], "any": [{"has": "email"}]}, "filter", "together"),
    ({"has": "email", "is": True}, "filter", "does not belong"),
    ({"has": "fax"}, "filter.has", "Possible: email"),
    ({"has": ["email"]}, "filter.has", "word"),
    ({"consent": "grantd"}, "filter.consent", "Did you mean granted?"),
    ({"attribute": "country"}, "filter", "exactly one"),
    ({"attribute": "x", "above": 1, "below": 3}, "filter", "all: [...]"),
    ({"attribute": "x", "≈": 1}, "filter", "Possible: is"),
    ({"attribute": "x", "at_lest": 1}, "filter", "Did you mean at_least?"),
    ({"attribute": "", "is": 1}, "filter.attribute", "name"),
    ({"attribute": "x" * 257, "is": 1}, "filter.attribute", "256"),
    ({"attribute": "a\0b", "is": 1}, "filter.attribute", "name"),
    ({"attribute": "email", "exists": True}, "filter.attribute", "{has: email}"),
    ({"attribute": "consent", "is": "granted"}, "filter.attribute", "{consent: granted}"),
    ({"attribute": "country", "above": "A"}, "filter", "country is a text"),
    ({"attribute": "country", "is": "Brazil"}, "filter.is", "two capital letters"),
    ({"attribute": "country", "in": ["BR", False]}, "filter.in[1]", "Quote it"),
    ({"attribute": "birth_date", "before": "31/12/1990"}, "filter.before", "1990-12-31"),
    ({"attribute": "birth_date", "before": 1990}, "filter.before", "1990-12-31"),
    ({"attribute": "x", "after": "2026-01-31T09:00:00"}, "filter.after", "zone"),
    ({"attribute": "x", "after": "0001-01-01T00:00:00+14:00"}, "filter.after", "zone"),
    ({"attribute": "x", "after": "2026-02-30"}, "filter.after", "date"),
    ({"attribute": "x", "above": "3"}, "filter.above", "number"),
    ({"attribute": "x", "above": True}, "filter.above", "number"),
    ({"attribute": "x", "above": float("nan")}, "filter.above", "finite"),
    ({"attribute": "x", "is": float("inf")}, "filter.is", "finite"),
    ({"attribute": "x", "is": 7000000000000000001}, "filter.is", "Quote"),
    ({"attribute": "x", "is": None}, "filter.is", "exists: false"),
    ({"attribute": "x", "is": [1]}, "filter.is", "text"),
    ({"attribute": "x", "is": "\ud800"}, "filter.is", "characters"),
    ({"attribute": "x", "in": []}, "filter.in", "at least one"),
    ({"attribute": "x", "in": list(range(257))}, "filter.in", "256"),
    ({"attribute": "x", "exists": "yes"}, "filter.exists", "true or false"),
    ({"attribute": "x", "contains": ""}, "filter.contains", "characters"),
    ({"any": [{"has": "email"}, {"not": {"has": "x"}}]}, "filter.any[1].not.has", "Possible"),
    ({"attribute": "x", "matches": "(a+)+$"}, "filter", "starts_with"),
    ({"attribute": "country", "is": 3}, "filter.is", "text is needed"),
    ({"attribute": "birth_date", "contains": "1"}, "filter", "birth_date is a date"),
    ({"path": "a.b", "is": 1}, "filter.path", "[address, city]"),
    ({"path": ["a"] * 9, "is": 1}, "filter.path", "1 to 8"),
    ({"path": ["country", "x"], "is": 1}, "filter.path", "nothing inside"),
    ({"path": ["email"], "exists": True}, "filter.path", "{has: email}"),
    ({"attribute": "x", "before": {"agp": "1d"}}, "filter.before", "Did you mean ago?"),
    ({"attribute": "x", "before": {"ago": "1y"}}, "filter.before.ago", "30s, 10m"),
    ({"attribute": "x", "before": {"ago": "99999d"}}, "filter.before.ago", "54750d"),
    ({"attribute": "x", "after": {"days_ago": 1.5}}, "filter.after.days_ago", "whole"),
    ({"attribute": "x", "anniversary": {"ahead": "366d"}}, "filter.anniversary", "365d"),
    ({"attribute": "x", "anniversary": {"ahead": "36h"}}, "filter.anniversary", "days"),
    ({"attribute": "x", "items": 3}, "filter.items", "{at_least: 3}"),
    ({"attribute": "x", "items": {"is": 3}}, "filter.items", "unknown"),
    ({"attribute": "x", "includes_any": 3}, "filter.includes_any", "list"),
    ({"attribute": "x", "any_item": {"has": "email"}}, "filter.any_item", "unknown"),
    ({"bucket": {}}, "filter.bucket", "comparison"),
    ({"segment": ""}, "filter.segment", "segment is needed"),
    ({"segment": "A", "is": True}, "filter", "does not belong"),
    ({"event": "x", "at_lest": 1}, "filter", "Did you mean at_least?"),
    ({"event": "x", "product": "y"}, "filter", "unknown"),
    ({"event": "x", "where": {"event": "y"}}, "filter.where", "unknown"),
    ({"event": "x", "where": {"attribute": "y", "is": None}}, "filter.where.is", "null"),
    ({"event": "x", "sum": "y"}, "filter", "comparison"),
    ({"event": "x", "first": {"within": "1d"}, "at_least": 1}, "filter", "times alone"),
    ({"event": "x", "first": {}}, "filter.first", "time is needed"),
    ({"event": "x", "first": {"within": "1d"}, "last": {"within": "1d"}}, "filter", "together"),
    ({"event": "x", "within": "1d", "before": "2026-01-01"}, "filter", "stands alone"),
    ({"event": "x", "at_least": "3"}, "filter.at_least", "number"),
    ({"purchase": "shoe"}, "filter.purchase", "product: NAME"),
    ({"purchase": "any", "total": "reais", "above": 1}, "filter.total", "ISO 4217"),
    ({"purchase": "any", "count": "item"}, "filter.count", "Did you mean items?"),
    ({"canvas": "A"}, "filter", "entered"),
    ({"canvas": "A", "entered": "never"}, "filter.entered", "{within: 30d}"),
    ({"canvas": "A", "inside": False}, "filter.inside", "step"),
    ({"audience": "A", "is": "in"}, "filter.is", "wanted"),
    ({"audience": {"ad_account": "7"}, "is": "wanted"}, "filter.audience", "either"),
    (nested(17), "filter" + ".not" * 16, "16 deep"),
    (nested(5000), "filter" + ".not" * 16, "16 deep"),
    ({"all": [{"has": "email"}] * 257}, "filter.all", "256 rules"),
    ({"all": [{"any": [{"has": "email"}] * 200}] * 2}, "filter.all[1].any[56]", "256 rules"),
]


@pytest.mark.parametrize(
    ("data", "field", "says"),
    [
        ({"event": "x", "at_least": -1}, "filter.at_least", "0 or more"),
        ({"event": "x", "exactly": 2.5}, "filter.exactly", "whole number"),
        ({"purchase": "any", "count": "items", "above": -3}, "filter.above", "0 or more"),
        ({"bucket": {"below": 20_000}}, "filter.bucket.below", "from 0 to 10000"),
        ({"bucket": {"at_least": 9_000, "below": 100}}, "filter.bucket", "together"),
        ({"event": "x", "at_least": 5, "at_most": 2}, "filter", "together"),
        ({"event": "x", "sum": "m", "above": 3, "at_most": 3}, "filter", "together"),
        ({"event": "x", "sum": "m", "exactly": 3, "below": 3}, "filter", "together"),
    ],
)
def test_bounds_that_cannot_be_met_are_refused(data: Any, field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        parse_filter(data)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "bounds",
    [
        {"at_least": 2, "at_most": 2},
        {"exactly": 0, "at_most": 0},
        {"above": -1.5, "below": -1},
    ],
)
def test_bounds_that_can_be_met_are_read(bounds: dict[str, float]) -> None:
    data = {"event": "x", "sum": "m", **bounds}
    assert to_data(parse_filter(data)) == data


@pytest.mark.parametrize(("data", "field", "says"), REFUSED)
def test_what_is_not_understood_is_refused_with_its_place(data: Any, field: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_filter(data)
    assert refused.value.field == field
    assert says in str(refused.value)


def test_the_deepest_filter_is_read() -> None:
    assert to_data(parse_filter(nested(16))) == nested(16)
