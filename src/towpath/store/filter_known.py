"""What the names in a filter stand for, read before people are asked about.

Segments become filters, events ids, Canvases and audiences sets of people. Whatever is not there
any more stops the question: an exclusion that silently excludes nobody would send the wrong people.
"""

from collections.abc import Mapping
from typing import Any

from towpath.clock import Instant
from towpath.errors import ConflictError, NotFoundError
from towpath.ids import AudienceId, WorkspaceId
from towpath.ledger.state import FieldState
from towpath.people.events import EventKind
from towpath.people.filter import (
    Did,
    EnteredCanvas,
    Filter,
    InAudience,
    InsideCanvas,
    Member,
    Moment,
    Standing,
    resolve,
)
from towpath.people.filter_names import check_segments, member_rules, names_of, rules
from towpath.people.filter_parse import parse_filter
from towpath.people.people_set import PeopleSet, load, people, union
from towpath.store import ledgers
from towpath.store.database import Db
from towpath.store.filter_sql_parts import Known
from towpath.store.queries import queries

_SQL = queries("filter_known")


def read(
    db: Db, workspace: WorkspaceId, tree: Filter | None, now: Instant, *, own: str = ""
) -> Known:
    """All that asking by this filter needs; nothing is read for a filter that names nothing.

    `own` is the segment that the filter is for. Raises NotFoundError (a Canvas or an audience),
    ConflictError (two audiences of the name), InputError (segments: check_segments).
    """
    segments = _segments(db, workspace, tree)
    check_segments(tree, segments, own=own)
    trees = [found for found in (tree, *segments.values()) if found is not None]
    return Known(
        now,
        segments,
        _event_ids(db, workspace, trees),
        {
            rule: _members(db, workspace, rule, now)
            for found in trees
            for rule in member_rules(found)
        },
    )


def _segments(db: Db, workspace: WorkspaceId, tree: Filter | None) -> dict[str, Filter]:
    """Every segment that the filter reaches, those that exist."""
    found: dict[str, Filter] = {}
    seen: set[str] = set()
    wanted = set(names_of(tree).segments)
    while wanted:
        given = {"workspace": workspace, "names": list(wanted)}
        seen |= wanted
        rows = db.execute(_SQL["read_filters"], given).fetchall()
        fresh = {name: parse_filter(data, name) for name, data in rows}
        found |= fresh
        wanted = {name for inner in fresh.values() for name in names_of(inner).segments} - seen
    return found


def _event_ids(
    db: Db, workspace: WorkspaceId, trees: list[Filter]
) -> Mapping[tuple[EventKind, str], int]:
    named = {
        (rule.kind, name)
        for tree in trees
        for rule in rules(tree)
        if isinstance(rule, Did)
        for name in rule.names
    }
    if not named:
        return {}
    kinds, names = zip(*named, strict=True)
    given = {"workspace": workspace, "kinds": [int(kind) for kind in kinds], "names": list(names)}
    rows = db.execute(_SQL["read_event_ids"], given).fetchall()
    return {(EventKind(kind), name): number for kind, name, number in rows}


def _members(db: Db, workspace: WorkspaceId, rule: Member, now: Instant) -> PeopleSet:
    match rule:
        case EnteredCanvas(name, window):
            given = {
                "canvas": _canvas(db, workspace, name),
                "since": _at(window.since, now),
                "before": _at(window.before, now),
            }
            rows = db.execute(_SQL["read_entered_between"], given, binary=True)
            return union(load(row[0]) for row in rows)
        case InsideCanvas(name, step):
            return _inside(db, _canvas(db, workspace, name), step)
        case InAudience():
            return _in_audience(db, _audience(db, workspace, rule), rule.standing)


def _at(moment: Moment | None, now: Instant) -> Instant | None:
    return None if moment is None else resolve(moment, now)


def _canvas(db: Db, workspace: WorkspaceId, name: str) -> int:
    given = {"workspace": workspace, "name": name}
    row = db.execute(_SQL["find_canvas_id"], given).fetchone()
    if row is None:
        raise NotFoundError(
            f"there is no Canvas named {name!r}.", remedy="Check the name.", field="filter"
        )
    return int(row[0])


def _inside(db: Db, canvas: int, step: str | None) -> PeopleSet:
    given: dict[str, Any] = {"canvas": canvas, "step": step}
    lanes: dict[int, PeopleSet] = {}
    for lane, members in db.execute(_SQL["read_standing"], given, binary=True):
        lanes[lane] = lanes.get(lane, people()) | load(members)
    for lane, members in db.execute(_SQL["read_leaving"], given, binary=True):
        if lane in lanes:
            lanes[lane] -= load(members)
    return union(lanes.values())


def _audience(db: Db, workspace: WorkspaceId, rule: InAudience) -> AudienceId:
    given = {"name": rule.name, "ref": rule.ref, "ad_account": rule.ad_account}
    rows = db.execute(_SQL["find_audience_ids"], given | {"workspace": workspace}).fetchall()
    if not rows:
        raise NotFoundError(
            "there is no such audience.", remedy="Check its name or id.", field="filter"
        )
    if len(rows) > 1:
        raise ConflictError(
            f"there are {len(rows)} audiences named {rule.name!r}.",
            remedy="Give ad_account, or the audience's id.",
            field="filter",
        )
    return AudienceId(rows[0][0])


def _in_audience(db: Db, audience: AudienceId, standing: Standing) -> PeopleSet:
    state = ledgers.read_all(db, ledgers.peek(db, audience))
    return union(_standing(field, standing) for field in state.fields.values())


def _standing(field: FieldState, standing: Standing) -> PeopleSet:
    match standing:
        case Standing.WANTED:
            return field.want
        case Standing.SYNCED:
            return field.acked
        case Standing.PENDING:
            return field.want - field.acked - field.parked - field.keyless
        case Standing.ERRORED:
            return field.parked
