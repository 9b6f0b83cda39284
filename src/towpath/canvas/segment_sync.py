"""A continuous segment sync: an audience kept equal to a segment, without a Canvas to draw.

Written in a file, it names a segment, an audience and the fields to match; when to look is a
schedule, or once a minute. Underneath it is a graph of two Audience Sync steps, one that adds and
one that removes, so that it has the same ledger, counters and findings as a Canvas.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from towpath.canvas.entry import Entry
from towpath.canvas.fields import Fields
from towpath.canvas.graph import Graph
from towpath.canvas.schedule import LOCAL, Schedule
from towpath.canvas.steps.audience_sync import AudienceSync
from towpath.errors import InputError
from towpath.ids import StepId
from towpath.people.action import Action

ADD, REMOVE = StepId("add"), StepId("remove")
STEPS = {Action.ADD: ADD, Action.REMOVE: REMOVE}
_OF_STEP = ("partner", "ad_account", "audience", "fields")


@dataclass(frozen=True, slots=True)
class SegmentSync:
    """`add` says where people go and by which fields; `schedule` None: looked at once a minute."""

    name: str
    segment: str
    add: AudienceSync
    schedule: Schedule | None = None

    @classmethod
    def parse(cls, data: object) -> Self:
        """Read it from plain data. Raises InputError naming the field."""
        fields = Fields(
            {} if data is None else data, "", ("sync", "segment", *_OF_STEP, "schedule")
        )
        name, segment = fields.text("sync"), fields.text("segment")
        if name is None:
            raise InputError("the sync has no name.", remedy="Begin with sync: NAME.", field="sync")
        if segment is None:
            raise InputError("no segment is named.", remedy="Write segment: NAME.", field="segment")
        assert isinstance(data, Mapping)
        asked = {key: data[key] for key in _OF_STEP if key in data}
        add = AudienceSync.parse({"kind": AudienceSync.kind} | asked, "")
        return cls(name, segment, add, _schedule(fields.raw("schedule")))

    def to_data(self) -> dict[str, Any]:
        """As it is written; `parse` reads it back equal."""
        step = self.add.to_data()
        asked = {key: step[key] for key in _OF_STEP if key in step}
        when = {} if self.schedule is None else {"schedule": self.schedule.to_data()}
        return {"sync": self.name, "segment": self.segment} | asked | when

    def graph(self) -> Graph:
        """The two steps. People come to them from the segment, not by an entry."""
        written = self.add.to_data() | {"kind": AudienceSync.kind}
        steps = {
            step: AudienceSync.parse(written | {"action": action.name.lower()}, f"steps.{step}")
            for action, step in STEPS.items()
        }
        return Graph(self.name, Entry.parse(None, "entry"), dict(steps))


def _schedule(data: object) -> Schedule | None:
    found = None if data is None else Schedule.parse(data, "schedule")
    if found is not None and found.zone == LOCAL:
        raise InputError(
            "a segment is looked at as a whole, not zone by zone.",
            remedy="Name one zone, such as America/Sao_Paulo.",
            field="schedule.zone",
        )
    return found
