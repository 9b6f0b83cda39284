"""What keys that several people hold mean for a request about to be made (architecture 5, Keys).

Only people who share a key come this way; for everybody else this is one small query a piece.
"""

from dataclasses import dataclass

from towpath.clock import Instant
from towpath.ledger.arrivals import Closing, Counter, Reason, close_at_goal, keyless_everywhere
from towpath.ledger.due import Group
from towpath.ledger.events import Marked, MarkKind, SetByField
from towpath.ledger.sharing import HeldKey, Usable, coholders, turns, usable_keys
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import arrivals, ledgers, shared_keys
from towpath.store.database import Db
from towpath.store.ledgers import Ledger


@dataclass(frozen=True, slots=True)
class Sendable:
    """A piece that may be sent: who, who of them share a key, with whom, and what is left out.

    `members` may be nobody: whoever is missing waits for a co-holder, or was stopped.
    """

    fields: tuple[MatchField, ...]
    members: PeopleSet
    sharing: PeopleSet
    coholders: PeopleSet
    omitted: SetByField


def held_keys(
    db: Db, ledger: Ledger, members: PeopleSet, fields: tuple[MatchField, ...]
) -> list[HeldKey]:
    """The shared keys that these people hold, of these fields."""
    found = shared_keys.holders(db, ledger.head.workspace, members)
    return [HeldKey(key.field, key.holders, key.withdrawn) for key in found if key.field in fields]


def settle_shared(
    db: Db, ledger: Ledger, action: Action, piece: Group, in_flight: PeopleSet, now: Instant
) -> Sendable:
    """Decide on the shared keys of a piece: who of it can go now.

    Whoever has nothing left to send leaves here, counted as not synced: blocked, or still wanted.
    """
    keys = held_keys(db, ledger, piece.members, piece.fields)
    if not keys:
        return Sendable(piece.fields, piece.members, people(), people(), {})
    ledgers.open_people(db, ledger, union(key.holders for key in keys))
    sharing = union(key.holders for key in keys) & piece.members
    going = turns(keys, sharing, in_flight).go
    wanted = wanted_with_key(ledger, piece.fields)
    usable = usable_keys(keys, action, going, wanted)
    stopped = _stop(db, ledger, action, piece.fields, going, usable, now)
    going = going - stopped
    members = (piece.members - sharing) | going
    left_out = _left_out(ledger, keys, usable)
    omitted = {found: left & going for found, left in left_out.items() if left & going}
    bound = coholders(keys, going, left_out)
    ledgers.open_people(db, ledger, bound)
    return Sendable(piece.fields, members, going, bound, omitted)


def _left_out(ledger: Ledger, keys: list[HeldKey], usable: Usable) -> SetByField:
    """By field, whose shared key does not go: it may not, or the ledger does not know that they
    have one, since it was blocked when they came. Then no answer moves it, and nothing repeats it.
    """
    found = dict(usable.left_out)
    for key in keys:
        unknown = key.holders & ledger.state.of(key.field).keyless
        found[key.field] = found.get(key.field, people()) | unknown
    return found


def _stop(
    db: Db,
    ledger: Ledger,
    action: Action,
    fields: tuple[MatchField, ...],
    going: PeopleSet,
    usable: Usable,
    now: Instant,
) -> PeopleSet:
    """Record keys that are blocked or still wanted; gives who has nothing left to send."""
    for match_field, holding in usable.holding.items():
        ledgers.mark(db, ledger, Marked(MarkKind.HELD, (match_field,), holding), now)
    if action is Action.ADD:
        for match_field, left in usable.left_out.items():
            ledgers.mark(db, ledger, Marked(MarkKind.KEYLESS, (match_field,), left), now, "blocked")
        _close_blocked(db, ledger, union(usable.left_out.values()), now)
        return keyless_everywhere(ledger.state, fields, going)
    stopped = nothing_left(ledger, fields, going, usable.left_out)
    if stopped:
        ledgers.mark(db, ledger, Marked(MarkKind.LEFT, fields, stopped), now)
        opened = arrivals.read_open(db, ledger.head.audience, stopped)
        closing = Closing.of(opened.arrivals)
        for arrival in opened.arrivals:
            if arrival.action is action:
                closing.close(arrival, Counter.NOT_SYNCED, Reason.STILL_WANTED, stopped)
        arrivals.write_closed(db, ledger.head.audience, opened, closing, now)
    return stopped


def _close_blocked(db: Db, ledger: Ledger, blocked: PeopleSet, now: Instant) -> None:
    """Of those who have a blocked key: whoever has no other that an open arrival asked for, and
    whoever is in by all the others, complete without it."""
    opened = arrivals.read_open(db, ledger.head.audience, blocked)
    closing = Closing.of(opened.arrivals)
    close_at_goal(closing, ledger.state, opened.arrivals, blocked)
    for arrival in opened.arrivals:
        if arrival.action is Action.ADD:
            stopped = keyless_everywhere(ledger.state, arrival.fields, blocked)
            closing.close(arrival, Counter.NOT_SYNCED, Reason.BLOCKED, stopped)
    arrivals.write_closed(db, ledger.head.audience, opened, closing, now)


def wanted_with_key(ledger: Ledger, fields: tuple[MatchField, ...]) -> SetByField:
    """By field, who is wanted in the audience and has a key that may be there."""
    return {one: ledger.state.of(one).want - ledger.state.of(one).keyless for one in fields}


def nothing_left(
    ledger: Ledger, fields: tuple[MatchField, ...], members: PeopleSet, left_out: SetByField
) -> PeopleSet:
    """Of `members`: whose every key, of these fields, is left out (or does not exist)."""
    found = members.copy()
    for match_field in fields:
        found &= left_out.get(match_field, people()) | ledger.state.of(match_field).keyless
    return found
