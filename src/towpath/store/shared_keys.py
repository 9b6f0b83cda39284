"""Shared keys: digests that two or more profiles of a workspace hold, a row for each holder.

They are few (a family's phone, a test address), and only their holders take delivery's slow path.
"""

from typing import cast

from towpath.ids import WorkspaceId
from towpath.people.key_group import SharedKey
from towpath.people.match_field import fields_of
from towpath.people.people_set import PeopleSet
from towpath.store.database import Db, int4_array
from towpath.store.number_sets import unpacked
from towpath.store.queries import queries


def write_changes(db: Db, workspace: WorkspaceId) -> None:
    """Make the table right for the keys that `match_keys.write_merged` changed, in its transaction.

    Only right under `workspaces.lock`: two writers would not see each other's new keys.
    """
    sql, given = queries("shared_keys"), {"workspace": workspace}
    db.execute(sql["delete_lost"], given, prepare=False)
    db.execute(sql["delete_lonely"], given, prepare=False)
    db.execute(sql["insert_gained"], given, prepare=False)


def holders(db: Db, workspace: WorkspaceId, members: PeopleSet) -> list[SharedKey]:
    """Every shared key that somebody of `members` holds, with all its holders."""
    if not members:
        return []
    sql, span = queries("shared_keys"), {"low": members.min(), "high": members.max()}
    if db.execute(sql["any_sharing"], span).fetchone() == (False,):
        return []
    given = span | {"workspace": workspace, "members": int4_array(members)}
    rows = db.execute(sql["read_holders"], given, binary=True)
    return [
        SharedKey(
            field=fields_of(cast("int", bit))[0],
            digest=cast("bytes", digest),
            holders=unpacked(held),
            withdrawn=unpacked(withdrawn),
        )
        for bit, digest, held, withdrawn in rows
    ]
