"""Contexts: what an entry carries along (properties, the key of a keyed entry), only for Canvases
that ask for it. Kept by Canvas, lane and person."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from towpath.clock import Instant
from towpath.ids import CanvasId
from towpath.people.people_set import PeopleSet
from towpath.store.database import Db, int4_array
from towpath.store.queries import queries

_SQL = queries("entry_contexts")


class Context(NamedTuple):
    """What one entry carries; `context` is a JSON object as text."""

    lane: int
    profile: int
    key: str | None
    context: str


def write(db: Db, canvas: CanvasId, contexts: Sequence[Context], now: Instant) -> None:
    """Write contexts down, each lane and person once."""
    if not contexts:
        return
    lanes, profiles, keys, texts = zip(*contexts, strict=True)
    given = {"lanes": list(lanes), "profiles": list(profiles), "keys": list(keys)}
    db.execute(
        _SQL["write_contexts"], given | {"contexts": list(texts), "canvas": canvas, "now": now}
    )


def read(db: Db, canvas: CanvasId, lane: int, members: PeopleSet) -> dict[int, dict[str, Any]]:
    """What these people carry in a lane, by profile number; who carries nothing is left out."""
    rows = db.execute(_SQL["read_contexts"], (canvas, lane, int4_array(members)))
    return {row[0]: row[1] for row in rows}


def keys(db: Db, canvas: CanvasId, members: PeopleSet) -> list[tuple[int, int, str]]:
    """The keyed entries of these people: profile, lane and key; some may have ended since."""
    rows = db.execute(_SQL["read_lanes"], (canvas, int4_array(members)))
    return [(row[0], row[1], row[2]) for row in rows]
