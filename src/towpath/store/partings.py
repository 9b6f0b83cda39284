"""Partings: what it takes for a profile number to go, by a merge or a deletion.

The number stays for the ledger, with its match keys, until what it left at a partner is gone; all
else goes in the caller's one transaction: personal data, standing in Canvases, and the wish to be
in any audience. A removal is due then wherever a key of theirs may be, and the engine's own rules
for shared keys decide what of it is sent (architecture 4, "A merge of profiles"; 5, Keys).
"""

from collections.abc import Sequence
from enum import StrEnum

from towpath.clock import Instant, seconds
from towpath.ids import AudienceId, CanvasId, WorkspaceId
from towpath.ledger.arrivals import Closing, supersede
from towpath.ledger.events import Arrived, Marked, MarkKind
from towpath.people.action import Action
from towpath.people.people_set import PeopleSet, load, union
from towpath.store import arrivals, exit_sets, ledgers, requests, tallies
from towpath.store.arrivals import OpenArrivals
from towpath.store.database import Db, int4_array
from towpath.store.ledgers import Ledger
from towpath.store.queries import queries

_SQL = queries("partings")
_BELONGINGS = (
    "delete_aliases", "delete_devices", "delete_events", "delete_contexts", "delete_entry_keys",
    "delete_api_entries",
)  # fmt: skip


class Parting(StrEnum):
    """Why a number goes; so it stands with the exits and in the ledger's log."""

    MERGED = "merged"
    DELETED = "deleted"


def part(
    db: Db, workspace: WorkspaceId, members: PeopleSet, parting: Parting, now: Instant
) -> None:
    """Let these people of the workspace go, in the caller's transaction under `workspaces.lock`.

    Aliases, devices and events that they still have go too: a merge moves them away before.
    """
    if not members:
        return
    gone = {"members": int4_array(members), "now": now}
    db.execute(_SQL["blank_profiles"], gone)
    for statement in _BELONGINGS:
        db.execute(_SQL[statement], gone)
    # The engine locks an audience, then exit sets, then counters: so do we, or one would wait for
    # the other. All audiences are locked at once, in one order.
    audiences = [row[0] for row in db.execute(_SQL["lock_audiences"], (workspace,)).fetchall()]
    _leave_canvases(db, workspace, members, parting, now)
    _leave_audiences(db, audiences, members, parting, now)


def _leave_canvases(
    db: Db, workspace: WorkspaceId, members: PeopleSet, parting: Parting, now: Instant
) -> None:
    """Into the exit set of every Canvas and lane in which they stand."""
    standing: dict[tuple[CanvasId, int], PeopleSet] = {}
    for canvas, lane, packed in db.execute(_SQL["read_standing"], (workspace,), binary=True):
        if here := load(packed) & members:
            place = (CanvasId(canvas), lane)
            standing[place] = standing[place] | here if place in standing else here
    for (canvas, lane), here in sorted(standing.items()):
        exit_sets.add(db, canvas, lane, here, parting.value, now)


def _leave_audiences(
    db: Db, audiences: Sequence[AudienceId], members: PeopleSet, parting: Parting, now: Instant
) -> None:
    """Out of `want` everywhere; what they still wait for is superseded."""
    left: list[tuple[Ledger, OpenArrivals, Closing]] = []
    for audience in audiences:
        ledger = ledgers.lock(db, audience)
        ledgers.open_people(db, ledger, members)
        opened, closing = _want_no_more(db, ledger, members, parting, now)
        if ledger.fresh or closing.closed:
            left.append((ledger, opened, closing))
    places = {place for _, opened, _ in left for place in opened.places.values()}
    tallies.add(db, {place: tallies.Change() for place in places})  # locks them in their order
    for ledger, opened, closing in left:
        arrivals.write_closed(db, ledger.head.audience, opened, closing, now)
        ledgers.close(db, ledger, now)


def _want_no_more(
    db: Db, ledger: Ledger, members: PeopleSet, parting: Parting, now: Instant
) -> tuple[OpenArrivals, Closing]:
    """As if a removal had arrived that nobody counts: of who is in flight the answer decides."""
    audience, fields = ledger.head.audience, ledger.fields
    sets = [ledger.state.of(name) for name in fields]
    unwanted = members & union(one.want | one.parked for one in sets)
    if unwanted:
        ledgers.mark(db, ledger, Marked(MarkKind.UNWANTED, fields, unwanted), now, parting.value)
    opened = arrivals.read_open(db, audience, members)
    closing = Closing.of(opened.arrivals)
    if opened.arrivals:
        in_flight = requests.in_flight(db, audience).members[Action.ADD]
        contrary = Arrived(Action.REMOVE, fields, members)
        supersede(closing, contrary, opened.arrivals, in_flight)
    if unwanted & union(ledger.state.due(Action.REMOVE).values()):
        ledger.due(now, seconds(0))
    return opened, closing
