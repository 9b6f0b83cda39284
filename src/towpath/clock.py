"""Time as an argument.

Nothing in Towpath asks the time by itself: a loop reads the database's clock once a tick
(`store/clock.py`) and hands `now` on, so that tests and the simulator can jump by hours.
Durations are measured on the monotonic clock of the process.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Instant: TypeAlias = datetime
"""A moment, always with a zone; stored and computed in UTC."""


def seconds(count: float) -> timedelta:
    """A span of `count` seconds."""
    return timedelta(seconds=count)


def instant(text: str) -> Instant:
    """Read an ISO 8601 moment. Raises ValueError when it is none or names no zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone; write for example {text}Z")
    return moment.astimezone(UTC)


@dataclass(slots=True)
class Stopwatch:
    """Goes on from a moment as time passes in this process."""

    begun: Instant
    _begun_at: float = field(default_factory=time.monotonic, init=False)

    def now(self) -> Instant:
        """The time; later than at the last call, if only by a microsecond."""
        found = self.begun + timedelta(seconds=time.monotonic() - self._begun_at)
        self._last = max(found, self._last + timedelta(microseconds=1))
        return self._last

    _last: Instant = field(default=datetime.min.replace(tzinfo=UTC), init=False)
