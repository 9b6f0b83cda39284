"""What a kind of step is to the engine.

A step's file gets the people who stand at it and returns outcomes: which edge, and who. The engine
divides and writes. A step never loops over people; it may read, and write what is its own, in the
transaction that moves them.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from towpath.clock import Instant
from towpath.ledger.windows import Windows
from towpath.people.people_set import PeopleSet
from towpath.store.database import Db
from towpath.store.waves import Stand


@dataclass(frozen=True, slots=True)
class Moment:
    """What a step may know: the database, where the people stand, and the time."""

    db: Db
    stand: Stand
    now: Instant
    windows: Windows


@dataclass(frozen=True, slots=True)
class Outcome:
    """These people leave by this edge; where it leads stands in the graph."""

    edge: str
    members: PeopleSet


class StepKind(Protocol):
    """A kind of step; `settings` is its own frozen dataclass of `canvas/steps`."""

    def stay(self, settings: Any) -> timedelta:
        """How long people stand at the step before it performs."""
        ...

    def perform(self, moment: Moment, settings: Any, members: PeopleSet) -> list[Outcome]:
        """Do what the step does. Outcomes share nobody, and together they are `members`."""
        ...
