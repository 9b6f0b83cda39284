"""The settler: takes answers off the couriers and settles them, many to a transaction.

It waits until SETTLE_REQUESTS_MAX answers are there, or the oldest is 50 ms old (the loop decides
when to tick); then each audience's answers go in one transaction.
"""

from collections import deque
from dataclasses import dataclass, field
from random import Random

from towpath.clock import Instant
from towpath.engine import scopes
from towpath.engine.courier import Answered
from towpath.engine.settle import settle
from towpath.ids import AudienceId
from towpath.ledger.windows import Windows
from towpath.limits import SETTLE_REQUESTS_MAX
from towpath.store.database import Db


@dataclass(slots=True)
class Settler:
    """The service that settles this worker's answers."""

    db: Db
    windows: Windows
    chance: Random
    inbox: deque[Answered] = field(default_factory=deque)
    changes: scopes.Changes = field(default_factory=scopes.Changes)

    def tick(self, now: Instant) -> bool:
        """Settle up to SETTLE_REQUESTS_MAX answers; `now` was read after they came."""
        batch = [self.inbox.popleft() for _ in range(min(len(self.inbox), SETTLE_REQUESTS_MAX))]
        by_audience: dict[AudienceId, list[Answered]] = {}
        for one in batch:
            by_audience.setdefault(one.claimed.route.audience, []).append(one)
        try:
            scopes.rest(self.db, batch, now, self.windows, self.changes)
            while by_audience:
                audience, answered = next(iter(by_audience.items()))
                app = answered[0].claimed.route.app
                settle(self.db, audience, app, answered, now, self.windows, self.chance)
                del by_audience[audience]
        finally:
            # What could not be written is settled at the next tick.
            self.inbox.extendleft(one for rest in by_audience.values() for one in rest)
        return bool(self.inbox)
