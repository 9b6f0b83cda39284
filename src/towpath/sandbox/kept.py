"""The sandbox' state kept in a folder, so that a restart forgets nobody.

Kept are the world, its members, what still waits, its dice and the clock's shift; rules, faults and
the request log are not. It is written within a second or two of a change and at the end, to another
file first: a sandbox that is killed loses at most its last seconds, never the file.
"""

import asyncio
import fcntl
import os
import random
import time
from pathlib import Path
from typing import Any

import msgspec

from towpath.sandbox.clock import SettableClock
from towpath.sandbox.core import Sandbox
from towpath.sandbox.effects import Effect
from towpath.sandbox.records import (
    AdGroup,
    Advertiser,
    App,
    Application,
    Audience,
    AuthCode,
    Grant,
    Person,
    Share,
    UploadedFile,
)

VERSION = 1
FILE = "sandbox.msgpack"
EVERY_S = 1.0
SHARE_OF_TIME = 20
"""A save is followed by a rest of so many times what it took."""

_Dice = tuple[int, list[int], float | None]


class _Saved(msgspec.Struct):
    version: int
    seed: int
    number: int
    shift_s: float
    started_at: float
    app_id: str
    secret: str
    token: str
    apps: dict[str, App]
    people: dict[str, Person]
    businesses: dict[str, str]
    advertisers: dict[str, Advertiser]
    grants: dict[str, Grant]
    auth_codes: dict[str, AuthCode]
    audiences: dict[str, Audience]
    files: dict[str, UploadedFile]
    adgroups: dict[str, AdGroup]
    applications: list[Application]
    shares: list[Share]
    members: dict[str, dict[str, set[bytes]]]
    waiting: list[tuple[float, Effect]]
    dice: dict[str, _Dice]


_OF_THE_WORLD = (
    *("started_at", "app_id", "secret", "token", "apps", "people", "businesses", "advertisers"),
    *("grants", "auth_codes", "audiences", "files", "adgroups", "applications", "shares"),
)


def pack(sandbox: Sandbox) -> bytes:
    """The whole state."""
    world = sandbox.world
    dice = {name: _state(each) for name, each in _dice(sandbox).items()}
    saved: dict[str, Any] = {name: getattr(world, name) for name in _OF_THE_WORLD}
    saved |= {"version": VERSION, "seed": sandbox.seed, "number": sandbox.number, "dice": dice}
    saved |= {"members": world.membership.everything(), "waiting": world.timeline.waiting()}
    saved["shift_s"] = sandbox.clock.shift_s if isinstance(sandbox.clock, SettableClock) else 0.0
    return msgspec.msgpack.encode(saved)


def unpack(sandbox: Sandbox, data: bytes) -> None:
    """Put a state back into a sandbox. Raises ValueError for what is none of this version."""
    try:
        saved = msgspec.msgpack.decode(data, type=_Saved)
    except msgspec.DecodeError as wrong:
        raise ValueError(f"not a sandbox' state, or damaged: {wrong}") from None
    if saved.version != VERSION:
        raise ValueError(f"a state of version {saved.version}, and this is {VERSION}")
    if isinstance(sandbox.clock, SettableClock):
        sandbox.clock.shift_s = saved.shift_s
    sandbox.seed = saved.seed
    sandbox.reset()
    world = sandbox.world
    for name in _OF_THE_WORLD:
        setattr(world, name, getattr(saved, name))
    for audience_id, fields in saved.members.items():
        world.membership.put(audience_id, fields)
    for at, effect in saved.waiting:
        world.timeline.put(at, effect)
    for name, each in _dice(sandbox).items():
        kind, numbers, rest = saved.dice[name]
        each.setstate((kind, tuple(numbers), rest))
    sandbox.number = saved.number


def _dice(sandbox: Sandbox) -> dict[str, random.Random]:
    world = sandbox.world
    return {
        "ids": world.ids,
        "more": world.more,
        "delays": world.delays,
        "faults": sandbox.dice,
    }


def _state(dice: random.Random) -> _Dice:
    kind, numbers, rest = dice.getstate()
    return kind, list(numbers), rest


class Folder:
    """A folder that one sandbox at a time keeps its state in."""

    def __init__(self, path: Path) -> None:
        """Make the folder and take it. Raises OSError, or ValueError if another sandbox has it."""
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path / FILE
        self._lock = (path / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise ValueError(f"another sandbox keeps its state in {path}") from None
        self._seen = -1

    def load(self, sandbox: Sandbox) -> bool:
        """Put back what is kept; False if there is nothing yet. Raises ValueError, OSError."""
        if not self._path.exists():
            return False
        try:
            unpack(sandbox, self._path.read_bytes())
        except ValueError as wrong:
            raise ValueError(f"{self._path}: {wrong}") from None
        return True

    def save(self, sandbox: Sandbox) -> None:
        """Write the state, whole or not at all."""
        self._seen = sandbox.touched
        new = self._path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pack(sandbox))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)

    async def keep(self, sandbox: Sandbox) -> None:
        """Save after every change until cancelled, and then once more."""
        rest = EVERY_S
        try:
            while True:
                await asyncio.sleep(rest)
                if sandbox.touched != self._seen:
                    began = time.monotonic()
                    self.save(sandbox)
                    rest = max(EVERY_S, SHARE_OF_TIME * (time.monotonic() - began))
        finally:
            self.save(sandbox)

    def close(self) -> None:
        """Let another sandbox have the folder."""
        self._lock.close()
