"""TikTok's streaming transport on trial, with the sandbox as TikTok."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.partners.conformance.subject import DEADLINE_S, TellingDoor

from towpath.ids import PartnerRef
from towpath.net.door import HttpReply, NoAnswer
from towpath.partners.protocol import Partner
from towpath.partners.tiktok.client import TikTok
from towpath.people.match_field import MatchField
from towpath.sandbox import Rules, Sandbox
from towpath.sandbox.call import Call

FAST = Rules(other_per_s=1_000, audience_per_advertiser_per_s=1_000)


class Streaming:
    """A Subject (subject.py). `partner` may be another adapter that speaks to TikTok."""

    base_url = "https://tiktok.example"
    acting_path = "segment/mapping/"

    def __init__(self, partner: Partner, rules: Rules = FAST) -> None:
        self.sandbox = Sandbox(7, lambda: 1_790_000_000.0, rules)
        self.partner = partner
        self.door = TellingDoor(self)
        self.token = self.sandbox.world.token
        self.ad_account = PartnerRef(next(iter(self.sandbox.world.advertisers)))

    async def make(self, name: str) -> PartnerRef:
        """By the call for it."""
        found = await self.partner.create_audience(
            self.door,
            self.base_url,
            self.token,
            ad_account_ref=self.ad_account,
            name=name,
            deadline_s=DEADLINE_S,
        )
        return found.audience.partner_ref if found.audience else PartnerRef("")

    def carry(self, verb: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        """One call of the sandbox."""
        parts = urlsplit(url)
        reply = self.sandbox.handle(Call(verb, parts.path, parts.query, headers, body))
        if reply.ending != "whole":
            raise NoAnswer(before_first_byte=False, why="the connection broke")
        named = {name.lower(): text for name, text in reply.headers.items()}
        return HttpReply(reply.status, named, reply.body, cut=False)

    def members(self, audience: PartnerRef) -> dict[MatchField, set[bytes]]:
        """What the sandbox's witness says."""
        found = self.sandbox.members(audience).items()
        return {MatchField(name): {bytes.fromhex(one) for one in held} for name, held in found}

    def audiences(self, name: str) -> int:
        """Of the whole sandbox, which has one ad account that is used."""
        found = self.sandbox.world.audiences.values()
        return sum(one.name == name for one in found)

    def kill_token(self) -> None:
        """The grant ends."""
        self.sandbox.world.grants[self.token].alive = False

    def delete_audience(self, audience: PartnerRef) -> None:
        """As in Ads Manager."""
        self.sandbox.world.drop_audience(audience)

    def throttle(self) -> None:
        """Over the app's limit."""
        self.sandbox.next_faults(["40100"], self.acting_path)


def streaming() -> Streaming:
    """The transport that ships."""
    return Streaming(TikTok())
