"""A clock that runs by itself and can be set, advanced and stopped from outside."""

from collections.abc import Callable


class SettableClock:
    """Epoch seconds from `source`, shifted; a call gives the present time."""

    def __init__(self, source: Callable[[], float]) -> None:
        self._source = source
        self._shift = 0.0
        self._stopped_at: float | None = None

    def __call__(self) -> float:
        """The present time in epoch seconds."""
        if self._stopped_at is not None:
            return self._stopped_at
        return self._source() + self._shift

    def set(self, at: float) -> None:
        """Make it `at` now; whether it runs does not change."""
        if self._stopped_at is not None:
            self._stopped_at = at
        self._shift = at - self._source()

    def advance(self, span_s: float) -> None:
        """Go on by `span_s` seconds at once."""
        self.set(self() + span_s)

    def stop(self) -> None:
        """Stand still until `run`; `set` and `advance` still move it."""
        self._stopped_at = self()

    def run(self) -> None:
        """Go on from the time it shows."""
        at = self()
        self._stopped_at = None
        self.set(at)

    @property
    def shift_s(self) -> float:
        """How far it is ahead of its source."""
        return self() - self._source()

    @shift_s.setter
    def shift_s(self, shift_s: float) -> None:
        self.set(self._source() + shift_s)

    @property
    def stopped(self) -> bool:
        """Does it stand still?"""
        return self._stopped_at is not None
