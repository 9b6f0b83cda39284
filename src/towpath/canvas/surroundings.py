"""What findings must know of the world around a Canvas; whoever launches gathers it."""

from collections.abc import Mapping
from dataclasses import dataclass

from towpath.clock import Instant


@dataclass(frozen=True, slots=True)
class PartnerView:
    """A connected partner: is its connection ready, and what does it hold?

    Ad accounts are the partner's ids; an audience is an ad account's id with the audience's id, or
    with its name. `audience_name_chars_max` is the partner's own bound; TikTok cuts longer names
    (tiktok-api, /segment/audience/).
    """

    ready: bool
    ad_accounts: frozenset[str]
    audience_refs: frozenset[tuple[str, str]]
    audience_names: frozenset[tuple[str, str]]
    audience_name_chars_max: int = 70


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The time, and every partner that Towpath knows by its word; None: not connected. Segments,
    and secrets that webhooks may use, by name; hosts inside that webhooks may reach."""

    now: Instant
    partners: Mapping[str, PartnerView | None]
    segments: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    webhook_hosts: tuple[str, ...] = ()
