"""Changes that live Canvases wait for: an attribute, a column or the consent of a person.

They become events of kind 2 in the transaction that makes the change, so that the intake reads them
in order with all other events. Where nothing is watched it costs one look.
"""

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.store import events
from towpath.store.database import Db
from towpath.store.queries import queries


def append_merged(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """Events for what changes of the people that `profiles.upsert` merged; call it before they do.

    The event bears the attribute's name, or "consent"; its properties are `value` and `was`.
    """
    sql = queries("changes")
    names = [row[0] for row in db.execute(sql["read_watched"], (workspace,))]
    if not names:
        return
    events.ensure_days(db, now)
    given = {"workspace": workspace, "names": names, "now": now}
    db.execute(sql["insert_names"], given)
    db.execute(sql["append_merged"], given, prepare=False)
