"""Limits: how many calls may come in any sliding second.

Half open: with a limit of 50, a call at t is too much when 50 were let in during (t - 1, t].
Calls that are refused for coming too fast do not count against the next ones (our choice).
"""

from collections import deque
from collections.abc import Hashable, Iterable

SPAN_S = 1.0


class Windows:
    """Times of the calls let in during the last second, by scope."""

    def __init__(self) -> None:
        self._times: dict[Hashable, deque[float]] = {}

    def full(self, scope: Hashable, limit: int, at: float) -> bool:
        """Has the scope no room for one more call at `at` (epoch seconds)?"""
        times = self._times.get(scope)
        # A time far ahead means that the clock was set back: it says nothing about this second.
        while times and not at - SPAN_S < times[0] <= at + SPAN_S:
            times.popleft()
        return len(times or ()) >= limit

    def let_in(self, scopes: Iterable[Hashable], at: float) -> None:
        """Count one call in every scope."""
        for scope in scopes:
            self._times.setdefault(scope, deque()).append(at)


def busiest_second(times: Iterable[float]) -> int:
    """The most arrivals in any half-open second [t, t + 1)."""
    ordered = sorted(times)
    most = first = 0
    for last, at in enumerate(ordered):
        while ordered[first] <= at - SPAN_S:
            first += 1
        most = max(most, last - first + 1)
    return most
