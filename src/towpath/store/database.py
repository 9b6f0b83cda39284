"""Connections to PostgreSQL, and how sets of numbers travel to it.

Connections commit each statement by itself; whoever needs several to stand together writes
`with db.transaction():`. No transaction may be open during HTTP.
"""

import struct
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
import psycopg
from psycopg import pq
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from towpath.clock import Instant
from towpath.people.people_set import Numbers, PeopleSet, numbers
from towpath.store.queries import queries

Db: TypeAlias = psycopg.Connection[tuple[Any, ...]]
Pool: TypeAlias = ConnectionPool[Db]

DatabaseHitch = psycopg.OperationalError
"""The database did not serve, through no fault of the statement; `hitch_of` says why."""
DatabaseCollision = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
)
"""Transactions were in each other's way, and this one was rolled back: do it again."""
DatabaseLost = psycopg.OperationalError
"""What may say that the connection is gone, or cannot be had; `is_lost` says whether it does."""
ValueUnstorable = psycopg.DataError
"""A value that PostgreSQL cannot hold, such as a text with a NUL."""

POOL_WAIT_S = 5.0
INT4_OID = 23
INT4_ARRAY_OID = 1007
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">i4")])


class Hitch(Enum):
    """Why the database did not serve, by what can be done about it."""

    LOST = "lost"
    """The connection is gone: take another one."""
    CROWDED = "crowded"
    """There is no connection to spare: wait."""
    COLLIDED = "collided"
    """Others were in the way: do it again."""
    SLOW = "slow"
    """The statement was ended, since it took longer than the server lets it."""
    FULL = "full"
    """The disk is full: nothing can be stored until somebody makes room."""
    FAILED = "failed"
    """Something else, such as its memory or its disk."""


# SQLSTATEs (PostgreSQL, appendix A), or their class, which is their first two characters.
_HITCHES = {
    "08": Hitch.LOST,
    "57": Hitch.LOST,  # shut down, crashed, starting, or idle for too long
    "57014": Hitch.SLOW,
    "53300": Hitch.CROWDED,
    "53100": Hitch.FULL,
    "40": Hitch.COLLIDED,
    "55P03": Hitch.COLLIDED,  # lock_timeout
}


def hitch_of(error: DatabaseHitch) -> Hitch:
    """Why the database did not serve. What the client says itself has no SQLSTATE."""
    if isinstance(error, PoolTimeout | TooManyRequests):
        return Hitch.CROWDED
    if (state := error.sqlstate) is None:
        return Hitch.LOST
    return _HITCHES.get(state, _HITCHES.get(state[:2], Hitch.FAILED))


def is_lost(error: BaseException) -> bool:
    """Whether the connection can serve nobody any more, or there is none to be had."""
    return isinstance(error, DatabaseHitch) and hitch_of(error) in {
        Hitch.LOST,
        Hitch.CROWDED,
    }


class Int4Array(bytes):
    """An `int4[]` in PostgreSQL's binary form: a list would cost milliseconds a thousand people."""


class _Int4ArrayDumper(Dumper):
    oid = INT4_ARRAY_OID
    format = pq.Format.BINARY

    def dump(self, obj: Int4Array) -> Buffer:
        return bytes(obj)


def int4_array(members: PeopleSet) -> Int4Array:
    """The numbers of a set, rising, as a parameter for `= any(%b)`."""
    return int4_array_of(numbers(members))


def int4_array_of(found: Numbers) -> Int4Array:
    """These numbers, in their order, as a parameter for `= any(%b)`."""
    elements = np.empty(len(found), _ELEMENT)
    elements["length"] = 4
    elements["value"] = found
    head = struct.pack(">iiiii", 1, 0, INT4_OID, len(found), 1)
    return Int4Array(head + elements.tobytes())


def connect(url: str, *, name: str = "towpath") -> Db:
    """A connection of our own kind. `url` is any libpq URL or connection string."""
    db = psycopg.connect(url, **_ways(name))
    _adapt(db)
    return db


def open_pool(url: str, most: int, *, name: str = "towpath") -> Pool:
    """Up to `most` connections of our own kind, shared by threads; none is made before it is
    needed, and lost ones are replaced. Who waits longer than POOL_WAIT_S gets DatabaseLost."""
    return ConnectionPool(
        url,
        kwargs=_ways(name),
        min_size=0,
        max_size=most,
        configure=_adapt,
        check=ConnectionPool.check_connection,
        timeout=POOL_WAIT_S,
        reconnect_timeout=POOL_WAIT_S,
        name=name,
        open=True,
    )


def _ways(name: str) -> dict[str, Any]:
    return {
        "autocommit": True,
        "prepare_threshold": 1,
        "application_name": name,
        "connect_timeout": 10,
    }


def _adapt(db: Db) -> None:
    db.adapters.register_dumper(Int4Array, _Int4ArrayDumper)


def database_now(db: Db) -> Instant:
    """The database's clock: the one exempt query. A loop reads it once a tick and hands it on."""
    row = db.execute(queries("clock")["read_clock"]).fetchone()
    assert row is not None
    moment: Instant = row[0]
    return moment
