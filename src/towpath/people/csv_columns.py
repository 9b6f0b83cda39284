"""From rows of a people file to a batch of people: what the header says, column by column.

The header names the columns. Those of `KNOWN` are a person's own; any other is a free attribute,
typed by a suffix (`points:number`). An empty cell means "leave as it is". A bad cell is refused
with its line, column and reason; its row is kept when its external id is good.
"""

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, TypeVar, cast

from towpath.clock import Instant
from towpath.errors import InputError
from towpath.limits import ATTRIBUTE_NAME_CHARS_MAX, ATTRIBUTES_PER_PROFILE_MAX
from towpath.people import attributes, consent, normalise, profile
from towpath.people.attributes import AttributeValue
from towpath.people.columns import Column, Refusal, read_column
from towpath.people.consent import OF_PURPOSE, OPT_OUT, Consent, ConsentState, purpose_part
from towpath.people.csv_rows import RowChunk
from towpath.people.match_field import MatchField
from towpath.people.normalise import Normalised
from towpath.people.profile import Device, Identifier, PeopleBatch

T = TypeVar("T")

KNOWN = (
    "external_id", "email", "phone", "country", "language", "first_name", "last_name",
    "birth_date", "idfa", "gaid", "ad_tracking", "consent", "consent_source", "consent_at",
    "email_sha256", "phone_sha256", "time_zone",
)  # fmt: skip
_RESERVED = frozenset({
    "id", "number", "workspace", "workspace_id", "is_admin", "attributes", "created_at",
    "updated_at", "idfa_sha256", "gaid_sha256",
})  # fmt: skip


class CellRefusal(NamedTuple):
    """What is not taken, and why. Column "" is the whole row, from `line` to `to_line`."""

    line: int
    column: str
    reason: str
    to_line: int | None = None


class AttributeColumn(NamedTuple):
    """A free attribute: where it stands, its name without the suffix, and its kind."""

    place: int
    name: str
    kind: str


@dataclass(frozen=True)
class Header:
    """The columns of a file: the known ones by name, and the attributes."""

    known: Mapping[str, int]
    attributes: tuple[AttributeColumn, ...]


def read_header(cells: Sequence[str], columns: Collection[str] = KNOWN) -> Header:
    """What the first line says; `columns` are those known by name.

    Raises InputError naming the position of what cannot be.
    """
    known: dict[str, int] = {}
    found: list[AttributeColumn] = []
    seen: dict[str, int] = {}
    for index, cell in enumerate(cells):
        where = f"column {index + 1}"
        name = cell.strip()
        known_name = name.lower()
        if known_name in columns:
            name = known_name
            known[name] = index
        else:
            column = _read_attribute(index, name, where, columns)
            name = column.name
            found.append(column)
        if name in seen:
            raise InputError(
                f"The header has the same name as column {seen[name] + 1}.",
                remedy="Each column needs a name of its own.",
                field=where,
            )
        seen[name] = index
    if "external_id" not in known:
        near = difflib.get_close_matches("external_id", [name.lower() for name in seen], 1, 0.6)
        hint = f" Is it {near[0]}?" if near else " Is the first line a header?"
        raise InputError(
            f"The header has {len(cells)} columns and none is named external_id.{hint}",
            remedy="Name the column that tells people apart external_id.",
            field="line 1",
        )
    if len(found) > ATTRIBUTES_PER_PROFILE_MAX:
        raise InputError(
            f"The header names {len(found)} attributes; a person has at most "
            f"{ATTRIBUTES_PER_PROFILE_MAX}.",
            remedy="Leave out columns that no Canvas needs.",
            field="line 1",
        )
    return Header(known, tuple(found))


def _read_attribute(index: int, cell: str, where: str, columns: Collection[str]) -> AttributeColumn:
    name, colon, kind = cell.rpartition(":") if ":" in cell else (cell, "", "text")
    if not name or len(name) > ATTRIBUTE_NAME_CHARS_MAX or not name.isprintable():
        raise InputError(
            "The header has an empty, too long or unprintable name.",
            remedy=f"Give it a name of 1 to {ATTRIBUTE_NAME_CHARS_MAX} characters.",
            field=where,
        )
    if colon and kind not in attributes.KINDS:
        raise InputError(
            "The header has a name whose suffix behind the colon is no type.",
            remedy=f"Write NAME:TYPE with one of {', '.join(attributes.KINDS)}.",
            field=where,
        )
    if name.lower() in _RESERVED or name.lower() in columns:
        raise InputError(
            f"The name {name} is reserved.", remedy="Rename or drop the column.", field=where
        )
    return AttributeColumn(index, name, _barring(name, where) or kind)


def _barring(name: str, where: str) -> str | None:
    """The type of an attribute that bars people: a word that is no answer must be told, not kept.
    None: any other attribute."""
    if name == OPT_OUT:
        return "boolean"
    if not name.startswith(OF_PURPOSE):
        return None
    part = purpose_part(name)
    if isinstance(part, Refusal):
        raise InputError(
            f"The header's {name} {part.reason}.",
            remedy="Write consent.PURPOSE, in lower-case letters, digits and _.",
            field=where,
        )
    return {"state": "consent", "source": "text", "at": "time"}[part]


@dataclass
class Reading:
    """One chunk being read: its columns, and what was refused so far."""

    header: Header
    columns: list[Sequence[str]]
    lines: list[int]
    refused: list[CellRefusal] = field(default_factory=list)

    def cells(self, name: str) -> list[str | None]:
        """A known column, trimmed; None where it is empty."""
        index = self.header.known.get(name)
        if index is None:
            return [None] * len(self.lines)
        return [cell.strip() or None for cell in self.columns[index]]

    def taken(self, name: str, column: Column[T]) -> list[T | None]:
        """The column's values; its refusals are noted under `name`."""
        self.refused += [
            CellRefusal(self.lines[index], name, reason)
            for index, reason in column.refusals.items()
        ]
        return column.values

    def read(self, name: str, read: Callable[[str], T | Refusal]) -> list[T | None]:
        """A known column through its reader."""
        if name not in self.header.known:
            return [None] * len(self.lines)
        return self.taken(name, read_column(self.cells(name), read))


def with_good_ids(header: Header, chunk: RowChunk) -> tuple[RowChunk, list[CellRefusal]]:
    """The rows whose external id is good, and why the others are not taken."""
    index = header.known["external_id"]
    cells = [row[index].strip() for row in chunk.rows]
    if profile.all_plain_ids(cells) and not chunk.refused:
        return chunk, []
    found = read_column(cells, _read_id)
    refused = [
        CellRefusal(chunk.lines[i], "external_id", why) for i, why in found.refusals.items()
    ] + [CellRefusal(line, "", reason, end) for line, reason, end in chunk.refused]
    if not found.refusals:
        return chunk, refused
    kept = [i for i in range(len(cells)) if i not in found.refusals]
    return RowChunk([chunk.rows[i] for i in kept], [chunk.lines[i] for i in kept]), refused


def _read_id(text: str) -> str | Refusal:
    return profile.read_external_id(text) if text else Refusal("is empty")


def all_differ(header: Header, chunk: RowChunk) -> bool:
    """Does each row name somebody else?"""
    index = header.known["external_id"]
    return len({row[index].strip() for row in chunk.rows}) == len(chunk.rows)


def ids_without_country(header: Header, chunk: RowChunk) -> list[str]:
    """External ids whose phone needs a country that the row does not name: ask the store."""
    at = header.known
    if "phone" not in at:
        return []
    country = at.get("country")
    return [
        row[at["external_id"]].strip()
        for row in chunk.rows
        if (phone := row[at["phone"]].strip())
        and not phone.startswith("+")
        and not (country is not None and row[country].strip())
    ]


def read_people(
    header: Header,
    chunk: RowChunk,
    now: Instant,
    countries: Mapping[str, str],
    default_country: str | None,
) -> tuple[PeopleBatch, list[CellRefusal]]:
    """The chunk's people (rows from `with_good_ids`, not empty), each once, and the cells refused.

    `countries`: what the store knows of `ids_without_country`; `default_country`: the workspace's.
    """
    reading = Reading(header, list(zip(*chunk.rows, strict=True)), chunk.lines)
    ids = reading.cells("external_id")
    country = reading.read("country", profile.read_country)
    of_phone = [
        code or countries.get(external_id or "", default_country)
        for code, external_id in zip(country, ids, strict=True)
    ]
    idfa, gaid, tracking = _read_devices(reading)
    batch = PeopleBatch(
        number=[None] * len(ids),
        external_id=ids,
        email=_read_identifier(reading, MatchField.EMAIL, None),
        phone=_read_identifier(reading, MatchField.PHONE, of_phone),
        idfa=idfa,
        gaid=gaid,
        tracking_allowed=tracking,
        country=country,
        language=reading.read("language", profile.read_language),
        first_name=reading.read("first_name", profile.read_name),
        last_name=reading.read("last_name", profile.read_name),
        time_zone=reading.read("time_zone", profile.read_time_zone),
        birth_date=reading.read("birth_date", _birth_date_reader(now.date())),
        attributes=read_attributes(reading),
        consent=_read_consent(reading, now),
    )
    return profile.merge_same(batch), reading.refused


def _birth_date_reader(today: date) -> Callable[[str], date | Refusal]:
    return lambda text: profile.read_birth_date(text, today)


def _read_identifier(
    reading: Reading, match_field: MatchField, countries: list[str | None] | None
) -> list[Identifier | None]:
    name = match_field.value
    plain = reading.taken(
        name, normalise.normalise_column(match_field, reading.cells(name), countries)
    )
    declared = f"{name}_sha256"
    if declared not in reading.header.known:
        # As it is: a Normalised has an Identifier's fields, and there are millions.
        return cast("list[Identifier | None]", plain)
    hashed = reading.read(declared, normalise.hashed)
    found = []
    for index, (clear, only_hash) in enumerate(zip(plain, hashed, strict=True)):
        if clear and only_hash and clear.digest != only_hash.digest:
            reason = f"is not the hash of this row's {name}, which was taken"
            reading.refused.append(CellRefusal(reading.lines[index], declared, reason))
        found.append(_identifier(clear, only_hash))
    return found


def _identifier(clear: Normalised | None, only_hash: Normalised | None) -> Identifier | None:
    if clear:
        return Identifier(*clear)
    return Identifier(None, only_hash.digest) if only_hash else None


def _read_devices(
    reading: Reading,
) -> tuple[list[Device | None], list[Device | None], list[bool | None]]:
    nothing: list[None] = [None] * len(reading.lines)
    if not {"idfa", "gaid", "ad_tracking"} & reading.header.known.keys():
        return [*nothing], [*nothing], [*nothing]
    # An id whose permission cannot be read must not pass for one whose permission was not said.
    column = read_column(reading.cells("ad_tracking"), attributes.read_boolean)
    tracking = reading.taken("ad_tracking", column)
    devices: dict[MatchField, list[Device | None]] = {}
    for match_field in (MatchField.IDFA, MatchField.GAID):
        name = match_field.value
        values = reading.taken(name, normalise.normalise_column(match_field, reading.cells(name)))
        devices[match_field] = [
            Device(found.value, allowed) if found and index not in column.refusals else None
            for index, (found, allowed) in enumerate(zip(values, tracking, strict=True))
        ]
    idfa, gaid = devices[MatchField.IDFA], devices[MatchField.GAID]
    of_all = [
        None if one or other else allowed
        for one, other, allowed in zip(idfa, gaid, tracking, strict=True)
    ]
    return idfa, gaid, of_all


def _read_consent(reading: Reading, now: Instant) -> list[Consent | None]:
    if not {"consent", "consent_source", "consent_at"} & reading.header.known.keys():
        return [None] * len(reading.lines)
    states = reading.read("consent", consent.read_state)
    sources = reading.read("consent_source", profile.read_name)
    column = read_column(reading.cells("consent_at"), lambda text: profile.read_past(text, now))
    times = reading.taken("consent_at", column)
    for name, cells in (("consent_source", sources), ("consent_at", times)):
        reading.refused += [
            CellRefusal(reading.lines[index], name, "stands without a consent in its row")
            for index, cell in enumerate(cells)
            if cell is not None and states[index] is None
        ]
    # Without its time a consent would pass for one given now; a withdrawal may, to be safe.
    for index in column.refusals:
        if states[index] is not ConsentState.WITHDRAWN:
            states[index] = None
    return [
        None if state is None else Consent(state, source, at)
        for state, source, at in zip(states, sources, times, strict=True)
    ]


def read_attributes(reading: Reading) -> list[Mapping[str, AttributeValue] | None]:
    """The free columns of each row by name; None where all are empty."""
    named = reading.header.attributes
    if not named:
        return [None] * len(reading.lines)
    read: list[list[Any]] = [
        reading.taken(
            column.name,
            read_column(
                [cell if cell.strip() else None for cell in reading.columns[column.place]],
                attributes.KINDS[column.kind],
            ),
        )
        for column in named
    ]
    names = [column.name for column in named]
    if not any(type(None) in set(map(type, values)) for values in read):
        return [dict(zip(names, values, strict=True)) for values in zip(*read, strict=True)]
    return [
        {name: value for name, value in zip(names, values, strict=True) if value is not None}
        or None
        for values in zip(*read, strict=True)
    ]
