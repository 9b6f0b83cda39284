"""TikTok's moods, and what people do to their own identifiers and consent.

Moods are turned on and off: a run is seldom fine for long. `heal` ends them all.
"""

from collections.abc import Callable

from towpath.cli.simulation.records import Records
from towpath.cli.simulation.world import KEYS, World
from towpath.people.match_field import MatchField
from towpath.sandbox.faults import Faults
from towpath.sandbox.records import Advertiser
from towpath.store import connections, ledgers, snapshots

SCRIPTS = [
    ["40007"],
    ["40300"],
    ["40001"],
    ["41000"],
    ["40002_dropped"] * 4,
    ["40002_dropped"] * 14,
    ["40011_dropped"] * 2,
    ["throttled"] * 3,
    ["40133_dropped"] * 2,
    ["500_applied", "500_late"],
    ["hang_late", "hang_late"],
    ["hang_applied"],
    ["502_late"] * 5,
]


def turn(world: World) -> str:
    """One mood changes."""
    moods: list[tuple[float, Callable[[World], str]]] = [
        (3, _faults),
        (4, _script),
        (1.2, _token),
        (0.5, reconnect),
        (0.7, _account),
        (0.3, _role),
        (0.3, _allowlist),
        (0.7, _reach),
        (0.25, _delete_audience),
    ]
    (mood,) = world.chance.choices([one for _, one in moods], [weight for weight, _ in moods])
    told = mood(world)
    world.hits[f"weather: {told}"] += bool(told)
    return told


def heal(world: World) -> None:
    """All is well from now on."""
    world.sandbox.faults = Faults()
    world.sandbox.world.allowlisted = True
    world.door.reachable = True
    world.door.bad_keys.clear()
    for grant in world.sandbox.world.grants.values():
        grant.alive = True
    for account in world.sandbox.world.advertisers.values():
        account.enabled = account.role = True


def usual_limits(permits: int) -> dict[str, int | None]:
    """What TikTok lets an app send in the end, as its table says."""
    return {
        "mapping_per_s": permits,
        "mapping_per_minute": None,
        "mapping_per_day": None,
        "mapping_per_advertiser_per_s": 5_000,
    }


def _faults(world: World) -> str:
    rate = world.chance.choice([0.0, world.setting.fault_rate, world.setting.fault_rate, 0.9])
    world.sandbox.faults.set(rate, world.setting.faults)
    return "faults more often" if rate else "no faults"


def _script(world: World) -> str:
    names = world.chance.choice(SCRIPTS)
    world.sandbox.next_faults(names)
    return f"next faults {names[0]}"


def _token(world: World) -> str:
    grant = world.sandbox.world.grants[world.token]
    grant.alive = not grant.alive
    return "token restored" if grant.alive else "token revoked"


def reconnect(world: World) -> str:
    """An admin connects again: a new token, and whoever waits is looked at."""
    if world.register is not None:
        world.register.cut_at = None
    grant = world.sandbox.world.issue(list(world.sandbox.world.advertisers), (1, 3))
    world.token = grant.token
    connections.set_token(world.db, KEYS, world.workspace, world.connection, world.token, world.now)
    ledgers.wake_connection(world.db, world.connection, world.now)
    return "connected again"


def _account(world: World) -> str:
    account = _some_account(world)
    account.enabled = not account.enabled
    return "ad account enabled" if account.enabled else "ad account disabled"


def _role(world: World) -> str:
    account = _some_account(world)
    account.role = not account.role
    return "role given" if account.role else "role lost"


def _some_account(world: World) -> Advertiser:
    audience = world.chance.choice(world.audiences)
    return world.sandbox.world.advertisers[audience.ad_account_ref]


def _allowlist(world: World) -> str:
    world.sandbox.world.allowlisted = not world.sandbox.world.allowlisted
    return "on the allowlist" if world.sandbox.world.allowlisted else "off the allowlist"


def _reach(world: World) -> str:
    world.door.reachable = not world.door.reachable
    return "reachable" if world.door.reachable else "unreachable"


def _delete_audience(world: World) -> str:
    audience = world.chance.choice(world.audiences)
    if audience.ref not in world.sandbox.world.audiences:
        return ""
    world.sandbox.world.drop_audience(audience.ref)
    return "audience deleted at TikTok"


def lose_a_key(world: World, records: Records) -> str:
    """An identifier that no request ever carried is deleted: whoever waits with it has none.

    What becomes of keys that were sent is not built yet (strays, architecture 5).
    """
    claimed = set().union(*(r.carried for r in records.requests.values() if r.read or r.sent))
    there = set().union(*(audience.there_before for audience in world.audiences))
    some = [
        (number, name)
        for number, held in world.keys.items()
        for name, digest in held.items()
        if (name, digest) not in claimed | there | world.sharing.keys()
    ]
    if not some:
        return ""
    waiting = {
        (number, name)
        for request in records.requests.values()
        if request.flying and not request.read
        for number in request.members
        for name in request.fields
    }
    number, name = world.chance.choice([one for one in some if one in waiting] or some)
    del world.keys[number][name]
    world.lost.add(number)
    snapshots.forget_key(world.db, number, name.value)
    world.hits["key lost"] += 1
    return f"{number} loses their {name.value}"


def withdraw(world: World) -> str:
    """Somebody withdraws consent: keys that they share are blocked from now on."""
    sharing = [
        number
        for number in world.granted
        for name in MatchField
        if name in world.keys[number] and len(world.holders((name, world.keys[number][name]))) > 1
    ]
    if not sharing:
        return ""
    number = world.chance.choice(sharing)
    world.granted.discard(number)
    world.withdrawn.add(number)
    snapshots.withdraw_consent(world.db, number)
    world.hits["consent withdrawn"] += 1
    return f"{number} withdraws consent"
