"""What accepted calls do to the world once their moment has come, as plain data.

They are data, not closures, so that a sandbox which keeps its state on disk loses none of them.
"""

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from towpath.sandbox.records import Audience, Event

if TYPE_CHECKING:
    from towpath.sandbox.world import World

MADE_TOO_SMALL = "The audience size is less than {} after the operation."
_WORDS = {"REPLACE": "upload - replace", "APPEND": "upload - add", "REMOVE": "upload remove"}


class Made(msgspec.Struct, tag=True):
    """An audience is there."""

    audience: Audience

    def land(self, world: "World", at: float) -> None:
        """Put it in."""
        self.audience.history.append(Event("create", at))
        world.audiences[self.audience.audience_id] = self.audience


class Gone(msgspec.Struct, tag=True):
    """Audiences are deleted."""

    audience_ids: list[str]

    def land(self, world: "World", _at: float) -> None:
        """Take them out, with their members."""
        for audience_id in self.audience_ids:
            world.drop_audience(audience_id)


class Mapped(msgspec.Struct, tag=True):
    """People came to audiences, or left them: digests end to end, by audience and field."""

    action: str
    parts: list[tuple[str, str, bytes]]

    def land(self, world: "World", at: float) -> None:
        """A set add or delete; an audience that is gone by now is no error."""
        for audience_id, field, packed in self.parts:
            audience = world.audiences.get(audience_id)
            if audience is not None:
                audience.changed_at = max(audience.changed_at, at)
                change = world.membership.add if self.action == "add" else world.membership.remove
                change(audience_id, field, packed)


class Filed(msgspec.Struct, tag=True):
    """A Customer File's lines were processed. `first` is the file that made the audience."""

    audience_id: str
    action: str
    parts: dict[str, bytes]
    first: bool = False

    def land(self, world: "World", at: float) -> None:
        """Replace, append or remove; what would leave too few fails, and says so."""
        audience = world.audiences.get(self.audience_id)
        if audience is None:
            return
        after = world.membership.after(self.audience_id, self.action, self.parts)
        least = world.rules.usable_size
        if not self.first and world.matched(after) < least:
            audience.error_msg = MADE_TOO_SMALL.format(f"{least:,}")
            audience.history.append(Event(_WORDS[self.action], at, audience.error_msg))
            return
        world.membership.put(self.audience_id, after)
        audience.changed_at, audience.error_msg = max(audience.changed_at, at), None
        if not self.first:
            audience.history.append(Event(_WORDS[self.action], at))


class Grown(msgspec.Struct, tag=True):
    """A lookalike was computed: this many people."""

    audience_id: str
    size: int
    action: str

    def land(self, world: "World", at: float) -> None:
        """Set its size."""
        audience = world.audiences.get(self.audience_id)
        if audience is not None:
            audience.planted_size, audience.changed_at = self.size, at
            if self.action != "create":
                audience.history.append(Event(self.action, at))


Effect: TypeAlias = Made | Gone | Mapped | Filed | Grown
