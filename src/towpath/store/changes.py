"""Changes that live Canvases wait for: an attribute, a column or the consent of a person.

They become events of kind 2 in the transaction that makes the change, so that the intake reads them
in order with all other events. Where nothing is watched it costs one look.
"""

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.events import EventKind, EventName
from towpath.store import events
from towpath.store.database import Db
from towpath.store.queries import queries


def watched(db: Db, workspace: WorkspaceId) -> list[str]:
    """The attributes and columns that somebody waits for; mostly none."""
    return [row[0] for row in db.execute(queries("changes")["read_watched"], (workspace,))]


def append_merged(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """Events for what changes of the people that `profiles.write` merged; call it before they do.

    An event bears the attribute's name, or "consent"; its properties are `value` and `was`.
    """
    names = watched(db, workspace)
    if not names:
        return
    events.ensure_days(db, now)
    events.name_ids(db, workspace, [EventName(EventKind.CHANGE, name) for name in names])
    given = {"workspace": workspace, "names": names, "now": now}
    db.execute(queries("changes")["append_merged"], given, prepare=False)
