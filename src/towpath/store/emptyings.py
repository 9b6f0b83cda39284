"""Emptying: before a connection is cut, everybody in its audiences is removed, if that is wanted.

A mark in each ledger says that nobody is wanted any more, and who still waits is superseded; the
removals then leave as all do. Canvases that would add people meanwhile must rest before.
"""

from collections.abc import Sequence
from datetime import timedelta

from towpath.clock import Instant
from towpath.ids import AudienceId, WorkspaceId
from towpath.ledger.arrivals import Closing, supersede
from towpath.ledger.events import Arrived, Marked, MarkKind
from towpath.people.action import Action
from towpath.people.people_set import people, union
from towpath.store import arrivals, ledgers, people_door, requests, tallies
from towpath.store.database import Db

CAUSE = "disconnected"


def empty(db: Db, workspace: WorkspaceId, audiences: Sequence[AudienceId], now: Instant) -> None:
    """Nobody is wanted in these audiences any more: a transaction an audience."""
    everybody = people()
    everybody.add_range(0, people_door.highest_number(db, workspace) + 1)
    for audience in audiences:
        with db.transaction():
            ledger = ledgers.lock(db, audience)
            ledgers.open_people(db, ledger, everybody)
            sets = [ledger.state.of(name) for name in ledger.fields]
            unwanted = union(one.want | one.parked for one in sets)
            if unwanted:
                mark = Marked(MarkKind.UNWANTED, ledger.fields, unwanted)
                ledgers.mark(db, ledger, mark, now, CAUSE)
            opened = arrivals.read_open(db, audience, everybody)
            closing = Closing.of(opened.arrivals)
            in_flight = requests.in_flight(db, audience).members[Action.ADD]
            contrary = Arrived(Action.REMOVE, ledger.fields, everybody)
            supersede(closing, contrary, opened.arrivals, in_flight)
            ledger.due(now, timedelta(0))
            # Their counters are locked in one order, as everywhere.
            tallies.add(db, {place: tallies.Change() for place in opened.places.values()})
            arrivals.write_closed(db, audience, opened, closing, now)
            ledgers.close(db, ledger, now)


def left(db: Db, audiences: Sequence[AudienceId]) -> int:
    """How many removals are still to be acknowledged, over all of these audiences."""
    count = 0
    for audience in audiences:
        with db.transaction():
            state = ledgers.read_all(db, ledgers.peek(db, audience))
            flying = requests.in_flight(db, audience).members[Action.ADD]
        count += len(union(state.due(Action.REMOVE).values()) | flying)
    return count
