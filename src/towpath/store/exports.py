"""Exports: all that is known of a few people, in one snapshot.

For a caller who asks about somebody, never on the way to a partner. Each part is a query or two for
everybody asked for.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from towpath.ids import AudienceId, WorkspaceId
from towpath.people.consent import ConsentState
from towpath.people.people_set import PeopleSet, load, people
from towpath.store import ledgers
from towpath.store.database import Db, int4_array
from towpath.store.queries import queries

Record: TypeAlias = dict[str, Any]
Records: TypeAlias = dict[int, Record]
Part: TypeAlias = Callable[[Db, WorkspaceId, PeopleSet, Records], None]

_SQL = queries("exports")
_COLUMNS = (
    "external_id", "email", "phone", "country", "language", "first_name", "last_name", "dob",
    "time_zone", "custom_attributes", "created_at", "updated_at",
)  # fmt: skip


@contextmanager
def snapshot(db: Db) -> Iterator[None]:
    """Everything that is read within is of one moment. Not inside a transaction."""
    with db.transaction():
        db.execute(_SQL["open_snapshot"])
        yield


def read(db: Db, workspace: WorkspaceId, members: PeopleSet, parts: Collection[str]) -> Records:
    """The fields named in `parts`, of those of these people who are there, by number."""
    rows = db.execute(_SQL["read_profiles"], (workspace, int4_array(members)))
    found: Records = {}
    for number, state, source, at, *cells in rows:
        record: Record = dict(zip(_COLUMNS, cells, strict=True))
        record["consent"] = {"state": ConsentState(state).name.lower(), "source": source, "at": at}
        record["profile_id"] = str(number)
        found[number] = {name: value for name, value in record.items() if name in parts}
    for part, fill in PARTS.items():
        if part in parts:
            for record in found.values():
                record[part] = []
            fill(db, workspace, people(found), found)
    return found


def _aliases(db: Db, workspace: WorkspaceId, members: PeopleSet, found: Records) -> None:
    for number, label, name in db.execute(_SQL["read_aliases"], (workspace, int4_array(members))):
        found[number]["user_aliases"].append({"alias_label": label, "alias_name": name})


def _devices(db: Db, workspace: WorkspaceId, members: PeopleSet, found: Records) -> None:
    rows = db.execute(_SQL["read_devices"], (workspace, int4_array(members)))
    for number, kind, value, allowed, seen_at in rows:
        name = "google_ad_id" if kind == "gaid" else kind
        device = {name: value, "ad_tracking_enabled": allowed, "seen_at": seen_at}
        found[number]["devices"].append(device)


def _events(db: Db, workspace: WorkspaceId, members: PeopleSet, found: Records) -> None:
    for number, name, count, first, last in db.execute(
        _SQL["read_events"], (workspace, int4_array(members))
    ):
        event = {"name": name, "first": first, "last": last, "count": count}
        found[number]["custom_events"].append(event)


def _purchases(db: Db, workspace: WorkspaceId, members: PeopleSet, found: Records) -> None:
    for number, product, count, first, last in db.execute(
        _SQL["read_purchases"], (workspace, int4_array(members))
    ):
        bought = {"product_id": product, "first": first, "last": last, "count": count}
        found[number]["purchases"].append(bought)


def _canvases(db: Db, workspace: WorkspaceId, members: PeopleSet, found: Records) -> None:
    """Canvases entered, each with its times, and at which steps the person stands now."""
    seen: dict[tuple[int, int], Record] = {}
    with db.cursor("entries") as cursor:
        for canvas, name, at, packed in cursor.execute(
            _SQL["read_entries"], (workspace,), binary=True
        ):
            for number in load(packed) & members:
                new = {"id": canvas, "name": name, "entered_at": [], "stands_at": []}
                seen.setdefault((number, canvas), new)["entered_at"].append(at)
    with db.cursor("standing") as cursor:
        for canvas, step, packed in cursor.execute(
            _SQL["read_standing"], (workspace,), binary=True
        ):
            for number in load(packed) & members:
                if record := seen.get((number, canvas)):
                    record["stands_at"].append(step)
    for (number, _), record in sorted(seen.items()):
        found[number]["canvases"].append(record)


def _audiences(db: Db, workspace: WorkspaceId, members: PeopleSet, found: Records) -> None:
    """Audiences that Towpath ever had to do with the person in: are they wanted, are they in?"""
    for audience, name in db.execute(_SQL["read_audiences"], (workspace,)).fetchall():
        ledger = ledgers.peek(db, AudienceId(audience))
        ledgers.open_people(db, ledger, members)
        sets = [ledger.state.of(one) for one in ledger.fields]
        for number in found:
            wanted = any(number in one.want for one in sets)
            state = "out"
            if any(number in one.acked for one in sets):
                state = "in"
            elif any(number in one.maybe for one in sets):
                state = "maybe in"
            if wanted or state != "out":
                told = {"id": audience, "name": name, "wanted": wanted, "state": state}
                found[number]["audiences"].append(told)


PARTS: dict[str, Part] = {
    "user_aliases": _aliases,
    "devices": _devices,
    "custom_events": _events,
    "purchases": _purchases,
    "canvases": _canvases,
    "audiences": _audiences,
}
"""The parts that are not the profile's own columns."""
