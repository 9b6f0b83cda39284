"""Answers kept under the caller's idempotency key, so that a request sent twice acts once (I-73).

What the request does and its answer are one transaction: there is never the one without the other.
They are kept for IDEMPOTENT_ANSWERS_KEPT_S.
"""

from collections.abc import Callable
from typing import NamedTuple

from towpath.clock import Instant, seconds
from towpath.errors import ConflictError
from towpath.ids import WorkspaceId
from towpath.limits import IDEMPOTENT_ANSWERS_FORGOTTEN, IDEMPOTENT_ANSWERS_KEPT_S
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("idempotent_answers")


class Asked(NamedTuple):
    """A request under a key; `digest` is the SHA-256 of its body."""

    route: str
    key: str
    digest: bytes


class Answer(NamedTuple):
    """What was answered; `again`: to an earlier request of the same key."""

    status: int
    body: bytes
    again: bool


def once(
    db: Db,
    workspace: WorkspaceId,
    asked: Asked,
    now: Instant,
    work: Callable[[], tuple[int, bytes]],
) -> Answer:
    """Do the work and keep its answer, or give the answer that is kept.

    The work is done in a transaction; when it raises, nothing is kept and the key is free. Raises
    ConflictError when the key came with another body before.
    """
    since = now - seconds(IDEMPOTENT_ANSWERS_KEPT_S)
    given = {"workspace": workspace, "route": asked.route, "key": asked.key, "since": since}
    with db.transaction():
        name = f"{asked.route} {asked.key}"
        db.execute(_SQL["lock_key"], {"name": name, "workspace": workspace})
        row = db.execute(_SQL["find_answer"], given).fetchone()
        if row is not None:
            if row[0] != asked.digest:
                raise ConflictError(
                    "This idempotency key came with another body before.",
                    remedy="Take a new key for a new request.",
                    field="Idempotency-Key",
                )
            return Answer(row[1], row[2], again=True)
        status, body = work()
        kept = {"digest": asked.digest, "status": status, "answer": body, "now": now}
        db.execute(_SQL["keep_answer"], given | kept)
        forget = {"since": since, "limit": IDEMPOTENT_ANSWERS_FORGOTTEN}
        db.execute(_SQL["forget_answers"], forget)
    return Answer(status, body, again=False)
