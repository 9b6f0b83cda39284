"""What a route asks for to reach the database: a pooled connection, and the database's clock.

Routes that use them are plain `def`: FastAPI runs those in threads, so nothing blocks the loop.
"""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request

from towpath.clock import Instant
from towpath.store.database import Db, database_now


def _connection(request: Request) -> Iterator[Db]:
    with request.app.state.parts.pool.connection() as db:
        yield db


Database = Annotated[Db, Depends(_connection, scope="function")]
"""A connection of the pool, for the time of the route: each statement commits by itself."""


def _now(db: Database) -> Instant:
    return database_now(db)


Now = Annotated[Instant, Depends(_now)]
"""The database's clock, read once a request."""
