"""Partings: what it takes for a profile number to go, by a merge, a deletion or an erasure.

The number stays for the ledger, with its match keys, until what it left at a partner is gone; all
else goes in the caller's one transaction: personal data, standing in Canvases, and the wish to be
in any audience. A removal is due then wherever a key of theirs may be, and the engine's own rules
for shared keys decide what of it is sent (architecture 4, "A merge of profiles"; 5, Keys).
"""

from enum import StrEnum

from towpath.clock import Instant
from towpath.ids import CanvasId, WorkspaceId
from towpath.people.people_set import PeopleSet, load
from towpath.store import consents, exit_sets, stray_keys
from towpath.store.database import Db, int4_array
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
    ERASED = "erased"


def part(
    db: Db, workspace: WorkspaceId, members: PeopleSet, parting: Parting, now: Instant
) -> int | None:
    """Let these people of the workspace go, in the caller's transaction under
    `workspaces.close_gate`;
    gives the stray's id by which they are followed (`stray_receipts`), None: there was nobody.

    Aliases, devices and events that they still have go too: a merge moves them away before.
    """
    if not members:
        return None
    gone = {"workspace": workspace, "members": int4_array(members), "now": now}
    db.execute(_SQL["blank_profiles"], gone)
    for statement in _BELONGINGS:
        db.execute(_SQL[statement], gone)
    # The engine locks an audience, then exit sets, then counters: so do we, or one would wait for
    # the other. All audiences are locked at once, in one order.
    stray_keys.lock_audiences(db, workspace)
    _leave_canvases(db, workspace, members, parting, now)
    stray = stray_keys.turn_all(db, workspace, members, stray_keys.Reason(parting.value), now)
    if parting is not Parting.MERGED:
        consents.leave_out(db, workspace, members)
    return stray


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
