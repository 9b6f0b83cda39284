"""Secrets at rest: AES-256-GCM under a named key that lives in the settings, never in the database.

The associated data binds a sealed value to its workspace, purpose and row, so that a value moved to
another row does not open, and a dump of the database tells nothing.
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.rows import class_row, scalar_row

from towpath.clock import Instant
from towpath.errors import NotFoundError, SettingsError, StoreError
from towpath.ids import WorkspaceId
from towpath.store.database import Db
from towpath.store.queries import queries

SecretId = NewType("SecretId", int)

KEY_BYTES = 32
NONCE_BYTES = 12
ROTATE_ROWS = 500
_PURPOSE = re.compile(r"[a-z][a-z ]{0,39}")
_SQL = queries("secrets")


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys of 32 bytes by id. New values are sealed under `current`; the others still open."""

    keys: Mapping[str, bytes] = field(repr=False)
    current: str

    def __post_init__(self) -> None:
        self.key(self.current)
        for key_id, key in self.keys.items():
            if len(key) != KEY_BYTES:
                raise SettingsError(
                    f"The secret key {key_id!r} has {len(key)} bytes; it needs {KEY_BYTES}.",
                    remedy="Make one with: openssl rand -base64 32",
                    field="secret_keys",
                )

    @classmethod
    def read(cls, texts: Mapping[str, str], current: str) -> Self:
        """Keys as they stand in the settings, in base64. Raises SettingsError naming the key's id,
        never its text."""
        return cls({key_id: _decode(key_id, text) for key_id, text in texts.items()}, current)

    def key(self, key_id: str) -> bytes:
        """The key of that id. Raises SettingsError naming the id that is missing."""
        try:
            return self.keys[key_id]
        except KeyError:
            raise SettingsError(
                f"The secret key {key_id!r} is not in the settings.",
                remedy="Put it back, or reconnect what was sealed with it.",
                field="secret_keys",
            ) from None


@dataclass(frozen=True, slots=True)
class _Sealed:
    id: int
    workspace: int
    purpose: str
    key_id: str
    nonce: bytes
    sealed: bytes

    @property
    def place(self) -> bytes:
        return _place(self.workspace, self.purpose, self.id)


def seal(
    db: Db, keys: KeyRing, workspace: WorkspaceId, purpose: str, value: bytes, now: Instant
) -> SecretId:
    """Keep `value` sealed; `purpose` is a short lower-case phrase such as "tiktok token"."""
    if not _PURPOSE.fullmatch(purpose):
        raise ValueError(f"{purpose!r} is no purpose")
    with db.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(_SQL["reserve_id"]).fetchone()
    assert isinstance(found, int)
    nonce, sealed = _seal(keys, _place(workspace, purpose, found), value)
    db.execute(
        _SQL["insert_secret"],
        {"id": found, "workspace": workspace, "purpose": purpose, "key_id": keys.current}
        | {"nonce": nonce, "sealed": sealed, "now": now},
    )
    return SecretId(found)


def open_secret(db: Db, keys: KeyRing, workspace: WorkspaceId, secret: SecretId) -> bytes:
    """The value that `seal` kept. Raises NotFoundError, SettingsError when its key is missing, and
    StoreError when the row was damaged or moved."""
    with db.cursor(row_factory=class_row(_Sealed)) as cursor:
        row = cursor.execute(_SQL["read_secret"], {"id": secret, "workspace": workspace}).fetchone()
    if row is None:
        raise NotFoundError("There is no such secret in this workspace.")
    return _open(keys, row)


def delete(db: Db, workspace: WorkspaceId, secret: SecretId) -> None:
    """Forget a secret that nothing refers to any more."""
    db.execute(_SQL["delete_secret"], {"id": secret, "workspace": workspace})


def rotate(db: Db, keys: KeyRing) -> int:
    """Seal again under the current key what an older one sealed: at most ROTATE_ROWS in one
    transaction, oldest first. Returns how many; 0 says that the older keys may go."""
    with db.transaction(), db.cursor(row_factory=class_row(_Sealed)) as cursor:
        rows = cursor.execute(
            _SQL["lock_stale"], {"current": keys.current, "limit": ROTATE_ROWS}
        ).fetchall()
        for row in rows:
            nonce, sealed = _seal(keys, row.place, _open(keys, row))
            db.execute(
                _SQL["reseal_secret"],
                {"id": row.id, "key_id": keys.current, "nonce": nonce, "sealed": sealed},
            )
    return len(rows)


def count_stale(db: Db, keys: KeyRing) -> int:
    """How many values an older key still seals; 0 says that the older keys may go."""
    row = db.execute(_SQL["count_stale"], {"current": keys.current}).fetchone()
    return int(row[0]) if row else 0


def check_keys(db: Db, keys: KeyRing) -> None:
    """Raise SettingsError, at start rather than at the first send, if a key in use is missing."""
    with db.cursor(row_factory=scalar_row) as cursor:
        for key_id in cursor.execute(_SQL["list_key_ids"]).fetchall():
            keys.key(str(key_id))


def _place(workspace: int, purpose: str, secret: int) -> bytes:
    return f"towpath|{workspace}|{purpose}|{secret}".encode()


def _seal(keys: KeyRing, place: bytes, value: bytes) -> tuple[bytes, bytes]:
    nonce = os.urandom(NONCE_BYTES)
    return nonce, AESGCM(keys.key(keys.current)).encrypt(nonce, value, place)


def _open(keys: KeyRing, row: _Sealed) -> bytes:
    try:
        return AESGCM(keys.key(row.key_id)).decrypt(row.nonce, row.sealed, row.place)
    except InvalidTag:
        raise StoreError(
            f"The secret {row.id} ({row.purpose}) does not open with the key {row.key_id!r}: the "
            "row was changed or moved, or the settings hold another key under that id.",
            remedy="Put the right key back, or reconnect.",
        ) from None


def _decode(key_id: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SettingsError(
            f"The secret key {key_id!r} is not base64.",
            remedy="Make one with: openssl rand -base64 32",
            field="secret_keys",
        ) from None
