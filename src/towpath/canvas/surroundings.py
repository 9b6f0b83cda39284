"""What findings must know of the world around a Canvas; whoever launches gathers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from towpath.clock import Instant
from towpath.ids import StepId
from towpath.people.match_field import ALL_FIELDS, MatchField


@dataclass(frozen=True, slots=True)
class AudienceView:
    """An audience at the partner. `unusable`: why it cannot take a sync, in a sentence; `expires`
    is said when that is near; `people`: matched there."""

    name: str
    unusable: str = ""
    expires: Instant | None = None
    people: int = 0


@dataclass(frozen=True, slots=True)
class PartnerView:
    """A connected partner: is its connection ready, and what does it hold?

    Ad accounts are the partner's ids; an audience is an ad account's id with the audience's id, or
    with its name. `audience_name_chars_max` is the partner's own bound; TikTok cuts longer names
    (tiktok-api, /segment/audience/). `refused`: ad accounts in which nothing can be done now, with
    why and what to do. `listed`: what the partner listed, by ad account and id, and `owned` how
    many of them an ad account owns, of `audiences_max`. `unaccepted`:
    ad accounts for which nobody has accepted the partner's terms and policies. `by_files`: those
    whose new audiences are filled by files, some updates a day.
    """

    ready: bool
    ad_accounts: frozenset[str]
    audience_refs: frozenset[tuple[str, str]]
    audience_names: frozenset[tuple[str, str]]
    audience_name_chars_max: int = 70
    refused: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    listed: Mapping[tuple[str, str], AudienceView] = field(default_factory=dict)
    owned: Mapping[str, int] = field(default_factory=dict)
    audiences_max: int = 400
    unaccepted: frozenset[str] = frozenset()
    by_files: frozenset[str] = frozenset()

    def named(self, ad_account: str, name: str) -> list[tuple[str, AudienceView]]:
        """The usable audiences of that name, with their ids."""
        return [
            (ref, view)
            for (account, ref), view in self.listed.items()
            if (account, view.name) == (ad_account, name) and not view.unusable
        ]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The time, and every partner that Towpath knows by its word; None: not connected. Segments,
    and secrets that webhooks may use, by name; hosts inside that webhooks may reach.
    `fields_allowed`: match fields that may leave at all. `people_expected`: how many
    people a step can add at most, about, where that can be said."""

    now: Instant
    partners: Mapping[str, PartnerView | None]
    segments: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    webhook_hosts: tuple[str, ...] = ()
    fields_allowed: tuple[MatchField, ...] = ALL_FIELDS
    people_expected: Mapping[StepId, int] = field(default_factory=dict)
