"""Profiles: people, written a batch at a time and all in one transaction.

A batch is copied into a temporary table, merged with what is stored, and only what differs is
written: handing in the same people again changes nothing. Devices, match keys, shared keys and
events of what is watched follow in the same transaction.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec
import numpy as np

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.attributes import AttributeValue
from towpath.people.consent import ConsentSets, ConsentState
from towpath.people.people_set import Numbers, PeopleSet
from towpath.people.profile import Device, Identifier, PeopleBatch, any_said
from towpath.store import changes, devices, match_keys, shared_keys, workspaces
from towpath.store.database import Db, Int4Array
from towpath.store.number_sets import unpacked
from towpath.store.queries import queries

_NULL = r"\N"
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_JSON = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Upserted:
    """What became of a batch: people who are new, whose profile changed, and whose keys changed.

    `keys_changed` holds new people who have a key as well. `numbers` stands beside the batch, a
    profile number a row.
    """

    people: int
    new: int
    changed: int
    keys_changed: PeopleSet
    numbers: Numbers


def upsert(db: Db, workspace: WorkspaceId, batch: PeopleBatch, now: Instant) -> Upserted:
    """Write a batch (each person once; `profile.merge_same`) in one transaction.

    None in the batch leaves what is stored. New people get the next numbers in the batch's order.
    A row whose number is nobody's any more (deleted, merged) is passed over. Raises NotFoundError
    when there is no such workspace.
    """
    sql = queries("profiles")
    given = {"workspace": workspace, "now": now}
    # prepare=False: a plan kept from an empty temporary table would be kept for a full one.
    with db.transaction():
        workspaces.lock(db, workspace)
        db.execute(sql["tune_batch"])
        db.execute(sql["create_staged"])
        db.execute(sql["create_merged"])
        with db.cursor() as cursor, cursor.copy(sql["copy_staged"]) as copy:
            copy.write(_copy_text(batch))
        db.execute(sql["merge_staged"], given, prepare=False)
        changes.append_merged(db, workspace, now)
        new = db.execute(sql["insert_new"], given, prepare=False).rowcount
        changed = db.execute(sql["update_changed"], given, prepare=False).rowcount
        if any_said(batch.idfa, batch.gaid, batch.tracking_allowed):
            devices.write_merged(db, workspace, now)
        keys_changed = match_keys.write_merged(db, workspace)
        if keys_changed:
            shared_keys.write_changes(db, workspace)
        numbers = _numbers(db, batch)
    return Upserted(len(batch), new, changed, keys_changed, numbers)


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


def _numbers(db: Db, batch: PeopleBatch) -> Numbers:
    """The profile number of each row."""
    found = np.array([number or 0 for number in batch.number], np.uint32)
    row = db.execute(queries("profiles")["read_numbers"], prepare=False, binary=True).fetchone()
    if row and row[0]:
        places, numbers = (np.frombuffer(packed, ">i4") for packed in row)
        found[places] = numbers
    return found


def _copy_text(batch: PeopleBatch) -> bytes:
    """The batch in COPY's text format, columns in the order of the table `staged`."""
    consents, attributes = batch.consent, [_split(one) for one in batch.attributes]
    columns = [
        map(str, range(len(batch))),
        _plain(batch.number),
        _texts(batch.external_id),
        *_identifiers(batch.email),
        *_identifiers(batch.phone),
        *_devices(batch.idfa),
        *_devices(batch.gaid),
        _plain(batch.tracking_allowed),
        _texts(batch.country),
        _texts(batch.language),
        _texts(batch.first_name),
        _texts(batch.last_name),
        _texts(batch.time_zone),
        _plain(batch.birth_date),
        _texts([said for said, _ in attributes]),
        _texts([removed for _, removed in attributes]),
        _plain([one and int(one.state) for one in consents]),
        _texts([one and one.source for one in consents]),
        _plain([one and one.at for one in consents]),
    ]
    rows = "\n".join(map("\t".join, zip(*columns, strict=True)))
    return f"{rows}\n".encode() if rows else b""


def _split(said: Mapping[str, AttributeValue] | None) -> tuple[str | None, str | None]:
    """Attributes as JSON: those that get a value, and the names of those that go."""
    if not said:
        return None, None
    if None not in said.values():
        return _JSON.encode(said).decode(), None
    kept = {name: value for name, value in said.items() if value is not None}
    gone = [name for name, value in said.items() if value is None]
    return _JSON.encode(kept).decode() if kept else None, _JSON.encode(gone).decode()


def _texts(cells: Sequence[str | None]) -> list[str]:
    found = [_NULL if cell is None else cell for cell in cells]
    if _SPECIAL.search("".join(cell for cell in cells if cell is not None)):
        return [
            _NULL if cell is None else cell.translate(_ESCAPES) if _SPECIAL.search(cell) else cell
            for cell in cells
        ]
    return found


def _plain(cells: Iterable[object]) -> list[str]:
    return [_NULL if cell is None else str(cell) for cell in cells]


def _identifiers(cells: Sequence[Identifier | None]) -> tuple[list[str], list[str]]:
    return (
        _texts([cell and cell.value for cell in cells]),
        [_NULL if cell is None else rf"\\x{cell.digest.hex()}" for cell in cells],
    )


def _devices(cells: Sequence[Device | None]) -> tuple[list[str], list[str]]:
    return (
        _texts([cell and cell.value for cell in cells]),
        _plain([cell and cell.tracking_allowed for cell in cells]),
    )
