"""Tries to sign in are limited for each account and each address, over all processes.

A try is written down before the password is looked at, so that many at once are all counted; one
that succeeds, and one that is refused for being too many, is struck out again.
"""

import hashlib

from towpath.clock import Instant, seconds
from towpath.limits import SIGN_IN_ATTEMPTS_MAX, SIGN_IN_ATTEMPTS_S
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("sign_in_attempts")


def begin(db: Db, email: str, address: str, now: Instant) -> list[int] | None:
    """Write a try down; its ids, for `succeed`. None: there were too many in the last
    SIGN_IN_ATTEMPTS_S, and the password must not even be looked at."""
    subjects = [_subject("account", email.strip().lower()), _subject("address", address)]
    since = now - seconds(SIGN_IN_ATTEMPTS_S)
    db.execute(_SQL["delete_old_attempts"], {"since": since})
    rows = db.execute(_SQL["insert_attempts"], {"subjects": subjects, "now": now})
    ids = [row[0] for row in rows]
    row = db.execute(_SQL["most_attempts"], {"subjects": subjects, "since": since}).fetchone()
    assert row is not None
    if row[0] > SIGN_IN_ATTEMPTS_MAX:
        succeed(db, ids)
        return None
    return ids


def succeed(db: Db, ids: list[int]) -> None:
    """Strike a try out: it was none that counts."""
    db.execute(_SQL["delete_attempts"], {"ids": ids})


def _subject(kind: str, text: str) -> bytes:
    return hashlib.sha256(f"{kind}:{text}".encode(errors="surrogatepass")).digest()
