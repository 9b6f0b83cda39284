"""A person's own columns: how each is read, and a batch of people on their way to the store.

None in a column means "leave as it is". A batch holds columns, not rows, so that the store writes
it with one COPY.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from phonenumbers import SUPPORTED_REGIONS

from towpath.clock import Instant, instant
from towpath.limits import EXTERNAL_ID_CHARS_MAX, PERSON_TEXT_CHARS_MAX
from towpath.people.attributes import AttributeValue
from towpath.people.columns import Refusal, any_said
from towpath.people.consent import Consent, later

# ISO 3166 knows these too, but nobody has a phone there.
_COUNTRIES = SUPPORTED_REGIONS | {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}
_COUNTRY_HINTS = {"UK": "GB", "EN": "GB", "EL": "GR"}
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)
_TIME_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Identifier(NamedTuple):
    """An e-mail or phone: normalised, and its SHA-256. Only the hash when it came hashed."""

    value: str | None
    digest: bytes


class Device(NamedTuple):
    """An advertising id, and whether tracking is allowed on it; None: not said."""

    value: str
    tracking_allowed: bool | None


@dataclass(frozen=True)
class PeopleBatch:
    """People as columns of one length. None: leave as it is. `tracking_allowed` is said of all
    devices of a person, where the row names none. An attribute that is None goes; so does a
    person's own column that `attributes` names with None, such as email, and its match key.

    `number` is whom the row means, already looked up. A row with neither number nor external id is
    somebody new, whom an alias will name.
    """

    number: list[int | None]
    external_id: list[str | None]
    email: list[Identifier | None]
    phone: list[Identifier | None]
    idfa: list[Device | None]
    gaid: list[Device | None]
    tracking_allowed: list[bool | None]
    country: list[str | None]
    language: list[str | None]
    first_name: list[str | None]
    last_name: list[str | None]
    time_zone: list[str | None]
    birth_date: list[date | None]
    attributes: list[Mapping[str, AttributeValue] | None]
    consent: list[Consent | None]

    def __len__(self) -> int:
        return len(self.external_id)


def merge_same(batch: PeopleBatch) -> PeopleBatch:
    """The batch with each number and each external id once: the later row wins, cell by cell.

    Attributes are cells of their own; of two consents the one with the later time holds.
    """
    if len(set(batch.external_id)) == len(batch) and not any_said(batch.number):
        return batch
    place: dict[object, int] = {}
    columns = {field.name: list(getattr(batch, field.name)) for field in fields(PeopleBatch)}
    for index, (number, external_id) in enumerate(
        zip(batch.number, batch.external_id, strict=True)
    ):
        whom = external_id if number is None else number
        first = place.setdefault((index,) if whom is None else whom, index)
        if first == index:
            continue
        for column in columns.values():
            column[first] = _later_cell(column[first], column[index])
    kept = sorted(place.values())
    return PeopleBatch(**{name: [column[i] for i in kept] for name, column in columns.items()})


def _later_cell(first: Any, second: Any) -> Any:
    if first is None or second is None:
        return first if second is None else second
    if isinstance(second, Consent):
        return later(first, second)
    return {**first, **second} if isinstance(second, dict) else second


def read_external_id(text: str) -> str | Refusal:
    """1 to 256 characters, none of them a control character."""
    if len(text) > EXTERNAL_ID_CHARS_MAX:
        return Refusal(f"is longer than {EXTERNAL_ID_CHARS_MAX} characters")
    return _without_controls(text)


def all_plain_ids(cells: list[str]) -> bool:
    """Would `read_external_id` take all of these, none of them empty? Quicker than each by itself.

    False where one holds a character that is not printable, though not all of those are refused.
    """
    return (
        all(cells)
        and max(map(len, cells), default=0) <= EXTERNAL_ID_CHARS_MAX
        and ("".join(cells).isprintable())
    )


def read_name(text: str) -> str | Refusal:
    """A short text: a first or last name, the source of a consent."""
    if len(text) > PERSON_TEXT_CHARS_MAX:
        return Refusal(f"is longer than {PERSON_TEXT_CHARS_MAX} characters")
    return _without_controls(text)


def _without_controls(text: str) -> str | Refusal:
    if not text.isprintable() and any(unicodedata.category(char) == "Cc" for char in text):
        return Refusal("holds a control character")
    return text


def read_country(text: str) -> str | Refusal:
    """Two letters of ISO 3166, in any case; kept in upper case."""
    code = text.upper()
    if code in _COUNTRIES:
        return code
    if hint := _COUNTRY_HINTS.get(code):
        return Refusal(f"is no country code of ISO 3166; did you mean {hint}?")
    return Refusal("is no country code of ISO 3166, two letters such as BR")


def read_language(text: str) -> str | Refusal:
    """A language tag of BCP 47, such as pt-BR."""
    tag = text.replace("_", "-")
    if len(tag) > 35 or not _LANGUAGE.fullmatch(tag):
        return Refusal("is no language tag such as pt or pt-BR")
    return tag


def read_time_zone(text: str) -> str | Refusal:
    """A name of the IANA time zone database, such as America/Sao_Paulo."""
    try:
        known = _TIME_ZONE.fullmatch(text) and ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        known = None
    return text if known else Refusal("is no time zone such as America/Sao_Paulo")


def read_birth_date(text: str, today: date) -> date | Refusal:
    """YYYY-MM-DD, from 1900 to today."""
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        return Refusal("is no date of the calendar written YYYY-MM-DD")
    if not date(1900, 1, 1) <= found <= today:
        return Refusal("lies before 1900 or in the future")
    return found


def read_past(text: str, now: Instant) -> Instant | Refusal:
    """An ISO 8601 moment with its zone that is not in the future."""
    try:
        found = instant(text)
    except (ValueError, OverflowError):
        return Refusal("is no ISO 8601 time with a zone, such as 2026-03-01T12:00:00Z")
    if found > now:
        return Refusal("lies in the future")
    return found
