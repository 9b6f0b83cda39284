"""Devices: a person's phones and tablets with their advertising ids.

Those of the people whom `profiles.upsert` has staged, inside its transaction; and others of theirs.
"""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.match_field import MatchField
from towpath.store import tombstones
from towpath.store.database import Db
from towpath.store.queries import queries


def write_merged(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """Write the devices of the merged people, and what was said of tracking."""
    sql = queries("devices")
    db.execute(sql["upsert_devices"], {"workspace": workspace, "now": now}, prepare=False)
    db.execute(sql["set_tracking"], prepare=False)


def write_older(
    db: Db,
    workspace: WorkspaceId,
    named: Mapping[tuple[int, MatchField, str], bool | None],
    now: Instant,
) -> None:
    """Write these devices (profile, kind, value), each with the word on tracking or None, as just
    older than the one that is handed in now. Those of erased people are passed over.

    Keys are not looked at: hand in the newest device afterwards. In the caller's transaction.
    """
    digests = {
        tombstones.Identity(kind, sha256(value.encode()).digest()): value
        for _, kind, value in named
    }
    erased = {digests[one] for one in tombstones.erased(db, workspace, digests)}
    kept = [one for one in named if one[2] not in erased]
    given = {
        "workspace": workspace,
        "seen_at": now - timedelta(microseconds=1),
        "profiles": [profile for profile, _, _ in kept],
        "kinds": [kind.value for _, kind, _ in kept],
        "values": [value for _, _, value in kept],
        "allowed": [named[one] for one in kept],
    }
    db.execute(queries("devices")["insert_older"], given)
