"""The people door: which people match a filter, and which of these people do.

Profiles are reached by set-wise questions through here, so that one day another engine may answer
them for a billion people. The third question, what are these people's match keys, stands with
delivery. Asked by ranges of profile numbers, ten million people go through flat memory: a million
numbers are 4 MB on the wire and at most 128 kB as a set.
"""

from typing import Any

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.filter import Filter
from towpath.people.people_set import PeopleSet, people
from towpath.store.database import Db, int4_array
from towpath.store.filter_sql import compile_filter
from towpath.store.number_sets import unpacked
from towpath.store.queries import queries


def matching(
    db: Db, workspace: WorkspaceId, tree: Filter | None, low: int, high: int, now: Instant
) -> PeopleSet:
    """Who of the workspace matches at `now`, of the numbers `low` up to, not including, `high`."""
    given = {"workspace": workspace, "low": low, "high": high, "now": now}
    return _ask(db, "read_matching", tree, given)


def matching_of(
    db: Db, workspace: WorkspaceId, tree: Filter | None, members: PeopleSet, now: Instant
) -> PeopleSet:
    """Who of these people matches at `now`. Whoever is not of the workspace does not."""
    if not members:
        return people()
    given = {"workspace": workspace, "members": int4_array(members), "now": now}
    return _ask(db, "read_matching_of", tree, given)


def highest_number(db: Db, workspace: WorkspaceId) -> int:
    """The highest profile number of the workspace, where its ranges end; -1 when it has nobody."""
    given = {"workspace": workspace}
    row = db.execute(queries("people_door")["read_highest_number"], given).fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


def _ask(db: Db, name: str, tree: Filter | None, given: dict[str, Any]) -> PeopleSet:
    condition, values = compile_filter(tree)
    statement = queries("people_door")[name].replace(b":filter", condition)
    row = db.execute(statement, given | values, binary=True).fetchone()
    assert row is not None
    return unpacked(row[0])
