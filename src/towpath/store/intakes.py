"""Intakes: how far each workspace's events have been read, and what comes next.

Within a workspace ids of events rise with commits, so a cursor misses none; it moves in the
transaction that does what the events ask for.
"""

from typing import Any, NamedTuple

import msgspec

from towpath.clock import Instant
from towpath.ids import CanvasId, VersionId, WorkspaceId
from towpath.limits import INTAKE_BYTES_MAX
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("intakes")


class Cursor(NamedTuple):
    """The last event that was read, and when it was received."""

    seen: int
    seen_at: Instant


class Seen(NamedTuple):
    """An event that somebody waits for. `kind` and `name` as in event_name; of a purchase the
    properties hold `amount`, `currency` and `quantity` too, of a change `value` and `was`."""

    id: int
    kind: int
    name: str
    profile: int
    at: Instant
    received_at: Instant
    properties: dict[str, Any]


class Batch(NamedTuple):
    """Events in their order, where reading goes on, and whether more may wait behind."""

    seen: list[Seen]
    cursor: Cursor
    full: bool


class LiveVersion(NamedTuple):
    """The newest version of a Canvas that runs or pauses; `since`: when that was launched."""

    canvas: CanvasId
    running: bool
    version: VersionId
    since: Instant


def waiting(db: Db) -> list[WorkspaceId]:
    """The workspaces in which something waits for the intake."""
    return [WorkspaceId(row[0]) for row in db.execute(_SQL["read_waiting"])]


def begin(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """Let reading begin with what happens from now on, if it has not begun."""
    db.execute(_SQL["begin_intake"], {"workspace": workspace, "now": now})


def skip_to_end(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """Nobody waited for anything until now: what happened is passed over."""
    begin(db, workspace, now)
    db.execute(_SQL["skip_to_end"], {"workspace": workspace, "now": now})


def lock(db: Db, workspace: WorkspaceId) -> Cursor | None:
    """The cursor, locked until the transaction ends; None when another worker reads."""
    row = db.execute(_SQL["lock_intake"], (workspace,)).fetchone()
    return Cursor(*row) if row else None


def read(
    db: Db, workspace: WorkspaceId, cursor: Cursor, most: int, last: int | None = None
) -> Batch:
    """The next events after the cursor up to `last`, looking at up to `most`, and at properties of
    up to INTAKE_BYTES_MAX."""
    given = {"workspace": workspace, "most": most, "last": last, "bytes_max": INTAKE_BYTES_MAX}
    given |= cursor._asdict()
    rows = db.execute(_SQL["read_events"], given, binary=True).fetchall()
    seen = [_seen(row) for row in rows if row[2] is not None]
    end = Cursor(rows[-1][0], rows[-1][1]) if rows else cursor
    return Batch(seen, end, bool(rows and rows[-1][10]))


def move(db: Db, workspace: WorkspaceId, cursor: Cursor) -> None:
    """Everything up to the cursor is done."""
    db.execute(_SQL["move_intake"], (*cursor, workspace))


def live(db: Db, workspace: WorkspaceId) -> list[LiveVersion]:
    """Which versions let people in or out, by Canvas."""
    return [
        LiveVersion(CanvasId(canvas), state == "running", VersionId(version), since)
        for canvas, state, version, since in db.execute(_SQL["read_live"], (workspace,))
    ]


def live_workspaces(db: Db) -> list[WorkspaceId]:
    """Where any Canvas runs or pauses."""
    return [WorkspaceId(row[0]) for row in db.execute(_SQL["read_live_workspaces"])]


def _seen(row: tuple[Any, ...]) -> Seen:
    number, received_at, kind, name, profile, at, amount, currency, quantity, text, _ = row
    properties = msgspec.json.decode(text) if text is not None else {}
    if amount is not None:
        bought = {"amount": amount, "currency": currency, "quantity": quantity}
        properties = bought | properties
    return Seen(number, kind, name, profile, at, received_at, properties)
