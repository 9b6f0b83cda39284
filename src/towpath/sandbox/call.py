"""What goes into the sandbox and what comes out: a call, and the reply with the way it ends.

The core knows no sockets. A reply says how long to wait and how the connection shall end, and
whoever carries it (the aiohttp server, the simulator) makes that true.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Ending: TypeAlias = Literal["whole", "reset", "truncated", "hang"]


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. `query` is the raw text after the question mark; `arrived` is when its
    first bytes came, in epoch seconds (None: now); `oversize` says that the body was too large to
    be read, and is left out."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    arrived: float | None = None
    oversize: bool = False

    def header(self, name: str) -> str:
        """The header's value whatever its case, or an empty text."""
        wanted = name.lower()
        return next((text for key, text in self.headers.items() if key.lower() == wanted), "")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `body` holds the bytes that really leave: of a truncated reply only the half,
    under a Content-Length that promises all. `fault` names what went wrong on purpose, or "".
    `number` is the call's number in the request log."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    delay_s: float = 0.0
    ending: Ending = "whole"
    fault: str = ""
    number: int = 0
