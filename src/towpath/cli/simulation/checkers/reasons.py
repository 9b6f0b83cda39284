"""Why people are counted as they are: I-07 to I-10, I-16, and closing at the goal (rule 6)."""

from collections.abc import Iterator

from towpath.cli.simulation.door import Key
from towpath.cli.simulation.records import Book, Records
from towpath.cli.simulation.rows import ArrivalRow, OutcomeRow
from towpath.cli.simulation.world import World
from towpath.engine.deadlines import STOPS
from towpath.ledger.arrivals import meant
from towpath.partners.protocol import Cause
from towpath.people.action import Action
from towpath.people.people_set import PeopleSet, people, union

STOPPING = {*STOPS.app, *STOPS.connection, *STOPS.account}


def synced_was_acknowledged(records: Records) -> Iterator[str]:
    """I-07: whoever is newly synced is there by the last answer about each key asked for.

    An add: every key that may be sent was last acknowledged as added, at least one. A removal: none
    was last heard of otherwise than as removed. For shared keys another holder's wish may differ.
    """
    world = records.world
    for arrival in records.arrivals.values():
        book = records.books[arrival.audience]
        before = records.was_closed.get(arrival.id, {}).get("synced", people())
        fresh = (arrival.acknowledged | arrival.told("synced")) - before
        new = arrival.id not in records.was_closed
        if new and fresh & union(
            r.members for r in records.was_flying.values() if r.audience == arrival.audience
        ):
            yield f"arrival {arrival.id}: synced at once, though in flight"
        for person in fresh:
            yield from _was_acknowledged(world, book, arrival, person)


def _was_acknowledged(world: World, book: Book, arrival: ArrivalRow, person: int) -> Iterator[str]:
    held: list[Key] = [
        (name, world.keys[person][name])
        for name in arrival.fields
        if name in world.keys[person] and person not in book.state.of(name).keyless
    ]
    said = f"arrival {arrival.id}: {person} is synced"
    if arrival.action is Action.ADD:
        if not held:
            yield f"{said} without a key"
        for key in held:
            if not world.blocked(key) and book.words.get(key) != ("applied", Action.ADD):
                yield f"{said}, but of their {key[0]} was last told {book.words.get(key)}"
        return
    for key in held:
        word = book.words.get(key)
        silent = word is None and book.created_here
        if key not in world.sharing and not silent and word != ("applied", Action.REMOVE):
            yield f"{said} as out, but of their {key[0]} was last told {word}"


def not_synced_had_nothing_to_send(records: Records) -> Iterator[str]:
    """I-08: the reason holds; and nobody whom a rule keeps out went into the ledger."""
    world = records.world
    for outcome in records.new_outcomes:
        if outcome.state == "not_synced":
            arrival = records.arrivals[outcome.arrival]
            for person in outcome.members:
                if not _had_reason(records, arrival, outcome, person):
                    yield f"arrival {arrival.id}: {person} is not {outcome.reason}"
    for arrival in records.new_arrivals:
        if arrival.action is Action.ADD:
            without = arrival.members - world.granted
            if without:
                yield f"arrival {arrival.id}: {list(without)} have not granted consent"
            bare = [p for p in arrival.members if not _usable(world, arrival, p)]
            if bare:
                yield f"arrival {arrival.id}: {bare} have no usable key"


def _usable(world: World, arrival: ArrivalRow, person: int) -> list[Key]:
    keys = world.keys_of(people([person]), arrival.fields)
    return [key for key in keys if not world.blocked(key)]


def _had_reason(records: Records, arrival: ArrivalRow, outcome: OutcomeRow, person: int) -> bool:
    world = records.world
    keys = world.keys_of(people([person]), arrival.fields)
    book = records.books[arrival.audience]
    match outcome.reason:
        case "no_consent":
            return person not in world.granted
        case "no_match_key":
            return not keys or (person in world.lost and all(map(world.blocked, keys)))
        case "blocked":
            return bool(keys) and all(map(world.blocked, keys))
        case "still_wanted":
            return _are_left_in(world, book, keys, people([person]))
        case "superseded":
            return _was_superseded(records, arrival, person)
        case _:
            return outcome.reason == "left_canvas"


def _are_left_in(world: World, book: Book, keys: set[Key], alone: PeopleSet) -> bool:
    """Is each key wanted by somebody else, or out already? One at least is wanted."""
    held = {key for key in keys if (world.sharing.get(key, alone) - alone) & book.wanted(key[0])}
    out = (None, ("applied", Action.REMOVE))
    alone_held = keys - held - world.sharing.keys()
    return bool(held) and all(book.words.get(key) in out for key in alone_held)


def _was_superseded(records: Records, arrival: ArrivalRow, person: int) -> bool:
    later = any(
        person in other.members
        for other in records.arrivals.values()
        if other.audience == arrival.audience
        and other.action is not arrival.action
        and other.seq > arrival.seq
    )
    flying = any(
        person in r.members for r in records.flying(arrival.audience) if r.action is arrival.action
    )
    return later and not flying


def errored_was_tried_for_the_window(records: Records) -> Iterator[str]:
    """I-09: errored after the whole window and an attempt, or for a definite refusal."""
    world = records.world
    for outcome in records.new_outcomes:
        if outcome.state != "errored":
            continue
        arrival = records.arrivals[outcome.arrival]
        if outcome.request is None and outcome.code is None:
            yield f"arrival {arrival.id}: errored without a request or a code"
        if outcome.reason == "refused":
            request = records.requests[outcome.request or 0]
            if request.members != outcome.members or request.answer[6] != "rows":
                yield f"arrival {arrival.id}: {list(outcome.members)} were not refused alone"
            continue
        if outcome.at < arrival.arrived_at + world.setting.windows.give_up:
            yield f"arrival {arrival.id}: given up before its window ended"
        untried = outcome.members - attempted(records, arrival)
        if untried:
            yield f"arrival {arrival.id}: {list(untried)} were given up without an attempt"


def attempted(records: Records, arrival: ArrivalRow) -> PeopleSet:
    """Who of an arrival may be given up on: an attempt of theirs was answered since it came, and
    since our last outage; or one that stopped everybody, perhaps of another audience only."""
    world = records.world
    since = max(arrival.arrived_at, world.steady_since)
    for request in records.requests.values():
        told = request.state in ("refused", "unknown") and request.answer[6] in STOPPING
        if told and request.started_at >= since:
            return arrival.members
    if world.probe_refused_at is not None and world.probe_refused_at >= since:
        return arrival.members
    return tried(records, arrival)


def tried(records: Records, arrival: ArrivalRow) -> PeopleSet:
    """Who of an arrival was in an answered request of its own action since then, that was sent."""
    world = records.world
    since = max(arrival.arrived_at, world.steady_since)
    return union(
        request.members
        for request in records.requests.values()
        if request.audience == arrival.audience
        and request.action is arrival.action
        and request.started_at >= since
        and not request.flying
        and request.answer[6] != Cause.NONE.value
    )


def nobody_waits_beyond_the_window(records: Records) -> Iterator[str]:
    """I-10: once deadlines were looked at, nobody who was attempted waits beyond the window."""
    world = records.world
    if not world.deadlines_quiet:
        return
    for arrival in records.arrivals.values():
        if arrival.waiting and arrival.deadline is not None and arrival.deadline <= world.now:
            late = arrival.waiting & tried(records, arrival)
            if late:
                yield f"arrival {arrival.id}: {list(late)} wait beyond the window"


def superseded_is_counted(records: Records) -> Iterator[str]:
    """I-16: after a later contrary arrival only who is in flight the first way still waits,
    or of whom all that they asked is wanted again."""
    for arrival in records.arrivals.values():
        if not arrival.waiting:
            continue
        latest = records.books[arrival.audience].latest[arrival.action.contrary]
        flying = union(
            r.members for r in records.flying(arrival.audience) if r.action is arrival.action
        )
        state = records.books[arrival.audience].state
        forgotten = (arrival.waiting & latest) - flying
        forgotten -= meant(state, arrival.action, arrival.fields, forgotten)
        if forgotten:
            yield f"arrival {arrival.id}: {list(forgotten)} wait, though superseded"


def at_goal_is_closed(records: Records) -> Iterator[str]:
    """Rule 6: whoever is where they are wanted, and in no request, does not wait."""
    for arrival in records.arrivals.values():
        if not arrival.waiting:
            continue
        state = records.books[arrival.audience].state
        flying = records.flying(arrival.audience)
        busy = union(r.members | r.coholders for r in flying)
        free = meant(state, arrival.action, arrival.fields, arrival.waiting - busy)
        done = state.at_goal(arrival.action, arrival.fields, free)
        if done:
            yield f"arrival {arrival.id}: {list(done)} wait, though nothing is left to do"
