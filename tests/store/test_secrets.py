"""Secrets at rest: they open with the right key in their own row, and nowhere else."""

import base64
import os

import pytest
from psycopg.rows import scalar_row

from towpath.clock import Instant
from towpath.errors import NotFoundError, SettingsError, StoreError
from towpath.ids import WorkspaceId
from towpath.store import secrets
from towpath.store.database import Db
from towpath.store.secrets import KeyRing, SecretId

CANARY = b"act.canary-token-6f1d"


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing({"2025": os.urandom(32), "2026": os.urandom(32)}, "2026")


def workspace(db: Db, name: str, now: Instant) -> WorkspaceId:
    with db.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(
            "insert into workspace (name, created_at) values (%s, %s) returning id", (name, now)
        ).fetchone()
    assert isinstance(found, int)
    return WorkspaceId(found)


@pytest.fixture
def acme(db: Db, now: Instant) -> WorkspaceId:
    return workspace(db, "Acme", now)


def test_a_secret_opens_again(db: Db, keys: KeyRing, acme: WorkspaceId, now: Instant) -> None:
    first = secrets.seal(db, keys, acme, "partner token", CANARY, now)
    second = secrets.seal(db, keys, acme, "partner token", b"", now)
    assert first != second
    assert secrets.open_secret(db, keys, acme, first) == CANARY
    assert secrets.open_secret(db, keys, acme, second) == b""


def test_the_database_holds_no_clear_text(
    db: Db, keys: KeyRing, acme: WorkspaceId, now: Instant
) -> None:
    for _ in range(2):
        secrets.seal(db, keys, acme, "partner token", CANARY, now)
    rows = db.execute("select sealed, nonce, secret::text from secret").fetchall()
    assert all(CANARY not in bytes(row[0]) for row in rows)
    assert CANARY.hex() not in str(rows)
    assert len({bytes(row[1]) for row in rows}) == 2, "a nonce came twice"


def test_moved_to_another_row_it_does_not_open(
    db: Db, keys: KeyRing, acme: WorkspaceId, now: Instant
) -> None:
    mine = secrets.seal(db, keys, acme, "partner token", CANARY, now)
    other = secrets.seal(db, keys, acme, "partner token", b"other", now)
    db.execute(
        "update secret set (nonce, sealed) = (select nonce, sealed from secret where id = %s)"
        " where id = %s",
        (mine, other),
    )
    with pytest.raises(StoreError, match="changed or moved"):
        secrets.open_secret(db, keys, acme, other)


@pytest.mark.parametrize(
    "change",
    [
        "purpose = 'mail password'",
        "sealed = set_byte(sealed, 0, get_byte(sealed, 0) # 1)",
        "nonce = set_byte(nonce, 0, get_byte(nonce, 0) # 1)",
        "key_id = '2025'",
    ],
)
def test_any_change_of_the_row_is_noticed(
    db: Db, keys: KeyRing, acme: WorkspaceId, now: Instant, change: str
) -> None:
    secret = secrets.seal(db, keys, acme, "partner token", CANARY, now)
    db.execute(f"update secret set {change}".encode())  # noqa: S608
    with pytest.raises(StoreError) as failure:
        secrets.open_secret(db, keys, acme, secret)
    assert CANARY.decode() not in str(failure.value)


def test_another_workspace_cannot_open_it(
    db: Db, keys: KeyRing, acme: WorkspaceId, now: Instant
) -> None:
    other = workspace(db, "Other", now)
    secret = secrets.seal(db, keys, acme, "partner token", CANARY, now)
    with pytest.raises(NotFoundError):
        secrets.open_secret(db, keys, other, secret)
    db.execute("update secret set workspace = %s", (other,))
    with pytest.raises(StoreError):
        secrets.open_secret(db, keys, other, secret)


def test_a_missing_key_is_named(db: Db, keys: KeyRing, acme: WorkspaceId, now: Instant) -> None:
    secret = secrets.seal(db, keys, acme, "partner token", CANARY, now)
    without = KeyRing({"2025": keys.keys["2025"]}, "2025")
    with pytest.raises(SettingsError, match="'2026'"):
        secrets.open_secret(db, without, acme, secret)
    with pytest.raises(SettingsError, match="'2026'"):
        secrets.check_keys(db, without)
    secrets.check_keys(db, keys)


def test_rotation_leaves_nothing_under_the_old_key(
    db: Db, keys: KeyRing, acme: WorkspaceId, now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = KeyRing(keys.keys, "2025")
    sealed = [secrets.seal(db, old, acme, "partner token", b"%d" % n, now) for n in range(5)]
    monkeypatch.setattr(secrets, "ROTATE_ROWS", 3)
    assert [secrets.rotate(db, keys) for _ in range(3)] == [3, 2, 0]
    only = KeyRing({"2026": keys.keys["2026"]}, "2026")
    assert [secrets.open_secret(db, only, acme, found) for found in sealed] == [
        b"%d" % n for n in range(5)
    ]


def test_a_deleted_secret_is_gone(db: Db, keys: KeyRing, acme: WorkspaceId, now: Instant) -> None:
    secret = secrets.seal(db, keys, acme, "partner token", CANARY, now)
    secrets.delete(db, acme, secret)
    with pytest.raises(NotFoundError):
        secrets.open_secret(db, keys, acme, secret)
    with pytest.raises(NotFoundError):
        secrets.open_secret(db, keys, acme, SecretId(999))


def test_keys_are_checked_when_they_are_read() -> None:
    good = base64.b64encode(os.urandom(32)).decode()
    assert len(KeyRing.read({"a": good}, "a").key("a")) == 32
    with pytest.raises(SettingsError, match="31 bytes"):
        KeyRing.read({"a": base64.b64encode(bytes(31)).decode()}, "a")
    with pytest.raises(SettingsError, match="not base64") as failure:
        KeyRing.read({"a": "hunter2!"}, "a")
    assert "hunter2" not in str(failure.value)
    with pytest.raises(SettingsError, match="'b'"):
        KeyRing.read({"a": good}, "b")
    assert "bytes" not in repr(KeyRing.read({"a": good}, "a"))
    assert good not in repr(KeyRing.read({"a": good}, "a"))
