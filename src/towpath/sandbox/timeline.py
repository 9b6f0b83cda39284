"""What will happen later, in order of its time, done when the clock has passed it."""

import heapq
from typing import Generic, TypeVar

T = TypeVar("T")


class Timeline(Generic[T]):
    """Effects waiting for their moment. Two of the same moment come out as they were put in."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, T]] = []
        self._count = 0
        self._latest = 0.0

    def put(self, at: float, effect: T) -> float:
        """Let `effect` be due once the clock shows `at` or later; gives `at` back."""
        self._count += 1
        heapq.heappush(self._waiting, (at, self._count, effect))
        self._latest = max(self._latest, at)
        return at

    def due(self, now: float) -> tuple[float, T] | None:
        """Take out the first effect that is due at `now`, with its moment."""
        if self._waiting and self._waiting[0][0] <= now:
            at, _, effect = heapq.heappop(self._waiting)
            return at, effect
        if not self._waiting:
            self._latest = 0.0
        return None

    def settled_at(self, now: float) -> float:
        """When the last waiting effect will be due; `now` if none waits."""
        return max(now, self._latest) if self._waiting else now

    def waiting(self) -> list[tuple[float, T]]:
        """All that waits, in order."""
        return [(at, effect) for at, _, effect in sorted(self._waiting, key=lambda one: one[:2])]
