"""Findings: all of them, each with its place."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from towpath.canvas.findings import Finding, Level, findings_data, findings_text, launchable
from towpath.canvas.graph import from_data
from towpath.canvas.parse import read_data
from towpath.canvas.surroundings import PartnerView, Surroundings
from towpath.canvas.validate import validate

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT = "7000000000000000001"
VIEW = PartnerView(
    ready=True,
    ad_accounts=frozenset({ACCOUNT}),
    audience_refs=frozenset({(ACCOUNT, "77")}),
    audience_names=frozenset({(ACCOUNT, "old")}),
)
AROUND = Surroundings(NOW, {"tiktok": VIEW})


def canvas() -> Any:
    return read_data(f"""
canvas: Winback
entry: {{at: launch, first: wait}}
steps:
  wait: {{kind: delay, for: 5s, next: split}}
  split: {{kind: decision_split, if: {{attribute: orders, at_least: 1}}, yes: add, no: leave}}
  add:
    kind: audience_sync
    partner: tiktok
    ad_account: "{ACCOUNT}"
    audience: {{create: winback}}
    fields: [email]
    next: later
  later: {{kind: delay, for: 1d, next: remove}}
  remove:
    kind: audience_sync
    partner: tiktok
    ad_account: "{ACCOUNT}"
    audience: {{create: winback}}
    action: remove
    fields: [email]
  leave: {{kind: exit}}
""")


def found(data: Any, around: Surroundings = AROUND) -> list[tuple[str, str]]:
    return [(one.code, one.place) for one in validate(from_data(data), around)]


def changed(path: str, value: Any) -> Any:
    """The Canvas with one place changed; None takes it away."""
    data = canvas()
    *above, last = path.split(".")
    part = data
    for key in above:
        part = part[key]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return data


def test_a_good_canvas_has_no_findings() -> None:
    assert found(canvas()) == []


# When no step adds to it, the audience that the removal names does not exist.
CUT_OFF = [
    ("unreachable", f"steps.{step}") for step in ("add", "later", "leave", "remove", "split")
]
GONE = ("audience_not_created", "steps.remove.audience.create")
TOO_LONG = ("audience_name_long", "steps.add.audience.create")
CHANGES: list[tuple[str, Any, list[tuple[str, str]]]] = [
    ("entry", None, [("entry_time_missing", "entry.at"), ("first_missing", "entry.first")]),
    ("entry.at", "2026-03-01T11:59:59Z", [("entry_time_past", "entry.at")]),  # D25
    ("entry.at", "2026-03-01T12:00:00Z", []),
    ("entry.first", "wiat", [("step_unknown", "entry.first")]),
    ("steps", None, [("step_unknown", "entry.first"), ("no_steps", "steps")]),  # D09
    ("steps.wait.for", None, [("delay_missing", "steps.wait.for")]),
    ("steps.split.if", None, [("condition_missing", "steps.split.if")]),
    ("steps.split.no", None, [("unreachable", "steps.leave")]),  # D17
    (
        "steps.split.no",
        "gone",
        [("step_unknown", "steps.split.no"), ("unreachable", "steps.leave")],
    ),
    ("steps.wait.next", "gone", [("step_unknown", "steps.wait.next"), *CUT_OFF]),  # D13
    ("steps.wait.next", "wait", [("loop", "steps.wait.next"), *CUT_OFF]),  # D14
    ("steps.remove.next", "wait", [("loop", "steps.remove.next")]),  # D15, D16
    ("steps.add.partner", None, [("partner_missing", "steps.add.partner"), GONE]),
    ("steps.add.partner", "tiktik", [("partner_unknown", "steps.add.partner"), GONE]),
    ("steps.add.ad_account", None, [("ad_account_missing", "steps.add.ad_account"), GONE]),
    ("steps.add.ad_account", "7", [("ad_account_unknown", "steps.add.ad_account"), GONE]),  # D50
    ("steps.add.audience", None, [("audience_missing", "steps.add.audience"), GONE]),
    ("steps.add.audience", {"id": "78"}, [("audience_unknown", "steps.add.audience.id"), GONE]),
    ("steps.add.audience", {"id": "77"}, [GONE]),
    (
        "steps.add.audience.create",
        "x" * 71,
        [("audience_name_long", "steps.add.audience.create"), GONE],
    ),
    ("steps.add.audience.create", "é" * 70, [GONE]),
    ("steps.add.fields", None, [("fields_missing", "steps.add.fields")]),
    ("steps.add.audience.create", "old", [GONE]),
    ("steps.remove.audience", {"create": "old"}, []),
    ("steps.remove.audience", {"id": "77"}, []),
]


@pytest.mark.parametrize(("path", "value", "expected"), CHANGES)
def test_each_mistake_is_its_own_finding(
    path: str, value: Any, expected: list[tuple[str, str]]
) -> None:
    assert found(changed(path, value)) == expected


def test_a_removal_needs_an_audience_that_exists() -> None:
    data = changed("steps.add.action", "remove")
    assert found(data) == [
        ("audience_not_created", "steps.add.audience.create"),
        ("audience_not_created", "steps.remove.audience.create"),
    ]


def test_an_empty_step_names_all_that_the_document_asks_for() -> None:  # D47
    data = {"canvas": "A", "entry": {"at": "launch", "first": "a"}}
    nothing = {"a": {"kind": "audience_sync"}}
    assert found(data | {"steps": nothing}) == [
        ("partner_missing", "steps.a.partner"),
        ("ad_account_missing", "steps.a.ad_account"),
        ("audience_missing", "steps.a.audience"),
        ("fields_missing", "steps.a.fields"),
    ]
    chosen = {"a": {"kind": "audience_sync", "partner": "tiktok"}}
    assert found(data | {"steps": chosen}, Surroundings(NOW, {"tiktok": None}))[0] == (
        "not_connected",
        "steps.a.partner",
    )
    broken = Surroundings(NOW, {"tiktok": replace(VIEW, ready=False)})
    assert found(data | {"steps": chosen}, broken)[0] == ("connection_broken", "steps.a.partner")


def test_findings_for_people_and_for_programs() -> None:
    data = changed("steps.split.no", "leav")
    findings = validate(from_data(data), AROUND)
    assert findings_text(findings) == [
        "error in steps.split.no: There is no step leav. Did you mean leave?",
        "warning in steps.leave: Nobody can reach this step. Let a step lead to it, or delete it.",
    ]
    assert json.loads(json.dumps(findings_data(findings)))[0] == {
        "code": "step_unknown",
        "level": "error",
        "step": "split",
        "field": "no",
        "message": "There is no step leav.",
        "hint": "Did you mean leave?",
        "place": "steps.split.no",
    }
    assert not launchable(findings)
    assert launchable([Finding("unreachable", Level.WARNING, None, "steps", "", "")])


def test_a_loop_is_shown_whole() -> None:
    (finding,) = validate(from_data(changed("steps.remove.next", "wait")), AROUND)
    assert "wait → split → add → later → remove → wait" in finding.message
