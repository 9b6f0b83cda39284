"""The partners that Towpath knows, by name. A new one is a folder and a line in each table."""

from towpath.errors import SettingsError
from towpath.partners.consent import Consent
from towpath.partners.protocol import Partner
from towpath.partners.tiktok.accounts import TikTokConsent
from towpath.partners.tiktok.client import TikTok
from towpath.partners.tiktok.file_client import TikTokFiles

PARTNERS: dict[str, Partner] = {"tiktok": TikTok()}
FILES: dict[str, Partner] = {"tiktok": TikTokFiles()}
"""The same partners, for connections whose app may not stream."""
CONSENTS: dict[str, Consent] = {"tiktok": TikTokConsent()}


def adapter(name: str, *, by_files: bool) -> Partner:
    """The partner's adapter for a transport."""
    return FILES[name] if by_files else PARTNERS[name]


def partner(name: str) -> Partner:
    """The partner of that name. Raises SettingsError when there is none."""
    try:
        return PARTNERS[name]
    except KeyError:
        known = ", ".join(sorted(PARTNERS))
        raise SettingsError(
            f"There is no partner named {name!r}.", remedy=f"Known are: {known}.", field="partner"
        ) from None
