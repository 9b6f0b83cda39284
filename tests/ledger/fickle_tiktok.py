"""A TikTok that behaves as badly as it may: accepted is not applied, and order is nobody's promise.

It keeps its membership to itself; only the end of a story looks at it.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from tests.ledger.person_model import ADD


@dataclass
class FickleTikTok:
    """Accepts keys, and applies each at any time within P, in any order. Membership is its own."""

    processing: timedelta
    chance: Random
    members: set[str] = field(default_factory=set)
    effects: list[tuple[datetime, float, str, str]] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)

    def accept(self, action: str, keys: Iterable[str], at: datetime) -> None:
        """Keys were accepted; their effects come now, soon, or as late as allowed."""
        for key in sorted(keys):
            part = self.chance.choice([0, 0, 0.0001, self.chance.random(), 0.99999])
            when = at + self.processing * part
            heapq.heappush(self.effects, (when, self.chance.random(), action, key))
            if action == ADD:
                self.accepted.add(key)

    def pass_to(self, now: datetime) -> None:
        """Let everything take effect whose time has come."""
        while self.effects and self.effects[0][0] <= now:
            _, _, action, key = heapq.heappop(self.effects)
            (self.members.add if action == ADD else self.members.discard)(key)
