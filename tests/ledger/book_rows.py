"""The rows of the book that is kept in memory: requests, and people stopped in a claim."""

from dataclasses import dataclass, field

from towpath.clock import Instant
from towpath.ledger.events import SetByField, Settling
from towpath.ledger.windows import OpenWindow
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people

Fields = tuple[MatchField, ...]


@dataclass(slots=True)
class Request:
    """A request's row. `settling`: None while it is in flight. `sent`: the keys in its body."""

    id: int
    action: Action
    fields: Fields
    members: PeopleSet
    sharing: PeopleSet
    coholders: PeopleSet
    omitted: SetByField
    started_at: Instant
    lease_until: Instant
    tries: int
    sent: frozenset[str] = frozenset()
    found_keyless: SetByField = field(default_factory=dict)
    settling: Settling | None = None
    window_end: Instant | None = None
    retry_at: Instant | None = None
    changed: PeopleSet = field(default_factory=people)
    heirs: PeopleSet = field(default_factory=people)

    def window(self) -> OpenWindow:
        """What a contrary request must know of it."""
        end = self.window_end or self.started_at
        return OpenWindow(self.action, self.fields, self.members | self.heirs, self.omitted, end)


@dataclass(frozen=True, slots=True)
class Stopped:
    """People whose every key was left out of a claim, so that nothing is sent for them."""

    action: Action
    fields: Fields
    members: PeopleSet
