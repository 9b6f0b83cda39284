"""User updates: what a step of a Canvas changes in the profiles of the people who came to it.

A wave is a few statements, whatever its size; only who really changes is written, and what live
Canvases watch becomes events as in `profiles.upsert`, whose table and statements serve here too.
"""

import msgspec

from towpath.canvas.steps.user_update import COLUMNS, UNSET_ONLY, UserUpdate
from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.limits import (
    ARRAY_MAX,
    ATTRIBUTES_PER_PROFILE_MAX,
    NUMBER_DIGITS_MAX,
    WAVE_PEOPLE_MAX,
)
from towpath.people.people_set import PeopleSet, cut
from towpath.store import changes, workspaces
from towpath.store.database import Db, int4_array
from towpath.store.queries import queries

_JSON = msgspec.json.Encoder(decimal_format="number")


def apply(
    db: Db, workspace: WorkspaceId, update: UserUpdate, members: PeopleSet, now: Instant
) -> int:
    """Change these people's profiles in one transaction; gives how many are different now.

    What cannot be done to somebody is left as it is: no number to be increased, a number of more
    than NUMBER_DIGITS_MAX digits, no list to be added to, a list that would exceed ARRAY_MAX, new
    names beyond ATTRIBUTES_PER_PROFILE_MAX. Whoever is gone is passed over.
    """
    mine, upsert = queries("user_updates"), queries("profiles")
    bounds = {
        "list_max": ARRAY_MAX,
        "attributes_max": ATTRIBUTES_PER_PROFILE_MAX,
        "number_max": f"1e{NUMBER_DIGITS_MAX}",
    }
    given = {"workspace": workspace, "now": now, **bounds, **_given(update)}
    changed = 0
    with db.transaction():
        workspaces.lock(db, workspace)
        db.execute(upsert["create_merged"])
        for piece in cut(members, WAVE_PEOPLE_MAX):
            db.execute(mine["forget_merged"])
            staged = given | {"members": int4_array(piece)}
            db.execute(mine["stage_updates"], staged, prepare=False)
            changes.append_merged(db, workspace, now)
            changed += db.execute(upsert["update_changed"], given, prepare=False).rowcount
    return changed


def _given(update: UserUpdate) -> dict[str, object]:
    own = COLUMNS.keys() | UNSET_ONLY
    columns: dict[str, object] = {
        name: value for name, value in update.values.items() if name in own
    }
    columns |= {name: None for name in update.unset if name in own}
    free = {name: value for name, value in update.values.items() if name not in own}
    return {
        "columns": _text(columns),
        "free": _text(free),
        "increment": _text(update.increment),
        "added": _text(update.members),
        "removed": _text(update.strangers),
        "unset": [name for name in update.unset if name not in own],
    }


def _text(value: object) -> str:
    return _JSON.encode(value).decode()
