"""An attributes object of `/users/track`: a person's own columns, devices, consent, and the rest.

Every key that is none of ours is a free attribute; its bytes go on to jsonb as they came. Null
takes an attribute away, or what a column holds. `{"inc": 1}`, `{"add": […]}` and the like change
what is stored, and are worked out later (people/track_operations.py). What is bad in one key is
refused alone: the person and the other keys are taken.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec
from msgspec import Raw

from towpath.clock import Instant
from towpath.limits import (
    ARRAY_MAX,
    ATTRIBUTE_NAME_CHARS_MAX,
    ATTRIBUTES_PER_PROFILE_MAX,
    DEVICES_MAX,
)
from towpath.people import attributes, normalise, profile
from towpath.people.columns import Refusal
from towpath.people.consent import (
    OF_PURPOSE,
    OPT_OUT,
    Consent,
    ConsentState,
    purpose_part,
    read_state,
    read_state_word,
)
from towpath.people.json_text import read_json
from towpath.people.match_field import MatchField
from towpath.people.profile import Device, Identifier
from towpath.people.track_operations import Operation, read_operation
from towpath.people.whose import Named, Unfit, Who, fit, identifier, unfit, whose

Free: TypeAlias = Raw | Operation | None
"""A free attribute: its JSON, what changes it, or None: it goes."""


@dataclass(slots=True)
class PersonRow:
    """An attributes object, read. `cells` are columns of `PeopleBatch` by name; None: it goes.

    `devices` are further ones than those in `cells`. `local_phone` is a phone without a country
    code: the store knows the country. `refused` names keys that are not taken, and why.
    """

    index: int
    who: Who
    existing_only: bool
    cells: dict[str, Any] = field(default_factory=dict)
    free: dict[str, Free] = field(default_factory=dict)
    devices: list[tuple[MatchField, Device]] = field(default_factory=list)
    merging: bool = False
    local_phone: str | None = None
    refused: list[tuple[str, str]] = field(default_factory=list)


Reader: TypeAlias = Callable[[PersonRow, str, bytes, Instant], None]
"""Reads a key's JSON into the row. Raises Unfit, or msgspec.ValidationError."""


class _Consent(msgspec.Struct, forbid_unknown_fields=True):
    state: str
    source: str | None = None
    at: str | None = None


class _Device(msgspec.Struct):
    idfa: str | None = None
    gaid: str | None = None
    google_ad_id: str | None = None
    ad_tracking_enabled: bool | None = None


_KEYS = msgspec.json.Decoder(dict[str, Raw])
_NAMED = msgspec.json.Decoder(Named)
_JSON = msgspec.json.Encoder()
_TEXT = msgspec.json.Decoder(str)
_BOOLEAN = msgspec.json.Decoder(bool)
_CONSENT = msgspec.json.Decoder(_Consent | str)
_DEVICES = msgspec.json.Decoder(list[_Device])
_BOOLEANS = (b"true", b"false")
_PLAIN = re.compile(rb'"[ !#-\[\]-~]{0,1000}"')  # a text that jsonb takes as it stands
_TIME = re.compile(rb'"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)"')


def read_person(raw: bytes, index: int, now: Instant) -> PersonRow:
    """Read an attributes object. Raises Unfit when it is none, or when it is not clear whose."""
    try:
        keys = _KEYS.decode(raw)
        named = _NAMED.decode(raw)
    except msgspec.ValidationError as error:
        raise unfit(error) from None
    if len(keys) > ATTRIBUTES_PER_PROFILE_MAX:
        raise Unfit("", f"has more than {ATTRIBUTES_PER_PROFILE_MAX} keys")
    who = whose(named, *(_contact(keys.get(name)) for name in ("email", "phone")))
    row = PersonRow(index, who, named.update_existing_only, merging=named.merge_objects)
    if "phone" in keys:  # last: it may need the country
        keys["phone"] = keys.pop("phone")
    for name, value in keys.items():
        try:
            text = bytes(value)
            if text == b"null" and (cell := _CLEARED.get(name)):
                row.cells.setdefault(cell, None)  # a value by another name (dob) stands
            else:
                other = _read_purpose if name.startswith(OF_PURPOSE) else _read_free
                _READERS.get(name, other)(row, name, text, now)
        except Unfit as error:
            row.refused.append((error.field, error.reason))
        except msgspec.ValidationError as error:
            found = unfit(error, name)
            row.refused.append((found.field, found.reason))
    if any(name == "ad_tracking_enabled" for name, _ in row.refused):
        # An id whose permission cannot be read must not pass for one of which nothing was said.
        row.cells.pop("idfa", None)
        row.cells.pop("gaid", None)
    return row


def _contact(value: Raw | None) -> str | None:
    """The text of an e-mail or phone. What is no text is nobody's; its reader refuses it."""
    raw = bytes(value) if value is not None else b""
    return _TEXT.decode(raw) if raw.startswith(b'"') else None


def _skip(row: PersonRow, name: str, raw: bytes, now: Instant) -> None:
    """Read already, or of no use here."""


def _reserved(_row: PersonRow, name: str, _raw: bytes, _now: Instant) -> None:
    raise Unfit(name, "is a reserved name")


def _text(cell: str, read: Callable[[str], Any]) -> Reader:
    """A reader of a text into a cell."""

    def into(row: PersonRow, name: str, raw: bytes, _now: Instant) -> None:
        row.cells[cell] = fit(name, read(_TEXT.decode(raw)))

    return into


def _read_email(row: PersonRow, name: str, raw: bytes, _now: Instant) -> None:
    row.cells["email"] = identifier(name, normalise.email(_TEXT.decode(raw)))


def _read_phone(row: PersonRow, name: str, raw: bytes, _now: Instant) -> None:
    text, country = _TEXT.decode(raw).strip(), row.cells.get("country")
    if country is None and text[:1].isdigit() and not text.startswith("00"):
        row.local_phone = text
    else:
        row.cells["phone"] = identifier(name, normalise.phone(text, country))


def _read_hash(row: PersonRow, name: str, raw: bytes, _now: Instant) -> None:
    found = identifier(name, normalise.hashed(_TEXT.decode(raw)))
    cell = name.removesuffix("_sha256")
    if row.cells.get(cell) is None:
        row.cells[cell] = Identifier(None, found.digest)


def _read_birth_date(row: PersonRow, name: str, raw: bytes, now: Instant) -> None:
    row.cells["birth_date"] = fit(name, profile.read_birth_date(_TEXT.decode(raw), now.date()))


def _read_consent(row: PersonRow, name: str, raw: bytes, now: Instant) -> None:
    told = _CONSENT.decode(raw)
    told = _Consent(told) if isinstance(told, str) else told
    state: ConsentState = fit(f"{name}.state", read_state(told.state))
    source = told.source and fit(f"{name}.source", profile.read_name(told.source))
    at = profile.read_past(told.at, now) if told.at is not None else None
    if isinstance(at, Refusal):
        # Without its time it would pass for one given now; a withdrawal may, to be safe.
        row.refused.append((f"{name}.at", at.reason))
        if state is not ConsentState.WITHDRAWN:
            return
        at = None
    row.cells["consent"] = Consent(state, source or None, at)


def _read_opt_out(row: PersonRow, name: str, raw: bytes, _now: Instant) -> None:
    row.free[name] = None if raw == b"null" else Raw(_JSON.encode(_BOOLEAN.decode(raw)))


def _read_purpose(row: PersonRow, name: str, raw: bytes, now: Instant) -> None:
    part = fit(name, purpose_part(name))
    if raw == b"null":
        row.free[name] = None
    elif part == "state":
        row.free[name] = Raw(_JSON.encode(fit(name, read_state_word(_TEXT.decode(raw)))))
    elif part == "at":
        row.free[name] = Raw(_JSON.encode(fit(name, attributes.read_time(_TEXT.decode(raw)))))
    else:
        _read_free(row, name, _JSON.encode(fit(name, profile.read_name(_TEXT.decode(raw)))), now)


def _read_tracking(row: PersonRow, _name: str, raw: bytes, _now: Instant) -> None:
    row.cells["tracking_allowed"] = _BOOLEAN.decode(raw)


def _read_device(row: PersonRow, name: str, raw: bytes, _now: Instant) -> None:
    kind = MatchField.IDFA if name == "idfa" else MatchField.GAID
    _take_device(row, name, kind, Device(_TEXT.decode(raw), None))


def _read_devices(row: PersonRow, name: str, raw: bytes, _now: Instant) -> None:
    devices = _DEVICES.decode(raw)
    if len(devices) > DEVICES_MAX:
        raise Unfit(name, f"are more than {DEVICES_MAX}")
    for place, device in enumerate(devices):
        for key in ("idfa", "gaid", "google_ad_id"):
            if value := getattr(device, key):
                kind = MatchField.IDFA if key == "idfa" else MatchField.GAID
                found = Device(value, device.ad_tracking_enabled)
                _take_device(row, f"{name}[{place}].{key}", kind, found)


def _take_device(row: PersonRow, name: str, kind: MatchField, device: Device) -> None:
    found = normalise.device_id(device.value)
    if isinstance(found, Refusal):
        if not found.missing:
            row.refused.append((name, found.reason))
        return
    taken = Device(found.value, device.tracking_allowed)
    if kind.value in row.cells:
        row.devices.append((kind, taken))
    else:
        row.cells[kind.value] = taken


def _read_free(row: PersonRow, name: str, raw: bytes, _now: Instant) -> None:
    if not name.isprintable() or not 0 < len(name) <= ATTRIBUTE_NAME_CHARS_MAX:
        raise Unfit(
            name[:ATTRIBUTE_NAME_CHARS_MAX].encode("unicode_escape").decode(),
            f"must be a name of 1 to {ATTRIBUTE_NAME_CHARS_MAX} printable characters",
        )
    if raw == b"null":
        row.free[name] = None
        return
    if (len(raw) < 20 and raw.isdigit()) or raw in _BOOLEANS:  # nothing can be wrong with these
        row.free[name] = Raw(raw)
        return
    if _PLAIN.fullmatch(raw) and not _TIME.fullmatch(raw):
        row.free[name] = Raw(raw)
        return
    value = fit(name, read_json(raw))
    if isinstance(value, list) and len(value) > ARRAY_MAX:
        raise Unfit(name, f"holds more than {ARRAY_MAX} elements")
    if isinstance(value, dict):
        row.free[name] = fit(name, read_operation(raw, merging=row.merging)) or Raw(raw)
    elif _TIME.fullmatch(raw):
        # In the one spelling whose order is that of the moments; what is no day stays as it is.
        moment = attributes.read_time(value)
        row.free[name] = Raw(raw if isinstance(moment, Refusal) else f'"{moment}"'.encode())
    else:
        row.free[name] = Raw(raw)


_WHOSE = (
    "external_id", "user_alias", "profile_id", "braze_id", "_update_existing_only", "app_id",
    "_merge_objects",
)  # fmt: skip
_RESERVED = (
    "id", "number", "workspace", "workspace_id", "is_admin", "attributes", "created_at",
    "updated_at", "consent_source", "consent_at", "ad_tracking", "idfa_sha256", "gaid_sha256",
)  # fmt: skip
_READERS: Mapping[str, Reader] = {
    **dict.fromkeys(_WHOSE, _skip),
    **dict.fromkeys(_RESERVED, _reserved),
    **dict.fromkeys(("email_sha256", "phone_sha256"), _read_hash),
    **dict.fromkeys(("idfa", "gaid", "google_ad_id"), _read_device),
    **dict.fromkeys(("dob", "birth_date"), _read_birth_date),
    "ad_tracking_enabled": _read_tracking,
    "consent": _read_consent,
    OPT_OUT: _read_opt_out,
    "country": _text("country", profile.read_country),
    "devices": _read_devices,
    "email": _read_email,
    "first_name": _text("first_name", profile.read_name),
    "language": _text("language", profile.read_language),
    "last_name": _text("last_name", profile.read_name),
    "phone": _read_phone,
    "time_zone": _text("time_zone", profile.read_time_zone),
}
_CLEARED: Mapping[str, str] = {
    "dob": "birth_date",
    **{name: name for name in (
        "birth_date", "country", "email", "first_name", "language", "last_name", "phone",
        "time_zone",
    )},
}  # fmt: skip
"""Keys whose null takes away what is stored, as in Braze, with their cells."""
