"""How often one address may come back from a consent page: a person does it once or twice, a script
that guesses states does it by the thousand. Counted in this process, before anything else is done.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from threading import Lock

from towpath.clock import Instant, seconds
from towpath.limits import CALLBACKS_ADDRESSES_KEPT, CALLBACKS_MAX, CALLBACKS_S


@dataclass(slots=True)
class CallbackPace:
    """At most CALLBACKS_MAX in CALLBACKS_S seconds from one address. Whoever came longest ago is
    forgotten first when too many addresses are known."""

    _came: OrderedDict[str, deque[Instant]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def allows(self, address: str, now: Instant) -> bool:
        """May this address come now? Counts it if so."""
        with self._lock:
            came = self._came.setdefault(address, deque())
            self._came.move_to_end(address)
            if len(self._came) > CALLBACKS_ADDRESSES_KEPT:
                self._came.popitem(last=False)
            while came and came[0] <= now - seconds(CALLBACKS_S):
                came.popleft()
            if len(came) >= CALLBACKS_MAX:
                return False
            came.append(now)
            return True
