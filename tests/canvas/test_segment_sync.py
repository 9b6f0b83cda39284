"""A segment sync's file: read, written back, refused with the field's name."""

from typing import Any

import pytest

from towpath.canvas.segment_sync import ADD, REMOVE, SegmentSync
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.errors import InputError
from towpath.people.action import Action

PLAN: dict[str, Any] = {
    "sync": "Brazil",
    "segment": "brazil",
    "partner": "tiktok",
    "ad_account": "7",
    "audience": {"create": "brazil"},
    "fields": ["email", "phone"],
}


@pytest.mark.parametrize("more", [{}, {"schedule": {"daily": {"at": "03:00"}, "zone": "UTC"}}])
def test_read_and_written_back(more: dict[str, Any]) -> None:
    plan = SegmentSync.parse(PLAN | more)
    assert SegmentSync.parse(plan.to_data()) == plan
    add, remove = (plan.graph().steps[step] for step in (ADD, REMOVE))
    assert isinstance(add, AudienceSync)
    assert isinstance(remove, AudienceSync)
    assert (add.action, remove.action) == (Action.ADD, Action.REMOVE)
    assert add.audience == remove.audience


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"sync": None}, "sync"),
        ({"segment": None}, "segment"),
        ({"segmnt": "x"}, "segmnt"),
        ({"action": "remove"}, "action"),
        ({"fields": ["fax"]}, "fields[0]"),
        ({"audience": {"create": "a", "id": "1"}}, "audience"),
        ({"schedule": {"daily": {"at": "25:00"}, "zone": "UTC"}}, "schedule.daily.at"),
        ({"schedule": {"daily": {"at": "03:00"}, "zone": "local"}}, "schedule.zone"),
    ],
)
def test_refused_by_the_field(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as refused:
        SegmentSync.parse(PLAN | changed)
    assert refused.value.field == field


@pytest.mark.parametrize("data", [None, [], "text"])
def test_what_is_no_mapping_is_refused(data: object) -> None:
    with pytest.raises(InputError):
        SegmentSync.parse(data)
