"""Tombstones: identifiers of people who were erased, so that they come back by no way in.

A tombstone is HMAC-SHA256 of an external id or of a match key, under a key of the workspace's own:
whoever has only the list learns nothing from it. They are asked for set-wise where people are
written (`profiles.write`), which every way in goes through; in a workspace that never erased
anybody that costs one look. A row that names such an identifier is refused whole. Invariant I-56.
"""

import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.match_field import MatchField, mask
from towpath.people.normalise import CURRENT_RULE
from towpath.people.people_set import PeopleSet
from towpath.store import shared_keys, stray_keys
from towpath.store.database import Db, int4_array
from towpath.store.number_sets import unpacked
from towpath.store.queries import queries

REFUSED = "erased: lift it with `towpath erase lift`"
"""What is wrong with a row that names an erased identifier."""

_SQL = queries("tombstones")
_KEY_BYTES = 32
_BLOCK_BYTES = 64
_OUTER, _INNER = 0x5C, 0x36


@dataclass(frozen=True, slots=True)
class Identity:
    """An identifier as tombstones know it: an external id (no field), or a match key's digest."""

    field: MatchField | None
    value: bytes

    @classmethod
    def named(cls, external_id: str) -> "Identity":
        """That of an external id."""
        return cls(None, external_id.encode())


def bury(db: Db, workspace: WorkspaceId, members: PeopleSet, erasure: int) -> None:
    """Write tombstones for every identifier that these people have or had; before it is deleted.

    In the caller's transaction under `workspaces.lock`. The identifiers stay in a temporary table
    for `strip_others` until the transaction ends.
    """
    db.execute(_SQL["insert_key"], (workspace, secrets.token_bytes(_KEY_BYTES)))
    db.execute(_SQL["create_buried"])
    db.execute(_SQL["forget_buried"])
    span = {"members": int4_array(members), "low": members.min(), "high": members.max()}
    db.execute(_SQL["collect_buried"], span, prepare=False)
    given = _pads(_key(db, workspace)) | {"workspace": workspace, "erasure": erasure}
    db.execute(_SQL["write_buried"], given, prepare=False)


def strip_others(db: Db, workspace: WorkspaceId, members: PeopleSet, now: Instant) -> PeopleSet:
    """Take the identifiers that `bury` found from everybody else who holds one; gives who they are.

    Their old keys leave every audience like any key that changes, although they are wanted there.
    """
    given = {"workspace": workspace, "members": int4_array(members)}
    row = db.execute(_SQL["find_others"], given, prepare=False, binary=True).fetchone()
    others = unpacked(row[0] if row else None)
    if others:
        whom = {"others": int4_array(others), "now": now}
        db.execute(_SQL["delete_buried_devices"], whom, prepare=False)
        keys = queries("match_keys")
        db.execute(keys["create_key_change"])
        db.execute(_SQL["stage_stripped"], whom, prepare=False)
        db.execute(_SQL["strip_profiles"], whom, prepare=False)
        stray_keys.follow_changes(db, workspace, now)
        written = {"workspace": workspace, "rule": CURRENT_RULE}
        db.execute(keys["insert_new"], written, prepare=False)
        db.execute(keys["update_changed"], written, prepare=False)
        shared_keys.write_changes(db, workspace)
    return others


def refuse_staged(db: Db, workspace: WorkspaceId) -> PeopleSet:
    """Delete rows of the table `staged` that name an erased identifier; gives their places."""
    key = _find_key(db, workspace)
    if key is None:
        return unpacked(None)
    given = _pads(key) | {"workspace": workspace}
    row = db.execute(_SQL["refuse_staged"], given, prepare=False, binary=True).fetchone()
    return unpacked(row[0] if row else None)


def erased(db: Db, workspace: WorkspaceId, asked: Collection[Identity]) -> set[Identity]:
    """Which of these identifiers were erased."""
    key = _find_key(db, workspace) if asked else None
    if key is None:
        return set()
    digests = {_digest(key, one): one for one in asked}
    rows = db.execute(_SQL["find_tombstones"], (workspace, list(digests)), binary=True)
    return {digests[cast("bytes", row[0])] for row in rows}


def lift(db: Db, workspace: WorkspaceId, asked: Collection[Identity]) -> int:
    """Let these identifiers in again; says how many of them were erased."""
    key = _find_key(db, workspace) if asked else None
    if key is None:
        return 0
    digests = [_digest(key, one) for one in asked]
    return db.execute(_SQL["lift_tombstones"], (workspace, digests)).rowcount


def _digest(key: bytes, one: Identity) -> bytes:
    kind = mask((one.field,)) if one.field else 0
    return hmac.digest(key, bytes([kind]) + one.value, "sha256")


def _key(db: Db, workspace: WorkspaceId) -> bytes:
    found = _find_key(db, workspace)
    assert found is not None
    return found


def _find_key(db: Db, workspace: WorkspaceId) -> bytes | None:
    row = db.execute(_SQL["read_key"], (workspace,)).fetchone()
    return bytes(row[0]) if row else None


def _pads(key: bytes) -> dict[str, object]:
    """RFC 2104: the key as it stands before the outer and the inner message."""
    block = key.ljust(_BLOCK_BYTES, b"\0")
    return {
        "outer": bytes(one ^ _OUTER for one in block),
        "inner": bytes(one ^ _INNER for one in block),
    }
