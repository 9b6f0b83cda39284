"""Merges: two profiles turn out to be one person; the one is absorbed, the other survives.

What the survivor lacks is filled from the absorbed, whose events, devices and aliases move over;
of two consents the stricter wins: withdrawn over granted over never asked. The absorbed number
goes as `store/partings.py` says; `merged_into` keeps whose it was, so that the entries of the
absorbed count for the survivor (`as_one`). Architecture 4, "A merge of profiles".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.attributes import AttributeValue
from towpath.people.consent import OPT_OUT, Consent, ConsentState
from towpath.people.people_set import PeopleSet, numbers, people
from towpath.people.profile import Device, Identifier, PeopleBatch
from towpath.store import external_ids, profiles, workspaces
from towpath.store.database import Db, int4_array
from towpath.store.partings import Parting, part
from towpath.store.queries import queries

_SQL = queries("merges")
_ATTRIBUTES = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def merge(
    db: Db,
    workspace: WorkspaceId,
    pairs: Sequence[tuple[int, int]],
    now: Instant,
    *,
    data: bool = True,
) -> None:
    """Merge the first of each pair of numbers into the second, in one transaction.

    Pairs are taken in their order, so the second may itself be absorbed by a later one. All must be
    people of the workspace, looked up under `workspaces.close_gate` in the same transaction.
    Without `data` only aliases and consent go over, and all else of the absorbed is dropped (Braze,
    `/users/identify`, merge_behavior none).
    """
    into = settled(pairs)
    if not into:
        return
    absorbed = people(into)
    with db.transaction():
        workspaces.close_gate(db, workspace)
        stored = _read(db, absorbed | people(into.values()))
        survivors = {number: _fill(number, into, stored, data=data) for number in into.values()}
        _move(db, workspace, into, data=data)
        part(db, workspace, absorbed, Parting.MERGED, now)
        gained = {number: one.external_id for number, one in survivors.items() if one.external_id}
        external_ids.give(db, gained)
        devices = _newest_devices(db, people(into.values())) if data else {}
        profiles.upsert(db, workspace, _batch(survivors, devices), now)


def settled(pairs: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Each absorbed number with the one that survives of it in the end; itself never."""
    into: dict[int, int] = {}

    def end_of(number: int) -> int:
        while number in into:
            number = into[number]
        return number

    for absorbed, survivor in pairs:
        gone, kept = end_of(absorbed), end_of(survivor)
        if gone != kept:
            into[gone] = kept
    return {number: end_of(number) for number in into}


def as_one(db: Db, members: PeopleSet, ask: Callable[[PeopleSet], PeopleSet]) -> PeopleSet:
    """Of `members`: of whom a question holds, or of somebody who was merged into them.

    `ask` gives of whom it holds, of the people it is given. So the entries of the absorbed count
    for the survivor. One query, which reads only people merged into numbers of that span.
    """
    if not members:
        return people()
    given = {"low": members.min(), "high": members.max(), "members": int4_array(members)}
    row = db.execute(_SQL["read_absorbed"], given, binary=True).fetchone()
    if row is None or row[0] is None:
        return ask(members)
    absorbed, survivors = (np.frombuffer(one, ">i4").astype(np.uint32) for one in row)
    found = ask(members | people(absorbed))
    through = survivors[np.isin(absorbed, numbers(found))]
    return (found & members) | people(through)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A profile as it stands, in the order of the statement's columns."""

    number: int
    external_id: str | None
    email: str | None
    phone: str | None
    email_key: bytes | None
    phone_key: bytes | None
    country: str | None
    language: str | None
    first_name: str | None
    last_name: str | None
    time_zone: str | None
    birth_date: date | None
    attributes: str
    consent: int
    consent_source: str | None
    consent_at: Instant | None
    updated_at: Instant


@dataclass(slots=True)
class _Survivor:
    """What a survivor gains; None where they have it, or nobody does."""

    number: int
    external_id: str | None = None
    cells: dict[str, Any] = field(default_factory=dict)


_TEXTS = ("country", "language", "first_name", "last_name", "time_zone", "birth_date")


def _read(db: Db, members: PeopleSet) -> dict[int, _Stored]:
    rows = db.execute(_SQL["read_whole"], (int4_array(members),), binary=True)
    return {row[0]: _Stored(*row) for row in rows}


def _fill(
    survivor: int, into: Mapping[int, int], stored: Mapping[int, _Stored], *, data: bool
) -> _Survivor:
    """Blanks are filled from whoever was absorbed, the last one changed first."""
    mine = stored[survivor]
    others = sorted(
        (stored[gone] for gone, kept in into.items() if kept == survivor),
        key=lambda one: (one.updated_at, one.number),
        reverse=True,
    )
    found = _Survivor(survivor)
    found.cells["consent"] = _stricter(mine, others)
    opt_out = {OPT_OUT: True} if any(_opted_out(one) for one in others) else None
    found.cells["attributes"] = opt_out
    if not data:
        return found
    if mine.external_id is None:
        found.external_id = next((one.external_id for one in others if one.external_id), None)
    for name in _TEXTS:
        if getattr(mine, name) is None:
            values = (getattr(one, name) for one in others)
            found.cells[name] = next((value for value in values if value is not None), None)
    for name in ("email", "phone"):
        if getattr(mine, f"{name}_key") is None:
            keyed = (one for one in others if getattr(one, f"{name}_key") is not None)
            if (one := next(keyed, None)) is not None:
                found.cells[name] = Identifier(getattr(one, name), getattr(one, f"{name}_key"))
    lacking = _lacking(mine, others)
    found.cells["attributes"] = lacking if opt_out is None else {**(lacking or {}), **opt_out}
    return found


def _lacking(mine: _Stored, others: Sequence[_Stored]) -> Mapping[str, AttributeValue] | None:
    found: dict[str, AttributeValue] = {}
    for one in reversed(others):
        found |= _ATTRIBUTES.decode(one.attributes)
    kept = _ATTRIBUTES.decode(mine.attributes)
    return {name: value for name, value in found.items() if name not in kept} or None


def _opted_out(one: _Stored) -> bool:
    return _ATTRIBUTES.decode(one.attributes).get(OPT_OUT) is True


def _stricter(mine: _Stored, others: Sequence[_Stored]) -> Consent | None:
    """None: the survivor's stands. Said at the latest of all times, or it would pass for old."""
    one = max([mine, *others], key=lambda each: each.consent)
    if one.consent == mine.consent:
        return None
    times = [each.consent_at for each in (mine, one) if each.consent_at is not None]
    return Consent(ConsentState(one.consent), one.consent_source, max(times, default=None))


def _move(db: Db, workspace: WorkspaceId, into: Mapping[int, int], *, data: bool) -> None:
    given: dict[str, Any] = {"workspace": workspace}
    given |= {"absorbed": list(into), "survivor": list(into.values())}
    names = [
        "move_aliases", "name_survivors", "rename_survivors", "move_entry_keys", "move_api_entries",
    ]  # fmt: skip
    if data:
        names += ["move_events", "copy_devices"]
    for name in names:
        db.execute(_SQL[name], given)


def _newest_devices(db: Db, survivors: PeopleSet) -> dict[tuple[int, str], Device]:
    """The newest device of each kind: handing it in again makes its key be found anew."""
    rows = db.execute(_SQL["read_newest_devices"], (int4_array(survivors),), binary=True)
    return {(number, kind): Device(value, allowed) for number, kind, value, allowed in rows}


def _batch(
    survivors: Mapping[int, _Survivor], devices: Mapping[tuple[int, str], Device]
) -> PeopleBatch:
    rows = list(survivors.values())

    def cells(name: str) -> list[Any]:
        return [one.cells.get(name) for one in rows]

    return PeopleBatch(
        number=[one.number for one in rows],
        external_id=[None] * len(rows),
        email=cells("email"),
        phone=cells("phone"),
        idfa=[devices.get((one.number, "idfa")) for one in rows],
        gaid=[devices.get((one.number, "gaid")) for one in rows],
        tracking_allowed=[None] * len(rows),
        country=cells("country"),
        language=cells("language"),
        first_name=cells("first_name"),
        last_name=cells("last_name"),
        time_zone=cells("time_zone"),
        birth_date=cells("birth_date"),
        attributes=cells("attributes"),
        consent=cells("consent"),
    )
