"""Namesakes: everybody who has an e-mail or phone, where a caller says which of them is meant."""

from collections.abc import Iterable

from towpath.ids import WorkspaceId
from towpath.people.prioritization import Namesake
from towpath.people.whose import Who, WhoKind
from towpath.store.database import Db
from towpath.store.queries import queries


def read(db: Db, workspace: WorkspaceId, named: Iterable[Who]) -> dict[Who, list[Namesake]]:
    """Everybody who has these e-mails or phones. Two queries.

    Read under `workspaces.lock` by whoever then writes.
    """
    found: dict[Who, list[Namesake]] = {}
    asked = list(named)
    for kind, statement in ((WhoKind.EMAIL, "read_by_email"), (WhoKind.PHONE, "read_by_phone")):
        keys = {who.key.digest: who for who in asked if who.kind is kind}
        if keys:
            given = {"workspace": workspace, "keys": list(keys)}
            rows = db.execute(queries("namesakes")[statement], given, binary=True)
            for digest, *namesake in rows:
                found.setdefault(keys[digest], []).append(Namesake(*namesake))
    return found
