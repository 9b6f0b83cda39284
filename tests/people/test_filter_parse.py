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
    (nested(17), "filter" + ".not" * 16, "16 deep"),
    (nested(5000), "filter" + ".not" * 16, "16 deep"),
    ({"all": [{"has": "email"}] * 257}, "filter.all", "256 rules"),
    ({"all": [{"any": [{"has": "email"}] * 200}] * 2}, "filter.all[1].any[56]", "256 rules"),
]


@pytest.mark.parametrize(("data", "field", "says"), REFUSED)
def test_what_is_not_understood_is_refused_with_its_place(data: Any, field: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_filter(data)
    assert refused.value.field == field
    assert says in str(refused.value)


def test_the_deepest_filter_is_read() -> None:
    assert to_data(parse_filter(nested(16))) == nested(16)
