"""The witness' memory: every call with its answer, and which keys were in flight at one time.

The log holds counts, codes and times, never a hash. Keys are held only while their request is
open, to see whether another request brings the same key meanwhile (I-19: one request in flight per
key, a key being audience, field and hash).
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from towpath.sandbox.call import Ending
from towpath.sandbox.envelope import RefusalError
from towpath.sandbox.mapping import Batch, MalformedError
from towpath.sandbox.membership import unpack
from towpath.sandbox.windows import busiest_second

LOG_ROWS_MAX = 200_000
ARRIVALS_MAX = 2_000_000
OVERLAPS_MAX = 1_000


@dataclass(slots=True)
class LogRow:
    """One call. `code` is TikTok's, None where no whole envelope left; times are epoch seconds;
    `applied` says what became of it: applied, late, dropped, or "" for a plain refusal or read."""

    number: int
    arrived: float
    app: str
    method: str
    path: str
    status: int = 0
    code: int | None = None
    request_id: str = ""
    fault: str = ""
    applied: Literal["applied", "dropped", "late", ""] = ""
    effect_at: float | None = None
    finished: float | None = None
    action: str = ""
    audiences: list[str] = field(default_factory=list)
    people: int = 0
    keys: int = 0


@dataclass(frozen=True, slots=True)
class Overlap:
    """A key that came in request `later` while `earlier` with the same key was still open."""

    audience: str
    field: str
    hash: str
    earlier: int
    later: int


class RequestLog:
    """The last calls, and counters over all of them."""

    def __init__(self) -> None:
        self.rows: deque[LogRow] = deque(maxlen=LOG_ROWS_MAX)
        self.answers: Counter[tuple[str, str]] = Counter()
        self.faults: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self._arrivals: deque[tuple[float, str, str]] = deque(maxlen=ARRIVALS_MAX)

    def arrive(self, row: LogRow) -> None:
        """Note that a call came, whatever becomes of it."""
        self.rows.append(row)
        self._arrivals.append((row.arrived, row.app, row.path))

    def answer(self, row: LogRow, ending: Ending) -> None:
        """Count the answer, once it is known, by its code, its HTTP status or its ending."""
        told = f"HTTP {row.status}" if row.code is None else str(row.code)
        self.answers[row.path, told if ending == "whole" else ending] += 1
        if row.fault:
            self.faults[row.fault] += 1

    def busiest_second(self, app: str = "", path: str = "") -> int:
        """The most arrivals in any half-open second, of one app or path, or of all."""
        return busiest_second(
            at
            for at, its_app, its_path in self._arrivals
            if app in {"", its_app} and path in {"", its_path}
        )

    def note(self, told: Batch | RefusalError) -> None:
        """Note what a careful caller never sends, taken by TikTok or refused (I-40, I-59)."""
        if isinstance(told, MalformedError):
            self.broken["a malformed mapping"] += 1
        elif isinstance(told, Batch):
            self.broken["a key twice in one request"] += told.doubles > 0
            self.broken["an id that is not SHA-256"] += any(
                name.endswith("_md5") for _, name in told.parts
            )


class InFlight:
    """The keys of the requests now open."""

    def __init__(self) -> None:
        self.found = 0
        self.overlaps: deque[Overlap] = deque(maxlen=OVERLAPS_MAX)
        self._open: dict[int, dict[tuple[str, str], set[bytes]]] = {}
        self._all: dict[tuple[str, str], set[bytes]] = {}
        self._entangled: set[int] = set()

    def begin(self, number: int, batch: Batch) -> None:
        """Open a request, and see whether it shares a key with another open one."""
        scopes = {scope: set(unpack(scope[1], part)) for scope, part in batch.parts.items()}
        for scope, keys in scopes.items():
            others = self._all.setdefault(scope, set())
            if not others.isdisjoint(keys):
                self._note(number, scope, keys)
            others |= keys
        self._open[number] = scopes

    def finish(self, number: int) -> None:
        """Close a request; one that is not open is no error."""
        for scope, keys in self._open.pop(number, {}).items():
            self._all[scope] -= keys
            if number in self._entangled:
                self._all[scope].update(*self._others(scope))
            if not self._all[scope]:
                del self._all[scope]
        self._entangled.discard(number)

    def _others(self, scope: tuple[str, str]) -> Iterable[set[bytes]]:
        return [scopes[scope] for scopes in self._open.values() if scope in scopes]

    def _note(self, number: int, scope: tuple[str, str], keys: set[bytes]) -> None:
        for earlier, scopes in self._open.items():
            shared = scopes.get(scope, set()) & keys
            if shared:
                self.found += len(shared)
                self._entangled |= {earlier, number}
                self.overlaps.extend(
                    Overlap(*scope, key.hex(), earlier, number) for key in sorted(shared)
                )
