"""What goes wrong on purpose, by name: WHAT, or WHAT_applied, WHAT_dropped, WHAT_late.

WHAT is an HTTP status of three digits (answered with an HTML page), a TikTok code of five,
`hang`, `reset`, `truncated`, `slow`, or one of the broken bodies in `_SHAPES`. The second word is
what became of the request itself: applied at once, dropped, or accepted later within
`Rules.acceptance_s`. Without it everything is dropped but `slow` and `ok`.
Classes and shapes: reliability, sections 5.4, 5.5 and 6.5.
"""

import random
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, cast

from towpath.sandbox.call import Reply

Fate: TypeAlias = Literal["applied", "dropped", "late"]

_JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html"}
_REASONS = {500: "Internal Server Error", 502: "Bad Gateway", 504: "Gateway Time-out"}
_QUOTED_ID = re.compile(rb'"(\d{15,20})"')
"""An id as text; `numbers` makes a number of it, as TikTok's samples sometimes do."""
_SHAPES: dict[str, Callable[[bytes], bytes]] = {
    "html": lambda _: _page(200),
    "empty": lambda _: b"",
    "null": lambda _: b"null",
    "list": lambda _: b"[]",
    "object": lambda _: b"{}",
    "garbage": lambda body: body + b"<!-- cut here -->",
    "text-code": lambda body: body.replace(b'"code":0', b'"code":"0"', 1),
    "no-code": lambda body: body.replace(b'"code":0,', b"", 1),
    "null-code": lambda body: body.replace(b'"code":0', b'"code":null', 1),
    "list-code": lambda body: body.replace(b'"code":0', b'"code":[0]', 1),
    "other-case": lambda body: body.replace(b'"code":0', b'"Code":0', 1),
    "two-codes": lambda body: body.replace(b'"code":0', b'"code":0,"code":50000', 1),
    "numbers": lambda body: _QUOTED_ID.sub(rb"\1", body),
    "utf16": lambda body: body.decode().encode("utf-16"),
}
_ENDINGS = {"hang", "reset", "truncated", "slow", "ok"}
_ALIASES = {"throttled": "40100_dropped"}

WEIGHTS: Mapping[str, float] = {
    **dict.fromkeys(["500_applied", "502_applied", "504_applied"], 1.0),
    **dict.fromkeys(["500_dropped", "502_dropped", "504_dropped"], 1.0),
    **dict.fromkeys(["500_late", "502_late", "504_late"], 1.0),
    **dict.fromkeys(["hang_applied", "hang_dropped", "hang_late"], 2.0),
    **dict.fromkeys(["reset_applied", "reset_dropped"], 2.0),
    **dict.fromkeys(["truncated_applied", "truncated_dropped"], 2.0),
    **dict.fromkeys(["50000_applied", "50000_dropped"], 2.0),
    **dict.fromkeys(["throttled", "40202", "60001", "slow"], 2.0),
}
"""The kinds that `Faults.rate` draws from, and how often against each other."""


def _page(status: int) -> bytes:
    title = f"{status} {_REASONS.get(status, 'Error')}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1>"
        "</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong: `what` the caller sees, `fate` of the request, and its full name."""

    name: str
    what: str
    fate: Fate

    @property
    def code(self) -> int | None:
        """The code that the caller reads; None if no whole envelope reaches it."""
        if self.what == "slow":
            return 0
        return int(self.what) if self.what.isdigit() and len(self.what) == 5 else None


def fault_named(name: str) -> Fault:
    """Read a fault's name. Raises ValueError for one that means nothing."""
    what, _, fate = _ALIASES.get(name, name).partition("_")
    digits = what.isascii() and what.isdigit()
    status = digits and len(what) == 3 and what[0] in "45"
    if not (status or (digits and len(what) == 5) or what in _ENDINGS or what in _SHAPES):
        raise ValueError(f"{name!r} is no fault; write for example 502_late, 40202 or hang_applied")
    fate = fate or ("applied" if what in {"slow", "ok"} else "dropped")
    if fate not in {"applied", "dropped", "late"} or (what in {"slow", "ok"} and fate != "applied"):
        raise ValueError(
            f"{name!r}: a request is applied, dropped or late; slow and ok are applied"
        )
    return Fault(name, what, cast("Fate", fate))


@dataclass(slots=True)
class Faults:
    """Which calls go wrong: first those scripted for a path, then `rate` of the mapping calls."""

    rate: float = 0.0
    weights: dict[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    drawn_on: frozenset[str] = frozenset({"segment/mapping/"})
    _every: dict[str, Fault] = field(default_factory=dict)
    _script: dict[str, deque[Fault]] = field(default_factory=dict)

    def script(self, names: Iterable[str], path: str) -> None:
        """Let the next calls of `path` that would succeed get these faults, one each."""
        faults = [fault_named(name) for name in names]
        self._script.setdefault(path, deque()).extend(faults)

    def hold(self, path: str, name: str) -> None:
        """Let every call of `path` that would succeed meet this fault; an empty name ends it.
        Raises ValueError."""
        if name:
            self._every[path] = fault_named(name)
        else:
            self._every.pop(path, None)

    def held(self) -> dict[str, str]:
        """The faults that every call of a path meets."""
        return {path: fault.name for path, fault in self._every.items()}

    def waiting(self) -> dict[str, list[str]]:
        """The scripted faults not yet met, by path."""
        return {path: [fault.name for fault in line] for path, line in self._script.items() if line}

    def set(self, rate: float, weights: Mapping[str, float] | None = None) -> None:
        """Change the rate (0 to 1) and, if given, the kinds and weights. Raises ValueError."""
        if not 0 <= rate <= 1:
            raise ValueError("rate must lie between 0 and 1")
        if weights is not None:
            for name in weights:
                fault_named(name)
            if not weights or min(weights.values()) < 0 or not sum(weights.values()):
                raise ValueError("weights must not be negative, and one must be above zero")
            self.weights = dict(weights)
        self.rate = rate

    def draw(self, path: str, dice: random.Random) -> Fault | None:
        """The fault for this call, or None."""
        line = self._script.get(path)
        if line:
            fault = line.popleft()
            return None if fault.what == "ok" else fault
        if path in self._every:
            return self._every[path]
        if path not in self.drawn_on or not dice.random() < self.rate:
            return None
        return fault_named(dice.choices(list(self.weights), list(self.weights.values()))[0])


def spoil(reply: Reply, fault: Fault, refuse: Callable[[int], bytes], slow_s: float) -> Reply:
    """The good reply as the fault leaves it; `refuse` writes the envelope of a code and `slow_s`
    is what `slow` adds to the delay."""
    reply = replace(reply, fault=fault.name)
    if fault.what == "slow":
        return replace(reply, delay_s=reply.delay_s + slow_s)
    if fault.what in {"hang", "reset"}:
        return replace(reply, body=b"", ending="hang" if fault.what == "hang" else "reset")
    if fault.what == "truncated":
        headers = {**reply.headers, "Content-Length": str(len(reply.body))}
        half = reply.body[: len(reply.body) // 2]
        return replace(reply, headers=headers, body=half, ending="truncated")
    if fault.what in _SHAPES:
        kind = _HTML if fault.what == "html" else _JSON
        return replace(
            reply, headers={**reply.headers, **kind}, body=_SHAPES[fault.what](reply.body)
        )
    if fault.code is not None:
        return replace(reply, body=refuse(fault.code))
    status = int(fault.what)
    return replace(reply, status=status, headers=_HTML, body=_page(status))
