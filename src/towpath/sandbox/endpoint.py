"""What an endpoint is given and what it says: `Ask` and `Act`, and how parameters are read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qs

import msgspec

from towpath.sandbox.call import Call
from towpath.sandbox.envelope import RefusalError
from towpath.sandbox.mapping import Batch
from towpath.sandbox.records import Grant
from towpath.sandbox.world import World

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """A call that found its endpoint: who asks, and when (epoch seconds). Endpoints that need no
    token get a grant without any account."""

    call: Call
    grant: Grant
    now: float

    def query(self, name: str) -> list[str]:
        """A parameter's values, repeated or not."""
        return parse_qs(self.call.query).get(name, [])

    def required(self, name: str) -> str:
        """A parameter's one value. Raises RefusalError 40002."""
        values = self.query(name)
        if not values or not values[0]:
            raise RefusalError(40002, f"Missing required field(s): {name}.")
        return values[0]

    def texts(self, name: str, most: int = 100) -> list[str]:
        """A list, written as JSON text (TikTok's samples) or repeated (its SDK). RefusalError."""
        values = self.query(name)
        if len(values) == 1 and values[0].startswith("["):
            values = [str(each) for each in parsed(values[0].encode(), list[str | int], name)]
        if len(values) > most:
            raise RefusalError(40002, f"{name}: at most {most} values.")
        return values

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number within bounds. Raises RefusalError 40002."""
        text = (self.query(name) or [str(default)])[0]
        if not (text.isascii() and text.isdigit() and least <= int(text[:12]) <= most):
            raise RefusalError(40002, f"{name}: must be a number from {least} to {most}.")
        return int(text)

    def body(self, kind: type[T]) -> T:
        """The JSON body. Raises RefusalError 40002, naming the place and never a value."""
        return parsed(self.call.body, kind)


@dataclass(frozen=True, slots=True)
class Act:
    """What the endpoint would do. `commit` makes it true, given when it is accepted, and says when
    it takes effect; a fault may keep it from being called. `paced` are further limits: by name and
    ad account, so many a second. `flat` data stand beside the code, not below `data`."""

    data: dict[str, Any]
    commit: Callable[[float], float] | None = None
    paced: tuple[tuple[str, str, int], ...] = ()
    batch: Batch | None = None
    action: str = ""
    audiences: tuple[str, ...] = ()
    people: int = 0
    flat: bool = False


Answer: TypeAlias = Callable[[World, Ask], Act]


def parsed(text: bytes, kind: type[T], name: str = "") -> T:
    """JSON of the kind. Raises RefusalError 40002."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        where = f"{name}: " if name else ""
        raise RefusalError(40002, f"Invalid parameters: {where}{wrong}") from None


def require(**fields: str | None) -> None:
    """Raises RefusalError 40002 naming every field that is missing or empty."""
    missing = [name for name, value in fields.items() if not value]
    if missing:
        raise RefusalError(40002, f"Missing required field(s): {', '.join(missing)}.")
