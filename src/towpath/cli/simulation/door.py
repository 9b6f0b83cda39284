"""The way from a simulated worker to the sandbox in the same process, and what went through it.

Nothing is sent over a wire: a request arrives when the worker lets it go, and its answer waits in
the flight until the story lets it land. What each request carried is read off its body here, and
not taken from the engine's word.
"""

import json
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from towpath.net.door import HttpReply, NoAnswer
from towpath.people.match_field import MatchField
from towpath.sandbox.call import Call, Reply
from towpath.sandbox.core import Sandbox

T = TypeVar("T")
Key = tuple[MatchField, bytes]

BASE_URL = "https://tiktok.example"
_FIELDS = {"EMAIL_SHA256": MatchField.EMAIL, "PHONE_SHA256": MatchField.PHONE}


@dataclass(frozen=True, slots=True)
class Sent:
    """A mapping call as it arrived: its number in the sandbox' log, and the keys in its body."""

    number: int
    action: str
    audience_ref: str
    keys: tuple[Key, ...]
    people: int


@dataclass(slots=True)
class InProcessDoor:
    """A `Door`. `reachable` is false while TikTok cannot be reached: nothing leaves then. Whatever
    carries one of `bad_keys` is refused."""

    sandbox: Sandbox
    reachable: bool = True
    reply: Reply | None = None
    sent: Sent | None = None
    bad_keys: set[Key] = field(default_factory=set)

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> HttpReply:
        """Let it arrive. It stays in flight at the sandbox until its worker lands or dies."""
        carried = read_body(0, body)
        if self.bad_keys.intersection(carried.keys) and self.reachable:
            self.sandbox.next_faults(["40002_dropped"])
        reply = self._begin("POST", url, headers, body)
        self.sent = replace(carried, number=reply.number)
        return self._read(reply, deadline_s)

    async def get(self, url: str, headers: Mapping[str, str], deadline_s: float) -> HttpReply:
        """A probe: it comes and goes at once."""
        reply = self._begin("GET", url, headers, b"")
        self.sandbox.finish(reply.number)
        return self._read(reply, deadline_s)

    def _begin(self, verb: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        self.reply = self.sent = None
        if not self.reachable:
            raise NoAnswer(before_first_byte=True, why="connection refused")
        parts = urlsplit(url)
        self.reply = self.sandbox.begin(Call(verb, parts.path, parts.query, headers, body))
        return self.reply

    def _read(self, reply: Reply, deadline_s: float) -> HttpReply:
        if reply.ending != "whole" or reply.delay_s >= deadline_s:
            raise NoAnswer(before_first_byte=False, why="lost")
        named = {name.lower(): text for name, text in reply.headers.items()}
        return HttpReply(reply.status, named, reply.body, cut=False)


def read_body(number: int, body: bytes) -> Sent:
    """What a mapping's body says."""
    told = json.loads(body)
    names = [_FIELDS[name] for name in told["id_schema"]]
    keys: list[Key] = []
    refs: set[str] = set()
    for row in told["batch_data"]:
        for name, cell in zip(names, row, strict=True):
            if cell:
                keys.append((name, bytes.fromhex(cell["id"])))
                refs.update(cell["audience_ids"])
    (ref,) = refs
    return Sent(number, told["action"], ref, tuple(keys), len(told["batch_data"]))


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    raise AssertionError("the simulator's door never waits")
