"""The rules this TikTok plays by: sizes, paces and delays, each a setting.

Defaults are TikTok's own figures where it gives any; the demo raises the sizes to those of the
document that Towpath implements. `docs/sandbox.md` says which figures are documented.
"""

from typing import Literal

import msgspec

DAY_S = 86_400

TIERS = {"basic": 10, "advanced": 20, "premium": 30, "ultimate": 50}
"""Calls a second and app of any endpoint, by tier; a minute and a day allow 60 and 86,400 times as
many (doc 1740029171730433). Streaming allows STREAMING_TIMES these."""
STREAMING_TIMES = 1_000


class Limits(msgspec.Struct, frozen=True):
    """Calls in a second, a minute and a day."""

    second: int
    minute: int
    day: int


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sizes are counts, times are seconds. Raises ValueError for a rule that cannot be played."""

    ids_per_request: int = 1_000
    rows_per_request: int = 10_000
    audience_ids_per_request: int = 10
    body_bytes_max: int = 32 * 2**20

    mapping_per_s: int = 50
    other_per_s: int = 10
    mapping_per_advertiser_per_s: int = 5_000
    audience_per_advertiser_per_s: int = 1
    throttle_code: int = 40100

    file_per_advertiser_per_s: int = 1
    """Uploads, creations and updates of Customer Files, each."""
    mapping_per_minute: int | None = None
    mapping_per_day: int | None = None
    other_per_minute: int | None = None
    other_per_day: int | None = None
    """Without a figure: 60 and 86,400 times that of a second, as in TikTok's own table."""
    minute_lockout_s: int = 300
    host: Literal["production", "sandbox"] = "production"
    """`sandbox` plays TikTok's own sandbox host, which offers no audience endpoint."""

    processing_s: float = 0.0
    """P: an accepted request takes effect at a time drawn from [0, P], so order is not kept."""
    acceptance_s: float = 0.0
    """D: what fails first and is accepted later is accepted within this time."""
    latency_s: float = 0.0
    slow_s: float = 1.0

    audiences_per_advertiser: int = 400
    audience_life_s: int = 365 * DAY_S
    expiring_s: int = 60 * DAY_S
    usable_size: int = 1_000
    match_rate: float = 0.6
    auth_code_life_s: int = 3_600

    file_bytes_max: int = 250 * 10**6
    file_path_life_s: int = DAY_S
    file_updates_per_day: int = 24
    file_replaces_per_day: int = 1
    file_checks_late: bool = False
    """An update that would leave too few people is refused at once, or fails in the history."""
    lookalike_source_least: int = 100

    def limits(self, group: Literal["mapping", "other"]) -> "Limits":
        """How many calls an app may make of one endpoint: of mappings, or of any other."""
        if self.host == "sandbox":
            return Limits(1, 30, 1_000)
        if group == "mapping":
            second, minute, day = self.mapping_per_s, self.mapping_per_minute, self.mapping_per_day
        else:
            second, minute, day = self.other_per_s, self.other_per_minute, self.other_per_day
        return Limits(
            second,
            60 * second if minute is None else minute,
            DAY_S * second if day is None else day,
        )

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, int | float) and value < 0:
                raise ValueError(f"{name} must not be negative")
        if self.throttle_code not in {40100, 40016}:
            raise ValueError("throttle_code must be 40100 or 40016")
