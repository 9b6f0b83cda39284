"""People that calls of `/users/track` make or change, written with one upsert.

The rows of a person become one, in their order. What depends on what is stored (a number to be
increased, a phone without its country code) is worked out here, under `workspaces.lock`, from one
query for all of them. Known people of whom nothing but free attributes is said, which most are,
need no upsert: no key of theirs can change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import compress
from typing import Any, NamedTuple

import msgspec
import numpy as np

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people import normalise
from towpath.people.columns import Refusal
from towpath.people.consent import later, may_bar
from towpath.people.json_text import exact_json
from towpath.people.match_field import MatchField
from towpath.people.profile import Device, Identifier, PeopleBatch
from towpath.people.track import TrackError
from towpath.people.track_attributes import PersonRow
from towpath.people.track_operations import Operation, fold
from towpath.people.whose import Who, WhoKind
from towpath.store import aliases, changes, devices, profiles, workspaces
from towpath.store.database import Db, int4_array_of
from towpath.store.queries import queries
from towpath.store.tombstones import REFUSED

_JSON = msgspec.json.Encoder(decimal_format="number")
_KINDS = (MatchField.IDFA, MatchField.GAID)
_PLAIN = frozenset({"number", "attributes"})
_CELLS = tuple(field.name for field in fields(PeopleBatch))


class Placed(NamedTuple):
    """A row, and the place of its call in the batch."""

    call: int
    row: PersonRow


class _Stored(NamedTuple):
    """What is stored of somebody, as far as it is needed."""

    country: str | None = None
    attributes: Mapping[str, Any] = {}


def write(
    db: Db,
    workspace: WorkspaceId,
    rows: Sequence[Placed],
    new: Sequence[Who],
    numbers: Mapping[Who, int],
    late: list[list[TrackError]],
    now: Instant,
) -> dict[Who, int]:
    """Write these rows, and make the `new` people; gives the numbers of the new ones.

    `numbers` are those of the people who are known. What cannot be taken is added to `late`, a list
    a call; a new person who was erased gets no number. In the caller's transaction, under
    `workspaces.lock`.
    """
    groups: dict[int | Who, list[Placed]] = {who: [] for who in new}
    for placed in rows:
        who = placed.row.who
        groups.setdefault(numbers.get(who, who), []).append(placed)
    if not groups:
        return {}
    stored = _read_stored(db, groups)
    _place_phones(db, workspace, groups, stored, late)
    people = [
        _person(whose, group, stored.get(whose, _Stored()), late) for whose, group in groups.items()
    ]
    if not changes.watched(db, workspace):
        plain = [_is_plain(person) for person in people]
        _write_attributes(db, workspace, list(compress(people, plain)), now)
        whole = [not one for one in plain]
        people = list(compress(people, whole))
        groups = dict(compress(groups.items(), whole))
    if not people:
        return {}
    upserted = profiles.upsert(db, workspace, _batch(people), now)
    found = dict(zip(groups, upserted.numbers.tolist(), strict=True))
    for whose in [list(groups)[place] for place in upserted.refused]:
        del found[whose]
        for call, row in groups.pop(whose):
            late[call].append(TrackError(REFUSED, "attributes", row.index, row.who.kind.value))
    _write_further_devices(db, workspace, groups, found, now)
    made = {who: found[who] for who in new if who in found}
    aliases.add(db, workspace, {who.key: made[who] for who in new if who.kind is WhoKind.ALIAS})
    return made


def _read_stored(db: Db, groups: Mapping[int | Who, list[Placed]]) -> dict[int | Who, _Stored]:
    """What is stored of the known people whose rows depend on it."""
    names: set[str] = set()
    known: list[int] = []
    for whose, group in groups.items():
        operations = {
            name
            for _, row in group
            for name, value in row.free.items()
            if isinstance(value, Operation)
        }
        names |= operations
        if isinstance(whose, int) and (operations or any(row.local_phone for _, row in group)):
            known.append(whose)
    if not known:
        return {}
    given = {"names": sorted(names), "numbers": known}
    return {
        number: _Stored(country, exact_json(text.encode()) if text else {})
        for number, country, text in db.execute(queries("tracking")["read_stored"], given)
    }


def _place_phones(
    db: Db,
    workspace: WorkspaceId,
    groups: Mapping[int | Who, list[Placed]],
    stored: Mapping[int | Who, _Stored],
    late: list[list[TrackError]],
) -> None:
    """Read phones without a country code: by the person's country, or else the workspace's."""
    local = [
        (whose, placed)
        for whose, group in groups.items()
        for placed in group
        if placed.row.local_phone
    ]
    if not local:
        return
    default = workspaces.read(db, workspace).default_country
    for whose, (call, row) in local:
        assert row.local_phone is not None
        country = stored.get(whose, _Stored()).country or default
        found = normalise.phone(row.local_phone, country)
        if isinstance(found, Refusal):
            told = TrackError(found.reason, "attributes", row.index, "phone", whole=False)
            late[call].append(told)
        else:
            row.cells["phone"] = Identifier(*found)


def _person(
    whose: int | Who, group: Sequence[Placed], stored: _Stored, late: list[list[TrackError]]
) -> dict[str, Any]:
    """The person's row of the batch: what the rows say, in their order."""
    person: dict[str, Any] = {}
    if isinstance(whose, int):
        person["number"] = whose
    elif whose.kind in {WhoKind.EXTERNAL_ID, WhoKind.EMAIL, WhoKind.PHONE}:
        person[whose.kind.value] = whose.key
    for _, row in group:
        if (consent := row.cells.get("consent")) and "consent" in person:
            row.cells["consent"] = later(person["consent"], consent)
        person.update(row.cells)
    gone = {name: None for name, cell in person.items() if cell is None}
    if len(group) == 1 and not any(
        isinstance(one, Operation) for one in group[0].row.free.values()
    ):
        person["attributes"] = gone | group[0].row.free or None
        return person
    free, refused = fold([row.free for _, row in group], stored.attributes)
    person["attributes"] = gone | free or None
    for place, name, reason in refused:
        call, row = group[place]
        late[call].append(TrackError(reason, "attributes", row.index, name, whole=False))
    return person


def _is_plain(person: Mapping[str, Any]) -> bool:
    """Is it somebody known of whom nothing but values of free attributes is said?"""
    if len(person) > len(_PLAIN) or person.keys() != _PLAIN:
        return False
    said = person["attributes"]
    return bool(said) and None not in said.values() and not any(map(may_bar, said))


def _write_attributes(
    db: Db, workspace: WorkspaceId, people: Sequence[Mapping[str, Any]], now: Instant
) -> None:
    if not people:
        return
    given = {
        "workspace": workspace,
        "numbers": int4_array_of(np.array([one["number"] for one in people], np.uint32)),
        "attributes": _JSON.encode([one["attributes"] for one in people]).decode(),
        "now": now,
    }
    with db.transaction():
        db.execute(queries("tracking")["tune_attributes"])
        db.execute(queries("tracking")["lay_attributes"], given)


def _batch(people: Sequence[Mapping[str, Any]]) -> PeopleBatch:
    return PeopleBatch(**{name: [one.get(name) for one in people] for name in _CELLS})


def _write_further_devices(
    db: Db,
    workspace: WorkspaceId,
    groups: Mapping[int | Who, list[Placed]],
    numbers: Mapping[int | Who, int],
    now: Instant,
) -> None:
    """A batch holds one device of a kind a person: the last that was named. The others are written
    at once, and the last handed in again, so that the person's key is found among all of them."""
    further: dict[tuple[int, MatchField, str], bool | None] = {}
    people: list[dict[str, Any]] = []
    for whose, group in groups.items():
        named = [one for _, row in group for one in _devices(row)]
        last = {kind.value: device for kind, device in named}
        if len(named) == len(last):
            continue
        number = numbers[whose]
        words = [row.cells.get("tracking_allowed") for _, row in group]
        said = next((word for word in reversed(words) if word is not None), None)
        people.append({"number": number, "tracking_allowed": said, **last})
        further |= {
            (number, kind, device.value): device.tracking_allowed
            for kind, device in named
            if device.value != last[kind.value].value
        }
    if people:
        devices.write_older(db, workspace, further, now)
        db.execute(queries("tracking")["forget_batch"])
        profiles.upsert(db, workspace, _batch(people), now)


def _devices(row: PersonRow) -> list[tuple[MatchField, Device]]:
    first = [(kind, row.cells[kind.value]) for kind in _KINDS if row.cells.get(kind.value)]
    return first + row.devices
