"""API keys: who may call the API for a workspace, and with which scopes.

A key is `tp_` and 32 random bytes in base 62. It is shown once, when it is made; only its SHA-256
is kept, which needs no salt, since nobody can guess 32 random bytes.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from towpath.clock import Instant, seconds
from towpath.errors import NotFoundError
from towpath.ids import ApiKeyId, WorkspaceId
from towpath.limits import API_KEY_USED_EVERY_S
from towpath.store.database import Db
from towpath.store.queries import queries

PREFIX = "tp_"
HINT_CHARS = 7
_BYTES = 32
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH = 43  # 62 ** 43 > 2 ** 256
_SQL = queries("api_keys")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it may be shown. `hint` is how it begins; `used_at` is true to the minute."""

    id: ApiKeyId
    name: str
    hint: str
    scopes: list[str]
    created_at: Instant
    used_at: Instant | None
    revoked_at: Instant | None


@dataclass(frozen=True, slots=True)
class _Holder:
    id: ApiKeyId
    workspace: WorkspaceId
    name: str
    digest: bytes
    scopes: list[str]
    used_at: Instant | None
    revoked_at: Instant | None


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whom a key that was presented stands for."""

    id: ApiKeyId
    workspace: WorkspaceId
    name: str
    scopes: frozenset[str]


def create(
    db: Db, workspace: WorkspaceId, name: str, scopes: Sequence[str], now: Instant
) -> tuple[ApiKey, str]:
    """A new key, and its text, which cannot be had again. The caller has checked the scopes."""
    text = PREFIX + _written(secrets.token_bytes(_BYTES))
    with db.cursor(row_factory=class_row(ApiKey)) as cursor:
        made = cursor.execute(
            _SQL["insert_api_key"],
            {"workspace": workspace, "name": name, "digest": digest_of(text)}
            | {"hint": text[:HINT_CHARS], "scopes": sorted(set(scopes)), "now": now},
        ).fetchone()
    assert made is not None
    return made, text


def list_all(db: Db, workspace: WorkspaceId, *, after: int = 0, limit: int = 1000) -> list[ApiKey]:
    """The workspace's keys, revoked ones too, oldest first, beyond the one with id `after`."""
    with db.cursor(row_factory=class_row(ApiKey)) as cursor:
        given = {"workspace": workspace, "after": after, "limit": limit}
        return cursor.execute(_SQL["list_api_keys"], given).fetchall()


def revoke(db: Db, workspace: WorkspaceId, key: ApiKeyId, now: Instant) -> ApiKey:
    """Close the key for good; again changes nothing. Raises NotFoundError."""
    with db.cursor(row_factory=class_row(ApiKey)) as cursor:
        given = {"workspace": workspace, "key": key, "now": now}
        found = cursor.execute(_SQL["revoke_api_key"], given).fetchone()
    if found is None:
        raise NotFoundError("There is no such API key in this workspace.")
    return found


def holder(db: Db, text: str, now: Instant) -> KeyHolder | None:
    """Whom the key stands for; None for an unknown and for a revoked one alike.

    Notes when it was used, at most once in API_KEY_USED_EVERY_S.
    """
    digest = digest_of(text)
    with db.cursor(row_factory=class_row(_Holder)) as cursor:
        found = cursor.execute(_SQL["find_holder"], {"digest": digest}).fetchone()
    if found is None or found.revoked_at or not hmac.compare_digest(found.digest, digest):
        return None
    before = now - seconds(API_KEY_USED_EVERY_S)
    if found.used_at is None or found.used_at < before:
        db.execute(_SQL["note_used"], {"key": found.id, "now": now, "before": before})
    return KeyHolder(found.id, found.workspace, found.name, frozenset(found.scopes))


def digest_of(text: str) -> bytes:
    """What is kept of a key, a session or a link: its SHA-256, 32 bytes."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def _written(random: bytes) -> str:
    number = int.from_bytes(random, "big")
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)
