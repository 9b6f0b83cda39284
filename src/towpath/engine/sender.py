"""The sender: looks at audiences where somebody is due, and claims what may leave.

An audience is looked at when its oldest waiting arrival is five seconds old, or as soon as a full
request waits; those that have waited longest come first, so that a large audience cannot starve a
small one. Committed claims lie in `outbox` for the couriers.
"""

from collections import deque
from dataclasses import dataclass, field

from towpath.clock import Instant, seconds
from towpath.engine.claim import Claimant, Claimed, claim
from towpath.engine.file_claim import claim_update
from towpath.store import audiences, ledgers
from towpath.store.audiences import Route
from towpath.store.database import Db

LOOK_MAX = 16
CLOSED_LOOK_S = 5.0


@dataclass(slots=True)
class Sender:
    """The service that claims; any number of workers may run one."""

    db: Db
    claimant: Claimant
    outbox: deque[Claimed] = field(default_factory=deque)

    def tick(self, now: Instant) -> bool:
        """Claim for one audience; says whether something was claimed."""
        waiting = ledgers.to_look_at(self.db, now, LOOK_MAX)
        routes = audiences.routes(self.db, waiting)
        for audience in waiting:
            route = routes[audience]
            if not route.open_at(now):
                ledgers.postpone(self.db, audience, _closed_until(route, now))
                continue
            way = claim_update if route.by_files else claim
            claimed = way(self.db, route, self.claimant, now)
            if claimed:
                self.outbox.extend(claimed)
                return True
        return False


def _closed_until(route: Route, now: Instant) -> Instant:
    """When a closed route is looked at again: after its pause; a broken connection wakes its
    audiences itself, once it is mended."""
    pauses = (route.ad_account_paused_until, route.app_paused_until)
    ends = [until for until in pauses if until is not None and until > now]
    return max(ends, default=now + seconds(CLOSED_LOOK_S))
