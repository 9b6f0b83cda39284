"""What a kind of step is to the engine.

A step's file is asked twice. When people come, `arrive` says until when they stand there; when that
time has come, `perform` gets them and returns outcomes: which edge, and who. The engine divides and
writes. A step never loops over people; it may read, and write what is its own, in the transaction
that moves them.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Protocol

from towpath.canvas.delays import due_bucket
from towpath.clock import Instant
from towpath.ledger.windows import Windows
from towpath.people.people_set import PeopleSet
from towpath.store.database import Db
from towpath.store.waves import Stand

STAYS = "(stays)"
"""The edge of people who stand on where they are: no step's own, and counted nowhere."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Where people come to, or stand, and the time."""

    db: Db
    stand: Stand
    now: Instant


@dataclass(frozen=True, slots=True)
class Moment(Presence):
    """What a step may know when it performs."""

    windows: Windows


@dataclass(frozen=True, slots=True)
class Waiting:
    """These people stand at the step until `due_at`."""

    due_at: Instant
    members: PeopleSet


@dataclass(frozen=True, slots=True)
class Outcome:
    """These people leave by this edge; where it leads stands in the graph. By STAYS they stand on:
    `arrive` is asked again."""

    edge: str
    members: PeopleSet


class StepKind(Protocol):
    """A kind of step; `settings` is its own frozen dataclass of `canvas/steps`."""

    hand: ClassVar[str] = "advance"
    """Which service moves the waves that stand at such a step (wave.hand)."""

    def stay(self, settings: Any) -> timedelta:  # noqa: ARG002 - a kind that waits says how long
        """How long people stand at the step before it performs; most perform as people come."""
        return timedelta()

    def arrive(self, presence: Presence, settings: Any, members: PeopleSet) -> list[Waiting]:
        """Until when each of these people stands at the step: groups that share nobody, and
        together are `members`. Without a word of the kind: all of them for as long as `stay`."""
        return [Waiting(due_bucket(presence.now, self.stay(settings)), members)]

    def perform(self, moment: Moment, settings: Any, members: PeopleSet) -> list[Outcome]:
        """Do what the step does. Outcomes share nobody, and together they are `members`."""
        ...
