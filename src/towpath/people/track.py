"""A call of `/users/track`, read: people's attributes, events and purchases, each on its own.

The shapes are Braze's (POST /users/track; User Attributes, Event and Purchase Object). The call is
refused whole only when it is no such JSON; an object that cannot be taken is refused alone, and an
attribute that is no e-mail, phone, device and so on leaves the rest of its object.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from towpath.clock import Instant, instant, seconds
from towpath.errors import InputError
from towpath.limits import (
    PRICE_MAX,
    PROPERTIES_MAX,
    QUANTITY_MAX,
    TRACK_AHEAD_S,
    TRACK_OBJECTS_MAX,
)
from towpath.people.events import EventKind, EventName, Happening
from towpath.people.json_text import read_json
from towpath.people.profile import read_name
from towpath.people.track_attributes import PersonRow, read_person
from towpath.people.whose import Named, Unfit, Who, fit, unfit, whose

_AHEAD = seconds(TRACK_AHEAD_S)
_NAMES_KEPT = 4_096
_MILLISECONDS = re.compile(r"-?[0-9]{12,}")
# ISO 4217, with what is traded and has a code.
_ISO_4217 = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTC
BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EEK
EGP ERN ETB EUR FJD FKP GBP GEL GGP GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS IMP INR
IQD IRR ISK JEP JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LTL LVL LYD
MAD MDL MGA MKD MMK MNT MOP MRO MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB
PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STD
STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VEF VES
VND VUV WST XAF XAG XAU XCD XCG XDR XOF XPD XPF XPT YER ZAR ZMK ZMW ZWG ZWL"""
CURRENCIES = frozenset(_ISO_4217.split())


@dataclass(frozen=True, slots=True)
class TrackError:
    """An object that is not taken (`whole`), or a key of it: `type` says why, in words."""

    type: str
    input_array: str
    index: int
    field: str
    whole: bool = True


@dataclass(slots=True)
class EventRow:
    """An event or a purchase: where it stood in the call, whose, and the id it came with."""

    array: str
    index: int
    who: Who
    existing_only: bool
    happening: Happening
    id: str | None


@dataclass(frozen=True)
class TrackCall:
    """What of a call is to be stored, in its order, and what is refused."""

    people: list[PersonRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    errors: list[TrackError] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.people) + len(self.events)


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    attributes: list[Raw] = []
    events: list[Raw] = []
    purchases: list[Raw] = []


class _Happened(Named, forbid_unknown_fields=True, kw_only=True):
    time: str | int
    email: str | None = None
    phone: str | None = None
    id: str | UnsetType = UNSET
    app_id: Any = None
    properties: Raw = Raw(b"null")


class _Event(_Happened, forbid_unknown_fields=True, kw_only=True):
    name: str


class _Purchase(_Happened, forbid_unknown_fields=True, kw_only=True):
    product_id: str
    currency: str
    price: Decimal
    quantity: int = 1


_BODY = msgspec.json.Decoder(_Body)
_SYNTAX = msgspec.json.Decoder(Raw)
_EVENT = msgspec.json.Decoder(_Event)
_PURCHASE = msgspec.json.Decoder(_Purchase)


class TooManyObjectsError(InputError):
    """More objects than one call may hold."""


class NoJsonError(InputError):
    """The body is no JSON at all."""


def read_call(body: bytes, now: Instant) -> TrackCall:
    """Read a call of at most 1,000 objects.

    Raises NoJsonError, TooManyObjectsError, or InputError when it is JSON of another shape. Times
    up to 24 hours ahead, which clocks of devices bring, become `now`, as with Braze; later ones are
    refused.
    """
    found = _read_body(body)
    call = TrackCall()
    for index, raw in enumerate(found.attributes):
        try:
            call.people.append(read_person(bytes(raw), index, now))
        except Unfit as error:
            call.errors.append(TrackError(error.reason, "attributes", index, error.field))
    for person in call.people:
        call.errors.extend(
            TrackError(reason, "attributes", person.index, name, whole=False)
            for name, reason in person.refused
        )
    for array, rows in (("events", found.events), ("purchases", found.purchases)):
        for index, raw in enumerate(rows):
            try:
                call.events.append(_read_event(bytes(raw), array, index, now))
            except Unfit as error:
                call.errors.append(TrackError(error.reason, array, index, error.field))
    return call


def _read_body(body: bytes) -> _Body:
    try:
        body.decode()
        found = _BODY.decode(body)
    except UnicodeDecodeError as error:
        raise NoJsonError(f"Byte {error.start} of the body is not UTF-8.", field="body") from None
    except RecursionError:
        raise NoJsonError("The body is nested too deeply.", field="body") from None
    except msgspec.ValidationError as error:
        _check_syntax(body)
        told = unfit(error)
        raise InputError(
            f"{told.field or 'The body'} {told.reason}.",
            remedy="Send an object with attributes, events or purchases, each a list.",
            field=told.field or "body",
        ) from None
    except msgspec.DecodeError as error:
        raise _no_json(body, error) from None
    count = len(found.attributes) + len(found.events) + len(found.purchases)
    if count == 0:
        raise InputError(
            "The call holds no attributes, no events and no purchases.",
            remedy="Send at least one object.",
            field="body",
        )
    if count > TRACK_OBJECTS_MAX:
        raise TooManyObjectsError(
            f"The call holds {count:,} objects; at most {TRACK_OBJECTS_MAX:,} are taken at once.",
            remedy="Send them in several calls.",
            field="body",
        )
    return found


def _check_syntax(body: bytes) -> None:
    try:
        _SYNTAX.decode(body)
    except RecursionError:
        raise NoJsonError("The body is nested too deeply.", field="body") from None
    except msgspec.DecodeError as error:
        raise _no_json(body, error) from None


def _no_json(body: bytes, error: msgspec.DecodeError) -> NoJsonError:
    told = str(error).removeprefix("JSON is malformed: ")
    if not body.strip():
        return NoJsonError("The body is empty.", remedy="Send JSON.", field="body")
    if "(byte " not in told:
        told = f"it ends too early (byte {len(body)})"
    return NoJsonError(f"The body is no JSON: {told}.", field="body")


def _read_event(raw: bytes, array: str, index: int, now: Instant) -> EventRow:
    try:
        found = _EVENT.decode(raw) if array == "events" else _PURCHASE.decode(raw)
    except msgspec.ValidationError as error:
        raise unfit(error) from None
    happening = Happening(
        name=_event_name(found),
        at=_read_time(found.time, now),
        properties=_properties(bytes(found.properties)),
    )
    if isinstance(found, _Purchase):
        happening = _bought(found, happening)
    return EventRow(
        array,
        index,
        whose(found, found.email, found.phone),
        found.update_existing_only,
        happening,
        None if found.id is UNSET else _short(found.id, "id"),
    )


def _event_name(found: _Event | _Purchase) -> EventName:
    if isinstance(found, _Event):
        return _name(EventKind.EVENT, found.name, "name")
    return _name(EventKind.PURCHASE, found.product_id, "product_id")


@lru_cache(_NAMES_KEPT)
def _name(kind: EventKind, text: str, field: str) -> EventName:
    return EventName(kind, _short(text, field))


def _short(text: str, name: str) -> str:
    if not text:
        raise Unfit(name, "is empty")
    short: str = fit(name, read_name(text))
    return short


def _read_time(told: str | int, now: Instant) -> Instant:
    """An ISO 8601 moment with its zone."""
    try:
        at = instant(str(told))
    except (ValueError, OverflowError):
        likely = (
            "looks like milliseconds; write it"
            if _MILLISECONDS.fullmatch(str(told))
            else ("is no ISO 8601 time with a zone,")
        )
        raise Unfit("time", f"{likely} as 2026-03-01T12:00:00Z") from None
    if at > now + _AHEAD:
        raise Unfit("time", "lies more than 24 hours ahead")
    return min(at, now)


def _properties(raw: bytes) -> str | None:
    if raw == b"null":
        return None
    found = fit("properties", read_json(raw))
    if not isinstance(found, dict):
        raise Unfit("properties", "must be an object")
    if len(found) > PROPERTIES_MAX:
        raise Unfit("properties", f"has more than {PROPERTIES_MAX} keys")
    return raw.decode()


def _bought(found: _Purchase, happening: Happening) -> Happening:
    currency = found.currency.upper()
    if currency not in CURRENCIES:
        raise Unfit("currency", "is no currency of ISO 4217, such as BRL")
    if not found.price.is_finite() or abs(found.price) > PRICE_MAX:
        raise Unfit("price", f"must be a number up to {PRICE_MAX:,}")
    if not 1 <= found.quantity <= QUANTITY_MAX:
        raise Unfit("quantity", f"must be a whole number from 1 to {QUANTITY_MAX}")
    amount = round(found.price * found.quantity, 6)
    return happening._replace(amount=amount, currency=currency, quantity=found.quantity)
