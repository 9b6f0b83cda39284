"""The whole state as rows: for the simulator, which looks at everything after every step.

Rows are read as they are, and new ones only once: what a row says for good is read when it is new,
what changes is read each time. For small databases; nothing here is bounded.
"""

from typing import Any

from towpath.clock import Instant
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("snapshots")

Row = tuple[Any, ...]


def wipe(db: Db) -> None:
    """Delete everything and begin all numbers anew: the next run must not know this one."""
    db.execute(_SQL["wipe"], prepare=False)


def skip_numbers(db: Db, to: int) -> None:
    """The next profile gets the number `to`: few people can span several blocks."""
    db.execute(_SQL["skip_numbers"], (to,))


def forget_key(db: Db, profile: int, field: str) -> None:
    """The person has no such identifier any more. Nobody may share it."""
    db.execute(_SQL["forget_key"], {"profile": profile, "field": field})


def withdraw_consent(db: Db, profile: int) -> None:
    """The person does not want to be sent to partners any more."""
    db.execute(_SQL["withdraw_consent"], (profile,))


def keys(db: Db) -> list[Row]:
    """By number, whether it is alive, its e-mail and phone keys; those that are gone too."""
    return _rows(db, "read_keys")


def erasures(db: Db) -> list[Row]:
    """When erasures were confirmed."""
    return _rows(db, "read_erasures")


def next_stray_look(db: Db) -> Instant | None:
    """When it is looked next whether old keys are out."""
    found: Instant | None = _rows(db, "read_stray_look")[0][0]
    return found


def new_arrivals(db: Db, after: int) -> list[Row]:
    """What arrivals say for good, of those above an id."""
    return _rows(db, "read_new_arrivals", after)


def counts(db: Db) -> list[Row]:
    """Who waits in each arrival, until when, and its counters."""
    return _rows(db, "read_counts")


def new_outcomes(db: Db, after: int) -> list[Row]:
    """Outcomes above an id."""
    return _rows(db, "read_new_outcomes", after)


def count_outcomes(db: Db) -> int:
    """How many outcomes there are: only an explicit retry takes some away."""
    return int(_rows(db, "count_outcomes")[0][0])


def new_requests(db: Db, after: int) -> list[Row]:
    """What requests say for good, of those above an id."""
    return _rows(db, "read_new_requests", after)


def answers(db: Db) -> list[Row]:
    """What became of each request."""
    return _rows(db, "read_answers")


def heads(db: Db) -> list[Row]:
    """The audiences' own rows."""
    return _rows(db, "read_heads")


def shard_counts(db: Db) -> list[Row]:
    """How many are due, by the counts of each shard."""
    return _rows(db, "read_shard_counts")


def waves(db: Db) -> list[Row]:
    """Who stands where, until when, and whose hand moves them."""
    return _rows(db, "read_waves")


def taken(db: Db) -> list[Row]:
    """Whom waves hold no more, though they are still in them."""
    return _rows(db, "read_taken")


def new_entries(db: Db, after: int) -> list[Row]:
    """Who entered, and when, of the entries above an id."""
    return _rows(db, "read_new_entries", after)


def entry_keys(db: Db) -> list[Row]:
    """With which keys people entered last, and when."""
    return _rows(db, "read_entry_keys")


def canvases(db: Db) -> list[Row]:
    """Canvases and their states."""
    return _rows(db, "read_canvases")


def versions(db: Db) -> list[Row]:
    """Launched versions, and where the people of their steps are led."""
    return _rows(db, "read_versions")


def tallies(db: Db) -> list[Row]:
    """The counters of all steps."""
    return _rows(db, "read_tallies")


def edges(db: Db) -> list[Row]:
    """How many went along each arrow."""
    return _rows(db, "read_edges")


def dump(db: Db) -> list[Row]:
    """Every table that a run fills, as (name, rows as text): for a digest."""
    return _rows(db, "dump")


def _rows(db: Db, name: str, *given: object) -> list[Row]:
    return db.execute(_SQL[name], given or None, binary=True).fetchall()
