"""Segments: filters with a name, which other filters and Canvases may use.

A segment is not a list: whoever asks by it asks anew who matches. It carries a revision, so that
two people who edit it at once do not overwrite each other. Canvases and segments name it, so its
name stays, and it stays itself, as long as one of them does.
"""

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from towpath.clock import Instant
from towpath.errors import ConflictError, InputError, NotFoundError
from towpath.ids import SegmentId, WorkspaceId
from towpath.limits import SEGMENT_NAME_CHARS_MAX
from towpath.people.filter import Filter, to_data
from towpath.people.filter_parse import parse_filter
from towpath.store import filter_known, workspaces
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("segments")


@dataclass(frozen=True, slots=True)
class Segment:
    """A filter with its name, as it was saved."""

    id: SegmentId
    name: str
    filter: Filter
    revision: int
    created_at: Instant
    changed_at: Instant


def create(db: Db, workspace: WorkspaceId, name: str, tree: Filter, now: Instant) -> Segment:
    """Save a new segment. Raises ConflictError when the name is taken, InputError for a bad name,
    and what filter_known.read raises for a filter that names what is not there."""
    given = _given(workspace, name, tree, now)
    with db.transaction():
        workspaces.lock(db, workspace)  # two who save at once must see each other's circle
        filter_known.read(db, workspace, tree, now, own=name)
        made = _one(db, "insert_segment", given)
    if made is None:
        raise _taken(name)
    return made


def save(
    db: Db,
    workspace: WorkspaceId,
    segment: SegmentId,
    name: str,
    tree: Filter,
    *,
    revision: int,
    now: Instant,
) -> Segment:
    """Replace the segment that was read at `revision`. Saving what is there changes nothing.

    Raises NotFoundError; ConflictError when somebody saved meanwhile, the name is taken, or a used
    segment shall get another name; and as `create`.
    """
    given = _given(workspace, name, tree, now) | {"segment": segment}
    with db.transaction():
        workspaces.lock(db, workspace)
        found = _one(db, "lock_segment", given)
        if found is None:
            raise _missing()
        if found.revision != revision:
            raise ConflictError(
                f"{found.name} is at revision {found.revision} now; you read revision {revision}.",
                remedy="Read it again, and repeat your change.",
                field="revision",
            )
        if (found.name, found.filter) == (name, tree):
            return found
        if found.name != name:
            if _exists(db, given):
                raise _taken(name)
            _check_unused(db, workspace, found, "keeps its name")
        filter_known.read(db, workspace, tree, now, own=name)
        saved = _one(db, "update_segment", given)
    assert saved is not None
    return saved


def read(db: Db, workspace: WorkspaceId, segment: SegmentId) -> Segment:
    """A segment. Raises NotFoundError."""
    found = _one(db, "read_segment", {"workspace": workspace, "segment": segment})
    if found is None:
        raise _missing()
    return found


def find(db: Db, workspace: WorkspaceId, name: str) -> Segment | None:
    """The segment of that name, if there is one."""
    return _one(db, "find_segment", {"workspace": workspace, "name": name})


def list_page(db: Db, workspace: WorkspaceId, *, after: str, limit: int) -> list[Segment]:
    """The workspace's segments by name, from the one after `after` ("": from the first)."""
    given = {"workspace": workspace, "after": after, "limit": limit}
    return [_segment(row) for row in db.execute(_SQL["list_segments"], given)]


def delete(db: Db, workspace: WorkspaceId, segment: SegmentId) -> None:
    """Delete a segment that nothing names. Raises NotFoundError, ConflictError."""
    given = {"workspace": workspace, "segment": segment}
    with db.transaction():
        workspaces.lock(db, workspace)
        found = _one(db, "lock_segment", given)
        if found is None:
            raise _missing()
        _check_unused(db, workspace, found, "cannot be deleted")
        db.execute(_SQL["delete_segment"], given)


def used_by(db: Db, workspace: WorkspaceId, name: str) -> list[str]:
    """What names the segment, as in `Canvas Winback`: segments, drafts, versions with people."""
    given = {"workspace": workspace, "name": name, "named": Jsonb({"name": name})}
    return [f"{kind} {user}" for kind, user in db.execute(_SQL["read_users"], given)]


def _check_unused(db: Db, workspace: WorkspaceId, found: Segment, words: str) -> None:
    users = used_by(db, workspace, found.name)
    if users:
        more = f" and {len(users) - 3} more" if len(users) > 3 else ""
        raise ConflictError(
            f"{found.name} {words}: it is used by {', '.join(users[:3])}{more}.",
            remedy="Take it out there first.",
            field="segment",
        )


def _given(workspace: WorkspaceId, name: str, tree: Filter, now: Instant) -> dict[str, Any]:
    if not name.strip() or len(name) > SEGMENT_NAME_CHARS_MAX or not name.isprintable():
        raise InputError(
            f"a name of 1 to {SEGMENT_NAME_CHARS_MAX} characters in one line is needed.",
            field="segment",
        )
    return {"workspace": workspace, "name": name, "filter": Jsonb(to_data(tree)), "now": now}


def _exists(db: Db, given: dict[str, Any]) -> bool:
    row = db.execute(_SQL["name_is_taken"], given).fetchone()
    return row is not None and bool(row[0])


def _one(db: Db, name: str, given: dict[str, Any]) -> Segment | None:
    row = db.execute(_SQL[name], given).fetchone()
    return None if row is None else _segment(row)


def _segment(row: tuple[Any, ...]) -> Segment:
    return Segment(SegmentId(row[0]), row[1], parse_filter(row[2]), *row[3:])


def _missing() -> NotFoundError:
    return NotFoundError("There is no such segment in this workspace.", field="segment")


def _taken(name: str) -> ConflictError:
    return ConflictError(
        f"There is a segment named {name} already.", remedy="Choose another name.", field="segment"
    )
