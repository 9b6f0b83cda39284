"""TikTok's Customer File transport on trial, with the sandbox as TikTok.

An audience is made of people here, so each has a founder, whom no check knows.
"""

import hashlib

from tests.partners.conformance.streaming import Streaming
from tests.partners.conformance.subject import DEADLINE_S, TellingDoor

from towpath.ids import PartnerRef
from towpath.partners.protocol import Order, ready
from towpath.partners.tiktok.file_client import TikTokFiles
from towpath.people.action import Action
from towpath.people.key_group import KeyGroup
from towpath.people.match_field import MatchField
from towpath.sandbox import Rules

FOUNDER = hashlib.sha256(b"founder").digest()
FAST = Rules(
    other_per_s=10_000,
    file_per_advertiser_per_s=10_000,
    usable_size=0,
    file_updates_per_day=10_000,
)


class Files(Streaming):
    """A Subject (subject.py)."""

    acting_path = "dmp/custom_audience/update/"

    def __init__(self) -> None:
        super().__init__(TikTokFiles(), FAST)
        self.door = TellingDoor(self, through="file/upload")

    async def make(self, name: str) -> PartnerRef:
        """By its first file, of the founder."""
        order = Order(Action.ADD, (MatchField.EMAIL,), self.ad_account, None, name)
        founder = [KeyGroup(1, {MatchField.EMAIL: FOUNDER})]
        answer = await self.partner.send(
            self.door,
            self.base_url,
            self.token,
            order,
            ready(self.partner.body(order, founder)),
            DEADLINE_S,
        )
        return answer.made or PartnerRef("")

    def members(self, audience: PartnerRef) -> dict[MatchField, set[bytes]]:
        """Without the founder."""
        found = super().members(audience)
        rest = {name: held - {FOUNDER} for name, held in found.items()}
        return {name: held for name, held in rest.items() if held}


def files() -> Files:
    """The transport that ships."""
    return Files()
