"""Paths and delays as they are written: read strictly, said back equal, findings with the sum."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from towpath.canvas.findings import Level
from towpath.canvas.graph import from_data, to_data
from towpath.canvas.surroundings import Surroundings
from towpath.canvas.untils import UntilClock, UntilDate, parse_until
from towpath.canvas.validate import validate
from towpath.clock import Instant, instant
from towpath.errors import InputError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VIP = {"name": "vip", "if": {"attribute": "orders", "above": 3}, "next": "end"}
BUY = {"name": "bought", "on": [{"purchase": "any"}], "next": "end"}


def graph(step: dict[str, Any], **top: Any) -> Any:
    steps = {"step": step, "end": {"kind": "exit"}}
    return from_data(
        {"canvas": "X", "entry": {"at": "launch", "first": "step"}} | top | {"steps": steps}
    )


def codes(step: dict[str, Any]) -> set[str]:
    found = validate(graph(step), Surroundings(NOW, {}))
    return {one.code for one in found if one.level is Level.ERROR}


def lot(*weights: object, **further: Any) -> dict[str, Any]:
    paths = [{"name": f"p{place}", "weight": one} for place, one in enumerate(weights)]
    return {"kind": "experiment_paths", "paths": paths} | further


@pytest.mark.parametrize(
    "step",
    [
        {"kind": "delay", "until": "09:00", "zone": "Europe/Lisbon", "next": "end"},
        {"kind": "delay", "until": "2026-03-01T09:00:00Z"},
        {"kind": "delay", "until": {"weekday": "mon", "at": "09:30"}, "zone": "local"},
        {"kind": "delay", "until": {"days": 0, "at": "23:59"}},
        {"kind": "delay", "until": {"attribute": "renewal", "minus": "3d"}, "missing": "next"},
        {"kind": "audience_paths", "paths": [VIP], "else": "end"},
        {"kind": "action_paths", "paths": [BUY], "within": "2d", "ranked": True},
        lot(33.33, 33.33, 33.34, sticky=False),
        lot(90, control={"weight": 10, "next": "end"}),
    ],
)
def test_what_is_read_is_said_back_equal(step: dict[str, Any]) -> None:
    found = graph(step)
    assert from_data(to_data(found)) == found
    assert codes(step) == set()


@pytest.mark.parametrize(
    ("step", "field"),
    [
        ({"kind": "delay", "for": -1}, "steps.step.for"),
        ({"kind": "delay", "for": "0s"}, "steps.step.for"),
        ({"kind": "delay", "for": "soon"}, "steps.step.for"),
        ({"kind": "delay", "for": "3650d"}, "steps.step.for"),
        ({"kind": "delay", "for": "1d", "until": "09:00"}, "steps.step"),
        ({"kind": "delay", "until": "25:00"}, "steps.step.until"),
        ({"kind": "delay", "until": "09:00", "zone": "Mars/Base"}, "steps.step.zone"),
        ({"kind": "delay", "for": "1d", "zone": "UTC"}, "steps.step.zone"),
        ({"kind": "delay", "until": "09:00", "missing": "next"}, "steps.step.missing"),
        ({"kind": "delay", "until": {"weekday": "may", "at": "09:00"}}, "steps.step.until.weekday"),
        ({"kind": "delay", "until": {"attribute": "country"}}, "steps.step.until.attribute"),
        ({"kind": "audience_paths", "paths": [VIP, VIP]}, "steps.step.paths[1].name"),
        ({"kind": "audience_paths", "paths": [VIP | {"name": "else"}]}, "steps.step.paths[0].name"),
        ({"kind": "audience_paths", "paths": [VIP] * 8}, "steps.step.paths"),
        ({"kind": "action_paths", "paths": [BUY], "within": "32d"}, "steps.step.within"),
        (
            {"kind": "action_paths", "paths": [BUY | {"on": [{"segment": "x"}]}]},
            "steps.step.paths[0].on[0]",
        ),
        (lot(-10, 110), "steps.step.paths[0].weight"),
        (lot("50", "50"), "steps.step.paths[0].weight"),
        (lot(33.333, 66.667), "steps.step.paths[0].weight"),
        (lot(20, 20, 20, 20, 20), "steps.step.paths"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(step: dict[str, Any], field: str) -> None:
    """D20 to D31."""
    with pytest.raises(InputError) as caught:
        graph(step)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"kind": "delay"}, "delay_missing"),
        ({"kind": "delay", "until": "2099-01-01T00:00:00Z"}, "delay_far"),
        ({"kind": "audience_paths"}, "paths_missing"),
        ({"kind": "audience_paths", "paths": [{"name": "vip"}]}, "condition_missing"),
        ({"kind": "action_paths", "paths": [{"name": "vip"}]}, "action_missing"),
        (lot(50, 40), "weights_wrong"),
        (lot(60, 50), "weights_wrong"),
        (lot(100), "paths_missing"),
    ],
)
def test_findings(step: dict[str, Any], code: str) -> None:
    assert codes(step) == {code}


def test_the_sum_of_the_weights_is_shown() -> None:
    found = validate(graph(lot(50, 40.5)), Surroundings(NOW, {}))
    assert found[0].message == "The weights are 50 + 40.5 = 90.5, not 100."


def test_a_moment_that_is_over_is_a_warning() -> None:
    found = validate(
        graph({"kind": "delay", "until": "2020-01-01T00:00:00Z", "next": "end"}),
        Surroundings(NOW, {}),
    )
    assert [(one.code, one.level) for one in found] == [("delay_past", Level.WARNING)]


@pytest.mark.parametrize(
    ("until", "now", "due"),
    [
        (UntilClock(time(2, 30)), "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
        (UntilClock(time(2, 30)), "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
        (UntilClock(time(12)), "2026-07-01T10:00:00Z", "2026-07-01T10:00:00Z"),
        (UntilClock(time(12)), "2026-07-01T10:00:01Z", "2026-07-02T10:00:00Z"),
        (UntilClock(time(9), weekday=2), "2026-07-01T10:00:00Z", "2026-07-08T07:00:00Z"),
        (UntilClock(time(9), weekday=3), "2026-07-01T10:00:00Z", "2026-07-02T07:00:00Z"),
        (UntilClock(time(9), days=2), "2026-03-28T12:00:00Z", "2026-03-30T07:00:00Z"),
        (UntilClock(time(9), days=0), "2026-07-01T10:00:00Z", "2026-07-01T10:00:00Z"),
    ],
)
def test_clocks_go_by_the_wall(until: UntilClock, now: str, due: str) -> None:
    """D27: 02:30 on the night that summer begins is 03:00; in autumn it is the first of two."""
    found: Instant = until.due(instant(now), "Europe/Berlin")
    assert found == instant(due)


def test_a_date_of_ones_own_moves_by_calendar_days() -> None:
    """Nine in the morning stays nine in the morning, though a night was an hour short."""
    until = parse_until({"attribute": "renewal", "minus": "2d", "at": "09:00"}, "until")
    assert isinstance(until, UntilDate)
    due = until.due_of_day(date(2026, 3, 30), "Europe/Berlin")
    assert due == instant("2026-03-28T08:00:00Z")


def test_goals_are_read_and_said_back() -> None:
    goals = [{"event": "order", "where": {"attribute": "total", "above": 3}, "within": "2d"}]
    found = graph({"kind": "exit"}, conversions=goals)
    assert to_data(found)["conversions"] == goals
    assert from_data(to_data(found)) == found
    for wrong in ([{"segment": "x"}], [{"event": "x", "within": "31d"}], goals * 5, {"event": "x"}):
        with pytest.raises(InputError):
            graph({"kind": "exit"}, conversions=wrong)
