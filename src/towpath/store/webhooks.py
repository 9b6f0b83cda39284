"""Webhooks in the store: the waves that wait for calls, whom they call, and what became of it.

A wave at a webhook is claimed like any other, by its own hand. Some of its people are called at a
time; whoever answered goes on, whoever did not waits in a wave of its own that counts the tries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towpath.clock import Instant
from towpath.ids import StepId, VersionId, WaveId
from towpath.people.people_set import PeopleSet, dump, load
from towpath.store.database import Db, int4_array
from towpath.store.queries import queries
from towpath.store.waves import ClaimedWaves, Stand

_SQL = queries("webhooks")

HAND = "webhook"
COLUMNS = (
    "external_id",
    "email",
    "phone",
    "first_name",
    "last_name",
    "country",
    "language",
    "time_zone",
    "birth_date",
    "attributes",
)
"""What a template may see of a person."""


@dataclass(frozen=True, slots=True)
class Tried:
    """How often the people of a wave were called, since when, and when they came to the step."""

    tries: int
    since: Instant | None
    arrived_at: Instant


def tried(db: Db, wave: WaveId) -> Tried:
    """What a claimed wave says of earlier calls."""
    row = db.execute(_SQL["read_tries"], (wave,)).fetchone()
    assert row is not None
    return Tried(*row)


def hold(db: Db, claimed: ClaimedWaves) -> tuple[VersionId, PeopleSet] | None:
    """In the settling transaction: the wave's version, which a publication may have changed, and
    its people; None when somebody else has claimed it since."""
    given = (claimed.ids[0], claimed.fences[0])
    row = db.execute(_SQL["hold_wave"], given, binary=True).fetchone()
    return None if row is None else (VersionId(row[0]), load(row[1]))


def shrink(db: Db, wave: WaveId, left: PeopleSet) -> None:
    """Only these are still to be called; the claim is given back."""
    db.execute(_SQL["shrink_wave"], {"members": dump(left), "people": len(left), "id": wave})


def keep(db: Db, wave: WaveId, left: PeopleSet) -> None:
    """Others have left the claimed wave; these are still in it."""
    db.execute(_SQL["keep_wave"], {"members": dump(left), "people": len(left), "id": wave})


def retry(db: Db, stand: Stand, members: PeopleSet, before: Tried, due_at: Instant) -> None:
    """Call these again at `due_at`."""
    given = {
        "workspace": stand.workspace,
        "canvas": stand.canvas,
        "version": stand.version,
        "step": stand.step,
        "lane": stand.lane,
        "members": dump(members),
        "people": len(members),
        "arrived_at": before.arrived_at,
        "due_at": due_at,
        "tries": before.tries,
        "since": before.since,
    }
    db.execute(_SQL["write_retry"], given)


def recipients(db: Db, members: PeopleSet) -> dict[int, dict[str, Any]]:
    """What templates may see of these people, by profile number."""
    rows = db.execute(_SQL["read_recipients"], (int4_array(members),))
    return {row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in rows}


def count_failures(
    db: Db, version: VersionId, step: StepId, reasons: Mapping[str, int], now: Instant
) -> None:
    """Count people whose call failed for good, by reason."""
    rows = [
        {"version": version, "step": step, "reason": reason, "people": people, "now": now}
        for reason, people in sorted(reasons.items())
    ]
    if rows:
        db.cursor().executemany(_SQL["count_failures"], rows)


def failures(db: Db, version: VersionId) -> dict[StepId, dict[str, int]]:
    """Why calls of a version's webhooks failed for good, and of how many people."""
    found: dict[StepId, dict[str, int]] = {}
    for step, reason, people in db.execute(_SQL["read_failures"], (version,)):
        found.setdefault(StepId(step), {})[reason] = people
    return found
