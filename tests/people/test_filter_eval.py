"""What a filter means: what is missing, and values of another type."""

from typing import Any

import pytest

from towpath.people.filter_eval import matches
from towpath.people.filter_parse import parse_filter

MISSING: list[tuple[dict[str, Any], bool]] = [
    ({"is": 3}, False),
    ({"is_not": 3}, True),
    ({"in": [3]}, False),
    ({"not_in": [3]}, True),
    ({"above": 3}, False),
    ({"at_least": 3}, False),
    ({"below": 3}, False),
    ({"at_most": 3}, False),
    ({"before": "2026-01-01"}, False),
    ({"after": "2026-01-01"}, False),
    ({"contains": "3"}, False),
    ({"exists": True}, False),
    ({"exists": False}, True),
]


@pytest.mark.parametrize(("rule", "expected"), MISSING)
@pytest.mark.parametrize("person", [{}, {"attributes": {}}, {"attributes": {"x": None}}])
def test_a_missing_attribute(rule: dict[str, Any], expected: bool, person: dict[str, Any]) -> None:
    tree = parse_filter({"attribute": "x", **rule})
    assert matches(tree, person) is expected
    assert matches(parse_filter({"not": {"attribute": "x", **rule}}), person) is not expected


HELD: list[tuple[Any, dict[str, Any], bool]] = [
    ("3", {"is": 3}, False),
    (3, {"is": 3.0}, True),
    (True, {"is": 1}, False),
    (1, {"is": True}, False),
    ("3", {"above": 2}, False),
    (True, {"above": 0}, False),
    (3, {"at_most": 3}, True),
    ("a", {"in": [1, "a"]}, True),
    ("Ab", {"contains": "b"}, True),
    ("Ab", {"contains": "B"}, False),
    (100, {"contains": "1"}, False),
    ("2026-01-01", {"before": "2026-01-01T00:00:00Z"}, False),
    ("2026-01-01", {"before": "2026-01-01T00:00:01Z"}, True),
    ("2026-01-01T10:00Z", {"after": "2026-01-01T09:59:59.5Z"}, True),
    ("2026-01-01T10:00:00.50Z", {"after": "2026-01-01T10:00:00.5Z"}, False),
    ("2026-01-01T10:00:00", {"after": "2020-01-01"}, False),
    ("tomorrow", {"after": "2020-01-01"}, False),
    (20260101, {"after": "2020-01-01"}, False),
]


@pytest.mark.parametrize(("held", "rule", "expected"), HELD)
def test_a_held_value(held: Any, rule: dict[str, Any], expected: bool) -> None:
    assert matches(parse_filter({"attribute": "x", **rule}), {"attributes": {"x": held}}) is (
        expected
    )


def test_everybody() -> None:
    assert matches(None, {})


def test_consent_and_keys() -> None:
    assert matches(parse_filter({"consent": "unknown"}), {})
    assert matches(parse_filter({"has": "gaid"}), {"match_keys": {"gaid"}})
    assert not matches(parse_filter({"has": "idfa"}), {"match_keys": {"gaid"}})
