"""The stories' way to TikTok: the sandbox in this process."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from towpath.net.door import HttpReply, NoAnswer
from towpath.sandbox.call import Call
from towpath.sandbox.core import Sandbox


@dataclass(slots=True)
class StageDoor:
    """The door to the sandbox in this process."""

    sandbox: Sandbox

    async def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        deadline_s: float,  # noqa: ARG002 - a Door's
    ) -> HttpReply:
        """POST to the sandbox."""
        return self._carry("POST", url, headers, body)

    async def get(
        self,
        url: str,
        headers: Mapping[str, str],
        deadline_s: float,  # noqa: ARG002
    ) -> HttpReply:
        """GET from the sandbox."""
        return self._carry("GET", url, headers, b"")

    def _carry(self, verb: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        parts = urlsplit(url)
        reply = self.sandbox.handle(Call(verb, parts.path, parts.query, headers, body))
        if reply.ending != "whole":
            raise NoAnswer(before_first_byte=False, why="lost")
        named = {name.lower(): text for name, text in reply.headers.items()}
        return HttpReply(reply.status, named, reply.body, cut=False)
