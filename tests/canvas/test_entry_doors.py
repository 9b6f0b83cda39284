"""The doors of a Canvas: how they are written, and when time opens them."""

from typing import Any

import pytest

from towpath.canvas.entry import Entry, Limits
from towpath.clock import instant
from towpath.errors import InputError

DAILY = {"daily": {"at": "09:00"}, "zone": "UTC"}


@pytest.mark.parametrize(
    "data",
    [
        {"at": "launch", "reentry": "never"},
        {"at": "2026-03-01T09:00:00Z", "reentry": "never", "limits": {"per_run": 10}},
        {"schedule": DAILY, "end": "2026-04-01T00:00:00Z", "reentry": "always", "first": "a"},
        {
            "on": [{"event": "paid"}, {"consent": "granted"}],
            "start": "2026-03-01T00:00:00Z",
            "filter": {"consent": "granted"},
            "reentry": {"after": "7d"},
            "limits": {"per_hour": 5, "per_day": 9, "total": 100},
            "control": "5%",
            "key": "order",
            "context": ["total"],
            "exit_on": [{"event": "cancelled"}, {"filter": {"consent": "withdrawn"}}],
        },
        {"by": "api", "context": True, "control": "0.25%", "reentry": "never"},
    ],
)
def test_an_entry_reads_back_as_written(data: dict[str, Any]) -> None:
    entry = Entry.parse(data, "entry")
    assert entry.to_data() == data
    assert Entry.parse(entry.to_data(), "entry") == entry
    assert entry.has_door


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        ({"at": "launch", "on": [{"event": "a"}]}, "e", "at and on stand together"),  # D11
        ({"by": "email"}, "e.by", "api"),
        ({"at": "launch", "start": "2026-03-01T09:00:00Z"}, "e.start", "schedule, on, by"),
        ({"schedule": DAILY, "key": "order"}, "e.key", "on, by"),
        ({"schedule": DAILY, "context": True}, "e.context", "on, by"),
        ({"on": [{"event": "a"}], "limits": {"per_run": 5}}, "e.limits.per_run", "no runs"),
        ({"at": "launch", "limits": {"per_hour": 0}}, "e.limits.per_hour", "1 or more"),
        ({"at": "launch", "limits": {"per_minute": 5}}, "e.limits.per_minute", "per_hour"),
        ({"at": "launch", "control": "100%"}, "e.control", "below 100"),
        ({"at": "launch", "control": 5}, "e.control", "Write 5%"),
        ({"by": "api", "context": []}, "e.context", "names of properties"),
        ({"by": "api", "context": [""]}, "e.context[0]", "property"),
        ({"by": "api", "end": "2026-03-01"}, "e.end", "zone"),
        ({"by": "api", "exit_on": [{"event": ""}]}, "e.exit_on[0].event", "name"),
        (
            {"by": "api", "exit_on": [{"filter": {"consent": "granted"}}] * 2},
            "e.exit_on[1]",
            "one filter",
        ),
    ],
)
def test_what_is_refused(data: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        Entry.parse(data, "e")
    assert error.value.field == field
    assert said in str(error.value)


def test_when_time_opens_the_door() -> None:
    noon = instant("2026-03-01T12:00:00Z")
    assert not Entry.parse({}, "e").has_door  # D10
    assert Entry.parse({"at": "launch"}, "e").opens_at(noon) == noon
    assert Entry.parse({"by": "api"}, "e").opens_at(noon) is None
    daily = Entry.parse({"schedule": DAILY, "end": "2026-03-03T09:00:00Z"}, "e")
    morning = instant("2026-03-02T09:00:00Z")
    assert daily.opens_at(noon) == daily.opens_at(morning) == morning
    assert daily.opens_again(morning) is None
    later = Entry.parse({"schedule": DAILY, "start": "2026-05-01T09:00:00Z"}, "e")
    assert later.opens_at(noon) == instant("2026-05-01T09:00:00Z")


def test_limits_say_which_they_are() -> None:
    entry = Entry.parse({"at": "launch", "limits": {"per_run": 3, "total": 7}}, "e")
    assert entry.limits == Limits(per_run=3, total=7)
