"""Connections to PostgreSQL, and how sets of numbers travel to it.

Connections commit each statement by itself; whoever needs several to stand together writes
`with db.transaction():`. No transaction may be open during HTTP.
"""

import struct
from typing import Any, TypeAlias

import numpy as np
import psycopg
from psycopg import pq
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg_pool import ConnectionPool

from towpath.clock import Instant
from towpath.people.people_set import Numbers, PeopleSet, numbers
from towpath.store.queries import queries

Db: TypeAlias = psycopg.Connection[tuple[Any, ...]]
Pool: TypeAlias = ConnectionPool[Db]

DatabaseCollision = psycopg.errors.DeadlockDetected
"""Two transactions waited for each other, and this one was rolled back: do it again."""
DatabaseLost = psycopg.OperationalError
"""The connection is gone, or cannot be had."""
ValueUnstorable = psycopg.DataError
"""A value that PostgreSQL cannot hold, such as a text with a NUL."""

POOL_WAIT_S = 5.0
INT4_OID = 23
INT4_ARRAY_OID = 1007
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">i4")])


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
