"""What befalls the connection in an upheaval: its limits, what may leave, and that it is cut."""

from typing import TYPE_CHECKING

import msgspec

from towpath.cli.simulation import weather
from towpath.cli.simulation.identities import FIELDS
from towpath.cli.simulation.world import KEYS
from towpath.store import connections, emptyings, workspaces

if TYPE_CHECKING:
    from towpath.cli.simulation.upheaval_story import UpheavalStory


def limits_change(story: "UpheavalStory") -> str:
    """TikTok puts the app into a lower tier, by the second, the minute, the day or the ad account;
    or back (I-36, I-39)."""
    world, register = story.world, story.register
    rules, permits = world.sandbox.rules, world.setting.permits
    chosen = world.chance.choice(["second", "minute", "day", "ad account", "back"])
    tiers: dict[str, dict[str, int | None]] = {
        "second": {"mapping_per_s": max(1, permits // 2)},
        "minute": {"mapping_per_minute": 4},
        "day": {"mapping_per_day": 15},
        "ad account": {"mapping_per_advertiser_per_s": 1},
        "back": weather.usual_limits(permits),
    }
    lower = tiers[chosen]
    world.sandbox.rules = msgspec.structs.replace(rules, **lower)
    register.lowered = True
    world.hits[f"limits: {chosen}"] += 1
    return f"limits of TikTok: {chosen}, {lower}"


def restore_limits(story: "UpheavalStory") -> None:
    """TikTok's limits are as they were."""
    sandbox = story.world.sandbox
    usual = weather.usual_limits(story.world.setting.permits)
    sandbox.rules = msgspec.structs.replace(sandbox.rules, **usual)


def fields_change(story: "UpheavalStory") -> str:
    """The workspace says which match fields may leave at all (I-59)."""
    world = story.world
    allowed = world.chance.choice([FIELDS, FIELDS, FIELDS[:1], FIELDS[1:]])
    workspaces.change(
        world.db,
        world.workspace,
        default_country=None,
        unknown_consent_is_sent=False,
        fields_allowed=allowed,
    )
    story.register.allowed = allowed
    world.hits["match field forbidden"] += allowed != FIELDS
    return f"only {', '.join(allowed)} may leave"


def is_emptied(story: "UpheavalStory") -> str:
    """Everybody is to be removed from every audience of the connection, before it is cut."""
    world, register = story.world, story.register
    with world.db.transaction():
        if not connections.begin_emptying(world.db, world.workspace, world.connection, world.now):
            return ""
    audiences = [audience.id for audience in world.audiences]
    emptyings.empty(world.db, world.workspace, audiences, world.now)
    for wanted in register.wishes.values():
        wanted.clear()
    world.hits["everyone removed first"] += 1
    return "everybody is to be removed"


def is_cut(story: "UpheavalStory") -> str:
    """The connection is cut: its token is forgotten here and revoked there (I-62)."""
    world, register = story.world, story.register
    if register.cut_at is not None:
        return ""
    place = (world.db, KEYS, world.workspace, world.connection)
    connections.set_token(*place, None, world.now)
    world.sandbox.world.grants[world.token].alive = False
    register.cut_at = world.now
    flying = any(worker.flights or worker.loaded for worker in story.workers)
    world.hits["disconnected"] += 1
    world.hits["disconnected with requests loaded or in flight"] += flying
    return "the connection is cut"


def is_mended(story: "UpheavalStory") -> str:
    """The same connection gets a new token."""
    if story.register.cut_at is None:
        return ""
    story.register.cut_at = None
    story.world.hits["connected after a cut"] += 1
    return weather.reconnect(story.world)
