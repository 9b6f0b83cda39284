"""Templates: what people may write, and what it may cost (D45, D46 of the bad inputs)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from towpath.canvas.templates import Template, TemplateFailed
from towpath.errors import InputError

DOUBLING = "{% assign s = 'x' %}{% for i in (1..99) %}{% assign s = s | append: s %}{% endfor %}"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def rendered(text: str, **values: Any) -> str:
    return Template(text, "body").render(values, NOW)


def test_values_are_filled_in_and_what_is_missing_is_empty() -> None:
    person = {"first_name": "Ana", "city": None}
    text = "{{ person.first_name }}|{{ person.city }}|{{ person.last_name }}|{{ a.b.c }}"
    assert rendered(text, person=person) == "Ana|||"


def test_json_is_safe_whatever_a_value_holds() -> None:
    name = 'x", "admin": true, "y": "'
    found = json.loads(rendered('{"name": {{ person.name | json }}}', person={"name": name}))
    assert found == {"name": name}


def test_now_is_the_moment_that_is_handed_in() -> None:
    assert rendered("{{ 'now' | date: '%Y-%m-%d %H' }}") == "2026-03-01 12"


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in (1..1000000000) %}x{% endfor %}",
        "{% for i in (1..5000) %}{% for j in (1..5000) %}x{% endfor %}{% endfor %}",
        DOUBLING,
        "{% for i in (1..9999) %}{{ big }}{% endfor %}",
        "{{ (1..30000000) | join: ',' | size }}",
        "{{ big | replace: '', big | replace: '', big | size }}",
        "{% for i in (1..5000) %}{% assign x = big | split: '' | sort | join: '' %}{% endfor %}",
    ],
)
def test_a_template_that_costs_too_much_fails(text: str) -> None:
    with pytest.raises(TemplateFailed, match="costs too much"):
        rendered(text, big="x" * 1000)


@pytest.mark.parametrize(
    "text",
    [
        "{% if %}",
        "{{ person.x",
        "{% include 'x' %}",
        "{{ 'a' | nofilter }}",
        "{% capture x %}" * 30,
    ],
)
def test_what_is_no_template_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(InputError) as refused:
        Template(text, "steps.call.body")
    assert refused.value.field == "steps.call.body"


def test_a_failure_holds_no_value() -> None:
    with pytest.raises(TemplateFailed) as failed:
        rendered("{{ person.phone | divided_by: 0 }}", person={"phone": "5511999"})
    assert "5511999" not in failed.value.why


@pytest.mark.parametrize(
    "text",
    [
        "{{ person.attributes.plan | sum }}",
        "{{ person.attributes.points | plus: true }}",
        "{{ person.attributes.points | modulo: person.attributes.plan }}",
        "{{ person.attributes | compact: person.attributes.points }}",
        "{{ person.attributes.plan | uniq: person.attributes.huge }}",
    ],
)
def test_whatever_a_filter_meets_is_one_persons_failure(text: str) -> None:
    """Never an error of ours, which would end the worker and come again with the next one."""
    held = {"plan": "gold", "points": 1e300, "huge": 10**400}
    with pytest.raises(TemplateFailed):
        Template(text, "body").render({"person": {"attributes": held}}, NOW)
