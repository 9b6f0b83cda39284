"""External ids: the name under which the caller's own systems know a person."""

from collections.abc import Mapping, Sequence

from towpath.ids import WorkspaceId
from towpath.people.whose import Who, WhoKind
from towpath.store import identities
from towpath.store.database import Db
from towpath.store.queries import queries


def of(db: Db, numbers: Sequence[int]) -> dict[int, str]:
    """The external ids of these profile numbers; who has none is not in it."""
    rows = db.execute(queries("external_ids")["read_names"], (list(numbers),))
    return {int(number): str(name) for number, name in rows}


def owners(db: Db, workspace: WorkspaceId, names: Sequence[str]) -> dict[str, int]:
    """Whose these external ids are; one that is free is not in it."""
    found = identities.resolve(db, workspace, [Who(WhoKind.EXTERNAL_ID, name) for name in names])
    return {who.key: number for who, number in found.items()}


def give(db: Db, given: Mapping[int, str]) -> None:
    """These people have these external ids now, which are free. Under `workspaces.lock`."""
    if given:
        db.execute(queries("external_ids")["set_names"], (list(given), list(given.values())))
