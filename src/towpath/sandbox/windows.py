"""Limits: how many calls may come in any sliding second, in any minute, and in a day.

Half open: with a limit of 50, a call at t is too much when 50 were let in during (t - 1, t].
Calls that are refused for coming too fast do not count against the next ones (our choice). After
too many in a minute a caller waits five minutes, after too many in a day until midnight GMT
(documented); after too many in a second TikTok does not say: here for that second.
"""

from collections import deque
from collections.abc import Hashable, Iterable

SPAN_S = 1.0
MINUTE_S = 60.0
DAY_S = 86_400


class Windows:
    """Times of the calls let in lately, by scope."""

    def __init__(self) -> None:
        self._times: dict[tuple[Hashable, float], deque[float]] = {}
        self._days: dict[Hashable, tuple[int, int]] = {}
        self._locked: dict[Hashable, float] = {}

    def full(self, scope: Hashable, limit: int, at: float, span_s: float = SPAN_S) -> bool:
        """Has the scope no room for one more call at `at` (epoch seconds) within the span?"""
        times = self._times.get((scope, span_s))
        # A time far ahead means that the clock was set back: it says nothing about this second.
        while times and not at - span_s < times[0] <= at + span_s:
            times.popleft()
        return len(times or ()) >= limit

    def locked(self, scope: Hashable, *, minute: int, day: int, lockout_s: int, at: float) -> bool:
        """Is the scope locked out, or is it now, for having had so many in a minute or a day?"""
        until = self._locked.get(scope, 0.0)
        if at < until <= at + max(lockout_s, DAY_S):
            return True
        if self.full(scope, minute, at, MINUTE_S):
            self._locked[scope] = at + lockout_s
            return True
        today = int(at // DAY_S)
        counted, count = self._days.get(scope, (today, 0))
        if counted == today and count >= day:
            self._locked[scope] = (today + 1) * float(DAY_S)
            return True
        return False

    def let_in(self, scopes: Iterable[Hashable], at: float, span_s: float = SPAN_S) -> None:
        """Count one call in every scope."""
        for scope in scopes:
            self._times.setdefault((scope, span_s), deque()).append(at)

    def let_in_long(self, scope: Hashable, at: float) -> None:
        """Count one call in the scope's minute and day."""
        self.let_in([scope], at, MINUTE_S)
        today = int(at // DAY_S)
        counted, count = self._days.get(scope, (today, 0))
        self._days[scope] = (today, count + 1 if counted == today else 1)


def busiest_second(times: Iterable[float]) -> int:
    """The most arrivals in any half-open second [t, t + 1)."""
    ordered = sorted(times)
    most = first = 0
    for last, at in enumerate(ordered):
        while ordered[first] <= at - SPAN_S:
            first += 1
        most = max(most, last - first + 1)
    return most
