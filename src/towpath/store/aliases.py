"""Aliases: other names of a person, each under a label.

A label and a name together belong to one person; both are case-sensitive. A person may have several
aliases, also under one label (reference: Braze, User Alias Object; `/users/alias/new`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TypeAlias

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.profile import PeopleBatch
from towpath.store import profiles
from towpath.store.database import Db
from towpath.store.queries import queries

Alias: TypeAlias = tuple[str, str]
"""A label and a name."""

_SQL = queries("aliases")


def resolve(db: Db, workspace: WorkspaceId, pairs: Sequence[Alias]) -> dict[Alias, int]:
    """The profile numbers behind these (label, name) pairs; who is unknown is not in it. One query.

    Read under `workspaces.lock` by whoever then writes: a merge gives aliases to somebody else.
    """
    if not pairs:
        return {}
    rows = db.execute(_SQL["read_profiles"], (*_columns(pairs), workspace), binary=True)
    return {(label, name): number for label, name, number in rows}


def add(db: Db, workspace: WorkspaceId, given: Mapping[Alias, int]) -> dict[Alias, int]:
    """Give these profiles these aliases; one statement, then one that reads them back.

    Returns whose each of them is now: another number than was given where the alias was taken, and
    then nothing was changed. Under `workspaces.lock`, in the transaction that knows the numbers.
    """
    if not given:
        return {}
    rows = (workspace, *_columns(list(given)), list(given.values()))
    db.execute(_SQL["insert_missing"], rows)
    return resolve(db, workspace, list(given))


def create_people(
    db: Db, workspace: WorkspaceId, named: Sequence[Alias], now: Instant
) -> dict[Alias, int]:
    """Somebody new for each of these aliases, which must be free; gives their numbers.

    In the transaction that found them free, under `workspaces.lock`.
    """
    if not named:
        return {}
    nobody: dict[str, list[None]] = {one.name: [None] * len(named) for one in fields(PeopleBatch)}
    done = profiles.upsert(db, workspace, PeopleBatch(**nobody), now)  # type: ignore[arg-type]
    return add(db, workspace, dict(zip(named, done.numbers.tolist(), strict=True)))


def _columns(pairs: Sequence[Alias]) -> tuple[list[str], list[str]]:
    return [label for label, _ in pairs], [name for _, name in pairs]
