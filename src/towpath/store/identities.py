"""Identities: whom callers mean by an external id, an alias, a profile id, an e-mail or a phone.

All of a batch are looked up at once, a query a kind. Two people may have one e-mail or phone: then
the one whose profile changed last is meant, as with Braze.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from towpath.ids import WorkspaceId
from towpath.people.whose import Who, WhoKind
from towpath.store import aliases
from towpath.store.database import Db
from towpath.store.queries import queries

_STATEMENTS = {
    WhoKind.EXTERNAL_ID: "resolve_external_ids",
    WhoKind.PROFILE: "resolve_numbers",
    WhoKind.EMAIL: "resolve_emails",
    WhoKind.PHONE: "resolve_phones",
}


def resolve(db: Db, workspace: WorkspaceId, named: Iterable[Who]) -> dict[Who, int]:
    """The profile numbers of these people; who is unknown or gone is not in it.

    Read under `workspaces.lock` by whoever then writes.
    """
    kinds: defaultdict[WhoKind, dict[Any, Who]] = defaultdict(dict)
    for who in named:
        digested = who.kind in {WhoKind.EMAIL, WhoKind.PHONE}
        kinds[who.kind][who.key.digest if digested else who.key] = who
    found: dict[Who, int] = {}
    numbers: Mapping[Any, int]
    for kind, keys in kinds.items():
        if kind is WhoKind.ALIAS:
            numbers = aliases.resolve(db, workspace, list(keys))
        else:
            given = {"workspace": workspace, "keys": list(keys)}
            numbers = dict(db.execute(queries("identities")[_STATEMENTS[kind]], given, binary=True))
        found |= {keys[key]: number for key, number in numbers.items()}
    return found
