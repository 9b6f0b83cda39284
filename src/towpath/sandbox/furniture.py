"""Seed data: the audiences of an ad account that is years old, so that paging and pickers matter.

In the first ad account: more than 100 audiences of five kinds, some too small, some whose name is
there twice, one expiring, one expired, one shared out, one applied to an ad group, and
one of another ad account that is shared with it. All from the seed.
"""

import random

from towpath.sandbox.records import (
    CUSTOMER_FILE,
    ENGAGEMENT,
    LOOKALIKE,
    PARTNER,
    WEBSITE,
    Audience,
    Event,
    Share,
)
from towpath.sandbox.rules import DAY_S
from towpath.sandbox.world import World

KINDS = (PARTNER, CUSTOMER_FILE, LOOKALIKE, WEBSITE, ENGAGEMENT)
OF_EACH_KIND = 24
_WHO = ("Buyers", "Visitors", "Subscribers", "Lapsed", "Newcomers", "Big baskets", "App users")
_WHEN = ("30 days", "90 days", "180 days", "spring", "summer", "winter", "all time")


def furnish(world: World, now: float) -> int:
    """Put the audiences in; how many there are. A second time does nothing."""
    if any(each.planted_size for each in world.audiences.values()):
        return 0
    dice = random.Random(f"{world.seed} furniture")
    first, second, _ = list(world.advertisers)[:3]
    made = [
        _audience(first, f"{dice.choice(_WHO)}, {dice.choice(_WHEN)}", kind, dice, now)
        for _ in range(OF_EACH_KIND)
        for kind in KINDS
    ]
    old = _audience(first, "Nobody used this for a year", PARTNER, dice, now)
    old.changed_at = old.created_at = now - world.rules.audience_life_s - DAY_S
    soon = _audience(first, "Expires in ten days", PARTNER, dice, now)
    soon.changed_at = soon.created_at = now - world.rules.audience_life_s + 10 * DAY_S
    out = _audience(first, "Shared with the outlet", CUSTOMER_FILE, dice, now)
    into = _audience(second, "Shared by the outlet", CUSTOMER_FILE, dice, now)
    for audience, other in ((out, second), (into, first)):
        audience.shared_with = [other]
        owner = audience.advertiser_id
        world.shares.append(Share(audience.audience_id, owner, other, "SHARE", now - DAY_S))
    made += [old, soon, out, into]
    for audience in sorted(made, key=lambda each: each.created_at):
        audience.history.append(Event("create", audience.created_at))
        world.audiences[audience.audience_id] = audience
    group = next(each for each in world.adgroups.values() if each.advertiser_id == first)
    group.uses[made[0].audience_id] = "Include"
    return len(made)


def _audience(
    advertiser_id: str, name: str, kind: str, dice: random.Random, now: float
) -> Audience:
    audience = Audience(
        str(dice.randrange(7_000_000_000_000_000_000, 7_999_999_999_999_999_999)),
        advertiser_id,
        name,
        now - dice.randrange(DAY_S, 300 * DAY_S),
        now - dice.randrange(DAY_S),
        kind,
        planted_size=dice.choice((40, 700, 1_200, 18_000, 250_000, 3_100_000)),
    )
    if kind == CUSTOMER_FILE:
        audience.calculate_type = dice.choice(("EMAIL_SHA256", "PHONE_SHA256"))
    return audience
