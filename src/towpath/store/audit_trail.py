"""The audit trail: who did what that others must be able to look up later, in a chain of digests.

Each entry's digest covers the one before (I-61), so whoever changes, removes or slips in an entry
breaks the chain there; the database itself refuses updates and deletions. What a chain cannot show
is that its newest entries are gone: note the digest of the newest one elsewhere, and compare.
Details never hold anything of the people in Canvases, nor a secret.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC

from psycopg.rows import class_row

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.limits import AUDIT_TRAIL_ROWS
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("audit_trail")
_FIRST = bytes(32)

TERMINAL = "terminal"
"""Who acts by a command."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `number` rises by one from 1; `details` is a JSON object, as it was written."""

    number: int
    at: Instant
    actor: str
    action: str
    object: str
    details: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of the chain found: `entries` hold, up to the `head` digest (None: there is no
    entry). `broken`: the number of the first entry that does not hold, None: all do."""

    entries: int
    head: bytes | None
    broken: int | None


def append(
    db: Db,
    workspace: WorkspaceId,
    actor: str,
    action: str,
    object: str,  # noqa: A002 - the word of everybody who reads a trail
    details: Mapping[str, object],
    now: Instant,
) -> int:
    """Write an entry; gives its number. Call it in the transaction of what it tells of: both are
    there or neither is. Writers of a workspace take turns until that transaction ends."""
    with db.transaction():
        db.execute(_SQL["take_turns"], (workspace,))
        row = db.execute(_SQL["read_newest"], (workspace,)).fetchone()
        number, before = (row[0] + 1, bytes(row[1])) if row else (1, _FIRST)
        text = json.dumps(details, ensure_ascii=False, sort_keys=True, default=str)
        entry = Entry(number, now, actor, action, object, text, b"")
        given = {"workspace": workspace, "number": number, "at": now, "actor": actor}
        given |= {"action": action, "object": object, "details": text}
        db.execute(_SQL["append_entry"], given | {"digest": _digest(workspace, before, entry)})
    return number


@contextmanager
def noted(
    db: Db,
    workspace: WorkspaceId,
    actor: str,
    action: str,
    where: str,
    now: Instant,
) -> Iterator[dict[str, object]]:
    """What is done inside is done together with the entry that tells of it, or not at all. Gives
    the entry's details, to be filled; `where` is the object."""
    details: dict[str, object] = {}
    with db.transaction():
        yield details
        append(db, workspace, actor, action, where, details, now)


def read_page(db: Db, workspace: WorkspaceId, *, after: int, limit: int) -> list[Entry]:
    """Entries in their order, from the one after number `after`."""
    with db.cursor(row_factory=class_row(Entry)) as cursor:
        given = {"workspace": workspace, "after": after, "limit": limit}
        return cursor.execute(_SQL["list_entries"], given).fetchall()


def verify(db: Db, workspace: WorkspaceId) -> Verified:
    """Reckon the whole chain again, some rows at a time."""
    before, after = _FIRST, 0
    while found := read_page(db, workspace, after=after, limit=AUDIT_TRAIL_ROWS):
        for entry in found:
            if entry.number != after + 1 or _digest(workspace, before, entry) != entry.digest:
                return Verified(after, before if after else None, after + 1)
            before, after = entry.digest, entry.number
    return Verified(after, before if after else None, None)


def _digest(workspace: WorkspaceId, before: bytes, entry: Entry) -> bytes:
    """SHA-256 over the digest before and all fields, as a JSON list: no two can be taken for each
    other. The moment is in microseconds, which is what the database keeps."""
    moment = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = [workspace, entry.number, moment, entry.actor, entry.action, entry.object]
    return hashlib.sha256(before + json.dumps([*fields, entry.details]).encode()).digest()
