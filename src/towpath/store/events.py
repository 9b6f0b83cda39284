"""Events: what people did, appended a batch at a time with one COPY.

Rows lie in partitions by the day of receipt, made ahead of time, so that an old day goes with one
statement. Names of events and products are numbers in the row. Within a workspace ids rise with
commits, because writers hold `workspaces.lock`: whoever reads on from an id misses nothing.

Two indexes, by measuring (benchmarks/README.md, "The indexes of events"): (name, profile, at)
answers who did it and which of these people did, and (workspace, id) what came after an id. Whoever
asks for all that one person did names the workspace's names as well.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.events import EventKind, EventName, Happening
from towpath.store.database import DatabaseCollision, Db
from towpath.store.queries import queries

DAYS_AHEAD = 2
"""A partition is there this many days before the first event comes."""

_NULL = r"\N"
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


class Event(NamedTuple):
    """What a person of the workspace did."""

    profile: int
    happening: Happening


def append(db: Db, workspace: WorkspaceId, events: Sequence[Event], now: Instant) -> None:
    """Append events in their order, in the caller's transaction, under `workspaces.lock`."""
    if not events:
        return
    ensure_days(db, now)
    names = name_ids(db, workspace, {one.happening.name for one in events})
    rows = _copy_text(workspace, events, names, now)
    with db.cursor() as cursor, cursor.copy(queries("events")["copy_events"]) as copy:
        copy.write(rows)


def take_new(db: Db, workspace: WorkspaceId, digests: Iterable[bytes], now: Instant) -> set[bytes]:
    """Of these ids' digests those never seen before; they count as seen from now on."""
    given = {"workspace": workspace, "digests": sorted(set(digests)), "now": now}
    if not given["digests"]:
        return set()
    rows = db.execute(queries("events")["insert_seen"], given, binary=True)
    return {bytes(digest) for (digest,) in rows}


def id_digest(event_id: str) -> bytes:
    """The 16 bytes under which an event's id is remembered."""
    return sha256(event_id.encode()).digest()[:16]


def name_ids(db: Db, workspace: WorkspaceId, names: Iterable[EventName]) -> dict[EventName, int]:
    """The numbers of these names; who has none yet gets one. One query, two more for new ones."""
    wanted = sorted(set(names))
    found = _read_names(db, workspace, wanted)
    missing = [name for name in wanted if name not in found]
    if missing:
        db.execute(queries("events")["insert_names"], _columns(workspace, missing))
        found |= _read_names(db, workspace, missing)
    return found


def ensure_days(db: Db, now: Instant) -> None:
    """Make the partitions of today and the next days, if they are not there. Mostly one look.

    May be called inside a transaction, and by many at once: nobody who reads or writes waits.
    """
    today = now.astimezone(UTC).date()
    days = [today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)]
    if not _missing(db, days):
        return
    sql = queries("events")
    with db.transaction():
        db.execute(sql["lock_days"])
        for day in _missing(db, days):
            spelled = {
                b":day": _partition(day).encode(),
                b":low": _midnight(day),
                b":high": _midnight(day + timedelta(days=1)),
            }
            for statement in (sql["create_day"], sql["attach_day"]):
                for mark, text in spelled.items():
                    statement = statement.replace(mark, text)  # noqa: PLW2901 - three marks
                db.execute(statement)


def drop_day_before(db: Db, before: Instant) -> date | None:
    """Drop the oldest day of receipt that ended at `before` or earlier, with all its events; gives
    which it was. None: there is none, somebody's intake has still to read it, or readers are in
    the way for longer than a moment."""
    sql = queries("events")
    names = [name for (name,) in db.execute(sql["list_days"])]
    days = sorted(day for day in map(_day, names) if day is not None)
    if not days or _start(days[0] + timedelta(days=1)) > before:
        return None
    mark, name = b":day", _partition(days[0]).encode()
    try:
        with db.transaction():
            db.execute(sql["bound_wait"])
            db.execute(sql["lock_days"])
            unread = db.execute(sql["day_is_unread"].replace(mark, name)).fetchone()
            if unread == (True,):
                return None
            db.execute(sql["drop_day"].replace(mark, name))
    except DatabaseCollision:
        return None
    return days[0]


def forget_seen(db: Db, before: Instant, most: int) -> int:
    """Forget up to `most` ids of events that were received before; gives how many."""
    return db.execute(queries("events")["forget_seen"], {"before": before, "most": most}).rowcount


def _day(partition: str) -> date | None:
    """The day of a partition of our own making."""
    try:
        return datetime.strptime(partition, "event_%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def _missing(db: Db, days: list[date]) -> list[date]:
    names = [_partition(day) for day in days]
    there = {name for (name,) in db.execute(queries("events")["find_days"], (names,))}
    return [day for day, name in zip(days, names, strict=True) if name not in there]


def _partition(day: date) -> str:
    return f"event_{day:%Y%m%d}"


def _start(day: date) -> Instant:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _midnight(day: date) -> bytes:
    return _start(day).isoformat().encode()


def _read_names(db: Db, workspace: WorkspaceId, names: list[EventName]) -> dict[EventName, int]:
    rows = db.execute(queries("events")["read_names"], _columns(workspace, names), binary=True)
    return {EventName(EventKind(kind), name): number for kind, name, number in rows}


def _columns(workspace: WorkspaceId, names: list[EventName]) -> dict[str, object]:
    return {
        "workspace": workspace,
        "kinds": [int(kind) for kind, _ in names],
        "names": [name for _, name in names],
    }


def _copy_text(
    workspace: WorkspaceId, events: Sequence[Event], names: dict[EventName, int], now: Instant
) -> bytes:
    """The events in COPY's text format, columns in the order of the statement."""
    received = now.isoformat()
    told = [one.happening for one in events]
    properties = _escaped([one.properties for one in told])
    return "".join(
        [
            f"{workspace}\t{names[did.name]}\t{one.profile}\t{did.at.isoformat()}\t{received}\t"
            f"{_plain(did.amount)}\t{_plain(did.currency)}\t{_plain(did.quantity)}\t{json}\n"
            for one, did, json in zip(events, told, properties, strict=True)
        ]
    ).encode()


def _plain(cell: object) -> str:
    return _NULL if cell is None else str(cell)


def _escaped(cells: Sequence[str | None]) -> list[str]:
    if _SPECIAL.search("".join(cell for cell in cells if cell is not None)):
        return [_NULL if cell is None else cell.translate(_ESCAPES) for cell in cells]
    return [_NULL if cell is None else cell for cell in cells]
