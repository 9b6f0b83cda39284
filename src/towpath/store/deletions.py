"""Deletions: people go for good.

Their consent counts as withdrawn, so their keys go into no audience any more; the match keys stay
for the removals that are due, and go with the erasure's receipt (docs/users.md).
"""

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.people_set import PeopleSet
from towpath.store import workspaces
from towpath.store.database import Db, int4_array
from towpath.store.number_sets import unpacked
from towpath.store.partings import Parting, part
from towpath.store.queries import queries


def delete(db: Db, workspace: WorkspaceId, members: PeopleSet, now: Instant) -> int:
    """Delete these people in one transaction; says how many there were of them.

    Whoever is not of the workspace, or gone already, is passed over. Their external ids and aliases
    may be given anew at once.
    """
    given = {"workspace": workspace, "members": int4_array(members), "now": now}
    with db.transaction():
        workspaces.close_gate(db, workspace)
        row = db.execute(queries("deletions")["withdraw_consent"], given, binary=True).fetchone()
        found = unpacked(row[0] if row else None)
        part(db, workspace, found, Parting.DELETED, now)
    return len(found)
