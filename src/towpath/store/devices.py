"""Devices: a person's phones and tablets with their advertising ids.

Works on the people that `profiles.upsert` has staged, inside its transaction.
"""

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.store.database import Db
from towpath.store.queries import queries


def write_merged(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """Write the devices of the merged people, and what was said of tracking."""
    sql = queries("devices")
    db.execute(sql["upsert_devices"], {"workspace": workspace, "now": now}, prepare=False)
    db.execute(sql["set_tracking"], prepare=False)
