"""Profiles: people, written a batch at a time and all in one transaction.

A batch is copied into a temporary table, merged with what is stored, and only what differs is
written: handing in the same people again changes nothing. Devices, match keys, shared keys and
events of what is watched follow in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.consent import ConsentSets, ConsentState
from towpath.people.people_set import Numbers, PeopleSet, numbers, people
from towpath.people.profile import PeopleBatch
from towpath.store import (
    changes,
    consents,
    devices,
    match_keys,
    shared_keys,
    tombstones,
    workspaces,
)
from towpath.store.database import Db, Int4Array
from towpath.store.number_sets import unpacked
from towpath.store.queries import queries
from towpath.store.staging import StagedPeople, stage


@dataclass(frozen=True, slots=True)
class Upserted:
    """What became of a batch: people who are new, whose profile changed, and whose keys changed.

    `keys_changed` holds new people who have a key as well. `numbers` stands beside the batch, a
    profile number a row. `refused`: places of rows that name somebody who was erased; they are not
    written, and have no number (0).
    """

    people: int
    new: int
    changed: int
    keys_changed: PeopleSet
    numbers: Numbers
    refused: PeopleSet


def upsert(db: Db, workspace: WorkspaceId, batch: PeopleBatch, now: Instant) -> Upserted:
    """Write a batch (each person once; `profile.merge_same`) in one transaction.

    None in the batch leaves what is stored. New people get the next numbers in the batch's order.
    A row whose number is nobody's any more (deleted, merged) is passed over. Raises NotFoundError
    when there is no such workspace.
    """
    return write(db, workspace, stage(batch), now)


def write(db: Db, workspace: WorkspaceId, staged: StagedPeople, now: Instant) -> Upserted:
    """`upsert` of a batch that `staging.stage` made into text.

    Where nobody of a batch is stored yet, it is written without comparing: half the cost.
    """
    sql = queries("profiles")
    # prepare=False: a plan kept from an empty temporary table would be kept for a full one.
    with db.transaction():
        workspaces.lock(db, workspace)
        db.execute(sql["tune_batch"])
        db.execute(sql["create_staged"])
        with db.cursor() as cursor, cursor.copy(sql["copy_staged"]) as copy:
            copy.write(staged.text)
        refused = tombstones.refuse_staged(db, workspace)
        if not refused and _all_new(db, workspace, staged):
            drawn = _write_new(db, workspace, staged, now)
            if len(drawn):
                keyed = people(drawn[staged.keyed])
                return Upserted(len(staged), len(staged), 0, keyed, drawn, people())
        return _write_merged(db, workspace, staged, refused, now)


def consent_sets(db: Db, numbers: Int4Array) -> ConsentSets:
    """These people by their consent; whoever is gone is in none of the sets. One query."""
    rows = db.execute(queries("profiles")["read_consents"], (numbers,), binary=True)
    found = {cast("int", state): packed for state, packed in rows}
    return ConsentSets(
        granted=unpacked(found.get(ConsentState.GRANTED)),
        withdrawn=unpacked(found.get(ConsentState.WITHDRAWN)),
        unknown=unpacked(found.get(ConsentState.UNKNOWN)),
    )


def countries(db: Db, workspace: WorkspaceId, external_ids: Sequence[str]) -> dict[str, str]:
    """The stored country of those of these people who have one."""
    if not external_ids:
        return {}
    rows = db.execute(queries("profiles")["read_countries"], (workspace, list(external_ids)))
    return {str(external_id): str(country) for external_id, country in rows}


def _all_new(db: Db, workspace: WorkspaceId, staged: StagedPeople) -> bool:
    """Is nobody of the batch stored, and nothing to do but to store them?"""
    if not len(staged) or not staged.by_name or staged.devices:
        return False
    if changes.watched(db, workspace):
        return False
    given = {"workspace": workspace}
    found = db.execute(queries("profiles")["find_known"], given, prepare=False)
    return found.fetchone() is None


def _write_new(db: Db, workspace: WorkspaceId, staged: StagedPeople, now: Instant) -> Numbers:
    """Write staged people of whom nobody is stored yet; gives their numbers, none if it cannot.

    It cannot when another workspace drew numbers in between: the ordinary way then draws again.
    """
    sql = queries("profiles")
    row = db.execute(sql["draw_numbers"], (len(staged),), binary=True).fetchone()
    assert row is not None
    first, last = row
    if last - first + 1 != len(staged):
        return np.empty(0, np.uint32)
    given = {"workspace": workspace, "now": now, "first": first}
    db.execute(sql["insert_staged"], given, prepare=False)
    if len(staged.keyed):
        match_keys.write_staged(db, workspace, first)
    return np.arange(first, last + 1, dtype=np.uint32)


def _write_merged(
    db: Db, workspace: WorkspaceId, staged: StagedPeople, refused: PeopleSet, now: Instant
) -> Upserted:
    sql, given = queries("profiles"), {"workspace": workspace, "now": now}
    db.execute(sql["tune_merging"])
    db.execute(sql["create_merged"])
    db.execute(sql["merge_staged"], given, prepare=False)
    changes.append_merged(db, workspace, now)
    barred = consents.barred_by_merge(db, workspace, now)
    new = db.execute(sql["insert_new"], given, prepare=False).rowcount
    changed = db.execute(sql["update_changed"], given, prepare=False).rowcount
    if staged.devices:
        devices.write_merged(db, workspace, now)
    keys_changed = match_keys.write_merged(db, workspace, now)
    if keys_changed:
        shared_keys.write_changes(db, workspace)
    consents.let_go(db, workspace, barred, now)
    found = _numbers(db, staged)
    found[numbers(refused)] = 0
    return Upserted(len(staged) - len(refused), new, changed, keys_changed, found, refused)


def _numbers(db: Db, staged: StagedPeople) -> Numbers:
    """The profile number of each row."""
    found = staged.numbers.copy()
    row = db.execute(queries("profiles")["read_numbers"], prepare=False, binary=True).fetchone()
    if row and row[0]:
        places, numbers = (np.frombuffer(packed, ">i4") for packed in row)
        found[places] = numbers
    return found
