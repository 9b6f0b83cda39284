"""Keys whole: I-27 to I-29. What changed hands leaves, what is wanted is in, by rules old and new.

They look at rest, and hold TikTok's members against the register, not against the ledger.
"""

from collections.abc import Iterator

from towpath.cli.simulation.door import Key
from towpath.cli.simulation.records import Records
from towpath.cli.simulation.register import Register
from towpath.cli.simulation.world import SimulatedAudience
from towpath.ids import AudienceId
from towpath.people.match_field import MatchField
from towpath.people.normalise import CURRENT_RULE


def old_keys_are_out(records: Records) -> Iterator[str]:
    """I-27: a key that nobody holds any more is in no audience."""
    register = _register(records)
    for audience, there in standing(records):
        for key in sorted(there & register.ever.keys()):
            if not register.holders(key):
                former = sorted(register.ever[key])
                yield f"audience {audience.id}: an old {key[0].value} of {former} is in"


def new_keys_are_in(records: Records) -> Iterator[str]:
    """I-27: whoever is wanted is in by the key that they have now, whatever it was before."""
    for audience, key, wanted, there in _judged(records):
        records.world.hits["wanted by the register and in"] += bool(wanted)
        if wanted and not there:
            yield f"audience {audience.id}: the {key[0].value} of {wanted} is wanted, and lost"


def shared_keys_stay_or_go(records: Records) -> Iterator[str]:
    """I-28: a key that several hold or held is in while one of them is wanted, and out when nobody
    is, or when one of them may not be sent."""
    register = _register(records)
    for audience, key, wanted, there in _judged(records):
        if len(register.ever[key]) < 2:
            continue
        records.world.hits["shared and judged"] += 1
        if bool(wanted) != there:
            former = sorted(register.ever[key])
            told = f"is wanted by {wanted}, and lost" if wanted else "is in, and nobody wants it"
            yield f"audience {audience.id}: the {key[0].value} of {former} {told}"
    for audience, members in standing(records):
        for key in members & register.ever.keys() - register.gained_late:
            if len(holders := register.holders(key)) > 1 and holders & register.opted_out:
                yield f"audience {audience.id}: one of {sorted(holders)} may not be sent, and is"


def unwanted_keys_are_out(records: Records) -> Iterator[str]:
    """I-20, by the register: nobody whom nobody wants is in; nor anybody, once an audience was
    emptied (I-62)."""
    for audience, key, wanted, there in _judged(records):
        if there and not wanted:
            holders = sorted(_register(records).holders(key))
            yield f"audience {audience.id}: the {key[0].value} of {holders} is in, and not wanted"


def no_rule_leaves_orphans(records: Records) -> Iterator[str]:
    """I-29: after a change of the rules no key of the old ones is in, and those of the new are."""
    register = _register(records)
    if register.rule == CURRENT_RULE:
        return
    now = set().union(*(register.keys(number) for number in register.values))
    for audience, there in standing(records):
        if orphans := sorted(there - now):
            yield f"audience {audience.id}: {len(orphans)} keys of old rules are in"
        records.world.hits["judged by new rules"] += 1
    for audience, key, wanted, inside in _judged(records):
        if wanted and not inside:
            yield f"audience {audience.id}: the {key[0].value} of {wanted} was not carried over"


def standing(records: Records) -> Iterator[tuple[SimulatedAudience, set[Key]]]:
    """Each audience that TikTok still has, and the keys in it; but those with somebody of whom we
    gave up removing them."""
    world = records.world
    for audience in world.audiences:
        if audience.ref in world.sandbox.world.audiences:
            found = world.sandbox.members(audience.ref)
            members = {
                (MatchField(name), bytes.fromhex(one))
                for name, held in found.items()
                for one in held
            }
            yield audience, members - _given_up(records, audience.id)


def _given_up(records: Records, audience: AudienceId) -> set[Key]:
    """Keys of whom we gave up on, under rule 8: they are neither sent nor removed."""
    book = records.books.get(audience)
    if book is None:
        return set()
    world, register = records.world, _register(records)
    return {
        key
        for name, one in book.state.fields.items()
        for number in one.parked
        for key in (register.keys(number) | set(world.keys.get(number, {}).items()))
        if key[0] is name
    }


def _judged(records: Records) -> Iterator[tuple[SimulatedAudience, Key, list[int], bool]]:
    """Keys that somebody holds who may be sent: who wants them in, and are they?"""
    register = _register(records)
    for audience, members in standing(records):
        given_up = _given_up(records, audience.id)
        for key in sorted(register.ever.keys() - register.touchy - given_up):
            holders = register.holders(key)
            if not holders:
                continue
            wanted = sorted(holders & register.wishes.get((audience.id, key[0]), set()))
            yield audience, key, wanted, key in members


def _register(records: Records) -> Register:
    found = records.world.register
    assert found is not None
    return found
