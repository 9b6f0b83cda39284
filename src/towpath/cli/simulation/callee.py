"""Whom the webhooks of a run call: it answers, fails, is slow, or cannot be reached.

It keeps what it was asked, so that nobody need take the engine's word for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit

from towpath.net.guard import CallFailed

URL = "https://callee.example/{{ person.external_id }}/"
"""Followed by the step's id."""

ANSWERS = {200: 6.0, 204: 1.0, 500: 1.0, 503: 1.0, 429: 0.7, 408: 0.3, 404: 0.7, 422: 0.3}


class Called(NamedTuple):
    """A call as it came in."""

    key: str
    person: str
    step: str


@dataclass(slots=True)
class Callee:
    """A door for webhooks. `mood`: fine, moody or down."""

    chance: Random
    mood: str = "fine"
    calls: list[Called] = field(default_factory=list)

    async def call(
        self,
        method: str,  # noqa: ARG002 - it takes every method
        url: str,
        headers: Mapping[str, str],
        body: bytes,  # noqa: ARG002
        deadline_s: float,  # noqa: ARG002 - whatever is slow comes too late
    ) -> tuple[int, str | None]:
        """One call. Raises CallFailed."""
        _, person, step = urlsplit(url).path.split("/")
        if self.mood == "down":
            raise CallFailed("connection refused", refused=False)
        self.calls.append(Called(headers["Idempotency-Key"], person, step))
        if self.mood == "fine":
            return 200, None
        if self.chance.random() < 0.15:
            why = self.chance.choice(["no answer in time", "the connection was lost"])
            raise CallFailed(why, refused=False)
        if self.chance.random() < 0.03:
            raise CallFailed("an address inside", refused=True)
        (status,) = self.chance.choices(list(ANSWERS), list(ANSWERS.values()))
        return status, "7" if status == 429 else None
