"""The partners that Towpath knows, by name. A new one is a folder and a line in each table."""

from towpath.errors import SettingsError
from towpath.partners.consent import Consent
from towpath.partners.protocol import Partner
from towpath.partners.tiktok.accounts import TikTokConsent
from towpath.partners.tiktok.client import TikTok

PARTNERS: dict[str, Partner] = {"tiktok": TikTok()}
CONSENTS: dict[str, Consent] = {"tiktok": TikTokConsent()}


def partner(name: str) -> Partner:
    """The partner of that name. Raises SettingsError when there is none."""
    try:
        return PARTNERS[name]
    except KeyError:
        known = ", ".join(sorted(PARTNERS))
        raise SettingsError(
            f"There is no partner named {name!r}.", remedy=f"Known are: {known}.", field="partner"
        ) from None
