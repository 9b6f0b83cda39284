"""What the conformance suite needs of a transport: the adapter, and a partner that plays along.

A new adapter brings one `Subject`. Its partner runs in this process, applies at once what it
accepts, and can be told what to answer instead, or that an answer gets lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from towpath.ids import PartnerRef
from towpath.net.door import HttpReply, NoAnswer
from towpath.partners.protocol import Partner
from towpath.people.match_field import MatchField

DEADLINE_S = 5.0


class Carrier(Protocol):
    """Carries a call to the partner that plays along. Raises NoAnswer when it loses the answer."""

    def carry(self, verb: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        """One call, one answer."""
        ...


@dataclass(slots=True)
class TellingDoor:
    """A door that counts its calls and says instead of the partner what a check wants it to say.

    `instead`: answers to the next calls, which do not reach the partner. `lose`: so many answers
    of calls that do reach it are lost. `through`: calls with this in their address change nobody,
    and pass as if they were not there.
    """

    carrier: Carrier
    instead: list[HttpReply | NoAnswer] = field(default_factory=list)
    lose: int = 0
    calls: int = 0
    urls: list[str] = field(default_factory=list)
    through: str = "://nowhere"

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> HttpReply:
        """POST."""
        return self._say("POST", url, headers, body, deadline_s)

    async def get(self, url: str, headers: Mapping[str, str], deadline_s: float) -> HttpReply:
        """GET."""
        return self._say("GET", url, headers, b"", deadline_s)

    def _say(
        self, verb: str, url: str, headers: Mapping[str, str], body: bytes, deadline_s: float
    ) -> HttpReply:
        assert deadline_s == DEADLINE_S, "each call has the whole deadline, and no more"
        self.urls.append(url)
        if self.through in url:
            return self.carrier.carry(verb, url, headers, body)
        self.calls += 1
        if self.instead:
            found = self.instead.pop(0)
            if isinstance(found, NoAnswer):
                raise found
            return found
        reply = self.carrier.carry(verb, url, headers, body)
        if self.lose:
            self.lose -= 1
            raise NoAnswer(before_first_byte=False, why="no whole answer within the deadline")
        return reply


class Subject(Protocol):
    """A transport on trial, with a fresh partner that has one ad account and a living token."""

    partner: Partner
    door: TellingDoor
    base_url: str
    token: str
    ad_account: PartnerRef

    async def make(self, name: str) -> PartnerRef:
        """The audience of that name, which is made if it is not there; empty if it is not known
        whether it was."""
        ...

    def members(self, audience: PartnerRef) -> dict[MatchField, set[bytes]]:
        """Who is in the audience at the partner: digests by field, without empty fields."""
        ...

    def audiences(self, name: str) -> int:
        """How many audiences of that name the partner holds."""
        ...

    def kill_token(self) -> None:
        """The partner takes the authorisation back."""
        ...

    def delete_audience(self, audience: PartnerRef) -> None:
        """Somebody deletes the audience at the partner."""
        ...

    def throttle(self) -> None:
        """The next call is too many."""
        ...
