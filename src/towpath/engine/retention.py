"""Retention: what people did long ago is dropped, by whole days of receipt, and so are the ids that
their events came with.

A day is never dropped before every intake that waits for events has read it. Filters that look
further back than events are kept find nothing there (docs/operate.md, `events_kept_days`).
"""

from dataclasses import dataclass
from datetime import timedelta

from towpath import telemetry
from towpath.clock import Instant
from towpath.limits import SEEN_FORGOTTEN
from towpath.store import events
from towpath.store.database import Db
from towpath.telemetry import Event

EVERY = timedelta(hours=1)


@dataclass(slots=True)
class Retention:
    """The service; any number of workers may run one. Events are kept for `kept` at least."""

    db: Db
    kept: timedelta
    _rests_until: Instant | None = None

    def tick(self, now: Instant) -> bool:
        """Drop one day, or forget SEEN_FORGOTTEN ids; says whether more may wait now. Looks once
        in EVERY."""
        if self._rests_until is not None and now < self._rests_until:
            return False
        before = now - self.kept
        if (day := events.drop_day_before(self.db, before)) is not None:
            telemetry.tell(Event.EVENTS_DROPPED, day=day.isoformat())
            return True
        if events.forget_seen(self.db, before, SEEN_FORGOTTEN) == SEEN_FORGOTTEN:
            return True
        self._rests_until = now + EVERY
        return False
