"""What will happen later: acts in order of their time, done when the clock has passed them."""

import heapq
from collections.abc import Callable


class Timeline:
    """Acts waiting for their moment. Two of the same moment are done in the order they came in."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._latest = 0.0

    def put(self, at: float, act: Callable[[], None]) -> float:
        """Do `act` once the clock shows `at` or later; gives `at` back."""
        self._count += 1
        heapq.heappush(self._waiting, (at, self._count, act))
        self._latest = max(self._latest, at)
        return at

    def reach(self, now: float) -> None:
        """Do everything that is due at `now`."""
        while self._waiting and self._waiting[0][0] <= now:
            heapq.heappop(self._waiting)[2]()
        if not self._waiting:
            self._latest = 0.0

    def settled_at(self, now: float) -> float:
        """When the last waiting act will be done; `now` if none waits."""
        return max(now, self._latest) if self._waiting else now
