"""At rest: I-18 and I-20, when the world is healed, nobody waits, and all windows are over."""

from collections.abc import Iterator

from towpath.cli.simulation.door import Key
from towpath.cli.simulation.records import Book, Records
from towpath.cli.simulation.world import SimulatedAudience, World
from towpath.people.match_field import MatchField
from towpath.people.people_set import people, union
from towpath.store import audit

FIELDS = (MatchField.EMAIL, MatchField.PHONE)


def nobody_waits(records: Records) -> Iterator[str]:
    """Liveness: all that was begun has ended."""
    for arrival in records.arrivals.values():
        if arrival.waiting:
            yield f"arrival {arrival.id}: {list(arrival.waiting)} wait for ever"
    for request in records.requests.values():
        if request.flying:
            yield f"request {request.id} is in flight for ever"


def wanted_are_in(records: Records) -> Iterator[str]:
    """I-18: whoever is wanted is in, but for who was given up on and blocked keys."""
    world = records.world
    for audience, book, members in _judged(records):
        for key in members["wanted"] - members["there"]:
            holders = list(world.holders(key) & book.wanted(key[0]))
            yield f"audience {audience.id}: the {key[0].value} of {holders} is wanted, and lost"
        world.hits["wanted and in"] += len(members["wanted"])


def unwanted_are_out(records: Records) -> Iterator[str]:
    """I-20: nobody whom nobody wants stays in, or comes back."""
    world = records.world
    for audience, _, members in _judged(records):
        for key in members["unwanted"] & members["there"]:
            yield f"audience {audience.id}: the {key[0].value} of {list(world.holders(key))} is in"
        world.hits["unwanted and out"] += len(members["unwanted"])


def nothing_contrary_may_still_bite(records: Records) -> Iterator[str]:
    """Rules 1 and 2: the last word about a key began after every window of a contrary one."""
    for audience, book, members in _judged(records):
        for side, wanted in (("wanted", 0), ("unwanted", 1)):
            for key in members[side]:
                yield from _last_word(records, book, audience, key, wanted)


def _last_word(
    records: Records, book: Book, audience: SimulatedAudience, key: Key, wanted: int
) -> Iterator[str]:
    about = [
        r for r in records.requests.values() if r.audience == book.audience and key in r.carried
    ]
    last = max(
        (r.started_at for r in about if r.state == "applied" and r.action == wanted), default=None
    )
    for request in about:
        end = request.window_end
        if request.action != wanted and end is not None and (last is None or end > last):
            yield (
                f"audience {audience.id}: request {request.id} could bite until {end}, after the "
                f"last word about a {key[0].value} of it"
            )


def _judged(records: Records) -> Iterator[tuple[SimulatedAudience, Book, dict[str, set[Key]]]]:
    world = records.world
    for audience in world.audiences:
        book = records.books.get(audience.id)
        if book is None or audience.ref not in world.sandbox.world.audiences:
            continue
        there = {
            (MatchField(name), bytes.fromhex(text))
            for name, texts in world.sandbox.members(audience.ref).items()
            for text in texts
        }
        yield audience, book, _sides(world, audience, book) | {"there": there}


def _sides(world: World, audience: SimulatedAudience, book: Book) -> dict[str, set[Key]]:
    sides: dict[str, set[Key]] = {"wanted": set(), "unwanted": set()}
    keys = world.keys_of(world.everybody, FIELDS) | audience.there_before
    for key in keys:
        name, holders = key[0], world.holders(key)
        if world.blocked(key) or holders & book.state.of(name).parked:
            continue
        if holders & book.wanted(name):
            sides["wanted"].add(key)
        elif book.created_here or holders & book.unwanted(name):
            sides["unwanted"].add(key)
    return sides


def the_deleted_are_out(records: Records) -> Iterator[str]:
    """Whoever was deleted is in no audience, but where they were before we came; what becomes of a
    key that somebody else holds too is not built yet."""
    world = records.world
    for audience in world.audiences:
        if audience.ref not in world.sandbox.world.audiences:
            continue
        members = world.sandbox.members(audience.ref)
        book = records.books.get(audience.id)
        parked = union(one.parked for one in book.state.fields.values()) if book else people()
        for number in sorted(world.deleted - parked):
            for name, digest in world.keys[number].items():
                others = world.holders((name, digest)) - world.gone
                if (name, digest) in audience.there_before or others:
                    continue
                if digest.hex() in members.get(name.value, ()):
                    yield f"audience {audience.id}: the {name.value} of {number} is in"
        world.hits["deleted and out"] += len(world.deleted)


def the_audit_finds_nothing(records: Records) -> Iterator[str]:
    """What `towpath audit` recounts agrees; arrivals by hand are of no step of a Canvas."""
    if records.world.setting.journey:
        for one in audit.run(records.eyes):
            yield f"{one.check.name}, {one.where}: {one.what}"
