"""Who may not be sent: I-55, I-56, I-58, and I-59, what may leave at all."""

from collections.abc import Iterator

from towpath.cli.simulation.checkers.identities import standing
from towpath.cli.simulation.door import Key
from towpath.cli.simulation.records import Records
from towpath.cli.simulation.rows import RequestRow
from towpath.ids import AudienceId
from towpath.people.action import Action
from towpath.people.people_set import people
from towpath.store import snapshots


def nobody_is_sent_against_their_will(records: Records) -> Iterator[str]:
    """I-58: whoever may not be sent is in no new addition, and in no body that was built since."""
    register = records.world.register
    assert register is not None
    for request in records.new_requests:
        if request.action is Action.ADD and (wrong := request.members & people(register.barred)):
            yield f"request {request.id} is to add {sorted(wrong)}, who may not be sent"
    for request, keys in _added(records):
        for number in request.members & people(register.barred):
            late = request.read_at is not None and request.read_at > register.barred[number]
            held = {
                key for key in register.keys(number) if not _another(records, request, number, key)
            }
            if late and keys & held:
                yield f"request {request.id} carries a key of {number}, who may not be sent"


def who_may_not_be_sent_is_out(records: Records) -> Iterator[str]:
    """I-58: they are removed wherever they were."""
    register = records.world.register
    assert register is not None
    for audience, there in standing(records):
        for number in sorted(register.barred):
            for key in sorted(register.keys(number) & there):
                others = register.holders(key) - register.barred.keys()
                yes = number not in register.opted_out or key in register.gained_late
                if others and yes:
                    continue
                name = key[0]
                yield f"audience {audience.id}: the {name.value} of {number} is in, unwilling"
        records.world.hits["barred and out"] += len(register.barred)


def the_erased_are_not_sent(records: Records) -> Iterator[str]:
    """I-56: an erased key is in no addition that was built since, and nobody alive holds one."""
    register = records.world.register
    assert register is not None
    for request, keys in _added(records):
        for name, digest in keys & register.buried.keys():
            if request.read_at is not None and request.read_at > register.buried[name, digest]:
                yield f"request {request.id} adds an erased {name.value}"
    for number in sorted(records.alive):
        for name, digest in records.world.keys[number].items():
            if (name, digest) in register.buried:
                yield f"{number} has an erased {name.value}"


def a_receipt_is_true(records: Records) -> Iterator[str]:
    """I-55: once an erasure is confirmed, no audience holds a key of it, and no request of before
    can bring one back."""
    world, register = records.world, records.world.register
    assert register is not None
    for receipt, confirmed_at in snapshots.erasures(records.eyes):
        if confirmed_at is None or receipt in register.confirmed:
            continue
        register.confirmed.add(receipt)
        # Whoever else held a key may have brought it, and is followed by themselves.
        keys = {key for key in register.erasures[receipt] if len(register.ever[key]) == 1}
        world.hits["erasure confirmed"] += 1
        for audience, there in standing(records):
            if left := {key for key in there & keys if not _leaves(records, audience.id, key)}:
                yield f"erasure {receipt} is confirmed, and {audience.id} holds {len(left)}"
        for request in records.requests.values():
            open_ = request.flying or (
                request.window_end is not None and request.window_end > world.now
            )
            if request.action is Action.ADD and open_ and request.sent and keys & request.carried:
                yield f"erasure {receipt} is confirmed, and request {request.id} may still bite"


def _leaves(records: Records, audience: AudienceId, key: Key) -> bool:
    """Is TikTok about to process a removal of the key?"""
    return any(
        request.window_end is not None and request.window_end > records.world.now
        for request in records.requests.values()
        if request.audience == audience
        and request.action is Action.REMOVE
        and key in request.carried
    )


def the_erased_are_out(records: Records) -> Iterator[str]:
    """I-55: in the end every erasure is confirmed, and no audience holds anybody of it."""
    world, register = records.world, records.world.register
    assert register is not None
    for audience, there in standing(records):
        for name, _ in sorted(there & register.buried.keys()):
            yield f"audience {audience.id}: an erased {name.value} is in"
    if all(one.ref in world.sandbox.world.audiences for one in world.audiences):
        for receipt in sorted(register.erasures.keys() - register.confirmed):
            yield f"erasure {receipt} is not confirmed, though all has come to rest"


def only_what_is_asked_leaves(records: Records) -> Iterator[str]:
    """I-59: additions carry fields that a step asked for and the workspace let out, as SHA-256."""
    world, register = records.world, records.world.register
    assert register is not None
    for arrival in records.new_arrivals:
        if arrival.action is Action.ADD and set(arrival.fields) - set(register.allowed):
            yield f"arrival {arrival.id} asks for {arrival.fields}, more than may leave"
    for request, keys in _added(records):
        asked = {
            name
            for one in records.arrivals.values()
            if one.audience == request.audience and one.action is Action.ADD
            for name in one.fields
        }
        if {name for name, _ in keys} - asked:
            yield f"request {request.id} carries a field that nobody asked for"
    if world.sandbox.log.broken["an id that is not SHA-256"]:
        yield "TikTok was sent an id that is not SHA-256"


def _added(records: Records) -> Iterator[tuple[RequestRow, set[Key]]]:
    """Additions that left since the last look, and what they carried."""
    for flight in records.flights:
        request = records.requests.get(flight.claimed.id)
        if flight.sent is not None and request is not None and request.action is Action.ADD:
            yield request, set(flight.sent.keys)


def _another(records: Records, request: RequestRow, number: int, key: Key) -> bool:
    """Does somebody else in the request hold the key, who may be sent?"""
    register = records.world.register
    assert register is not None
    return bool((register.holders(key) - {number} - register.barred.keys()) & set(request.members))
