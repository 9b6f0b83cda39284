"""What a partner tells of an authorisation: what it grants, whose it is, and the ad accounts.

Beside `protocol.py`, which the engine knows; this is for whoever connects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from towpath.ids import PartnerRef
from towpath.net.door import Door
from towpath.partners.protocol import Answer

ENABLED = "enabled"
"""The status of an ad account that works; any other is the partner's own word."""


@dataclass(frozen=True, slots=True)
class AdAccountFacts:
    """An ad account as the partner tells of it. `business_ref`: the Business Center that owns it,
    None: none does. `denied`: why the person may not work in it, in the partner's words."""

    partner_ref: PartnerRef
    status: str = ""
    business_ref: PartnerRef | None = None
    denied: str | None = None


@dataclass(frozen=True, slots=True)
class AdAccountsDescribed:
    """What was learned; complete only if the answer is *applied*."""

    answer: Answer
    ad_accounts: tuple[AdAccountFacts, ...] = ()


class Consent(Protocol):
    """One partner's. Methods that take a door never raise for what the partner does."""

    def lacking(self, granted: Sequence[int]) -> tuple[str, ...]:
        """The permissions that we need and that were not granted, in the partner's words. Pure."""
        ...

    async def person(self, door: Door, base_url: str, token: str, deadline_s: float) -> str:
        """Whose authorisation it is, as the partner calls them; "" when it does not say."""
        ...

    async def describe(
        self,
        door: Door,
        base_url: str,
        token: str,
        *,
        ad_accounts: Sequence[PartnerRef],
        deadline_s: float,
    ) -> AdAccountsDescribed:
        """The state of these ad accounts, and whether the person may work in them."""
        ...

    async def revoke(
        self,
        door: Door,
        base_url: str,
        app_ref: str,
        app_secret: str,
        token: str,
        deadline_s: float,
    ) -> Answer:
        """Make the token worthless. One that is dead already counts as revoked."""
        ...
