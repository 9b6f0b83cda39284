"""Identifiers, normalised and hashed by the partner's rules.

A rule set has a number, which is stored beside each match key (`match_key.rule`), and a name that
says whose rules they are. Version 1, "tiktok-2026", is TikTok's developer page (API for Business,
page 1850030360880129, "Customer file"): e-mail without spaces and in lower case; phone in E.164
with its plus; device id trimmed and in one case; SHA-256 of each. Where the page is silent
(Unicode, international domains, all-zero ids) the rule is ours and said at the function.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, Protocol

import idna
import phonenumbers

from towpath.limits import EMAIL_CHARS_MAX
from towpath.people.columns import Column, Refusal, any_said, read_column
from towpath.people.match_field import MatchField

_HEX_64 = re.compile(r"[0-9a-fA-F]{64}")
_HEX_32 = re.compile(r"[0-9a-fA-F]{32}")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}")
_PLAIN_EMAIL = re.compile(rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@(?:{_LABEL}\.)+{_LABEL}")
_NEVER_IN_EMAIL = frozenset('<>()[],;:\\"')
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_PHONE_CHARS = re.compile(r"[\d\s+().\-/\u2010-\u2015\u2212]+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NO_UUID = "00000000-0000-0000-0000-000000000000"


class Normalised(NamedTuple):
    """An identifier as the rules write it, and the 32 bytes of its SHA-256."""

    value: str
    digest: bytes


class Reader(Protocol):
    """From a text, and the country of its person where it is known, to what it means."""

    def __call__(self, text: str, country: str | None = None, /) -> Normalised | Refusal: ...


@dataclass(frozen=True)
class RuleSet:
    """A partner's rules for each match field; a reader takes the text and the person's country."""

    version: int
    name: str
    source: str
    readers: Mapping[MatchField, Reader]


def email(text: str, _country: str | None = None) -> Normalised | Refusal:
    """An e-mail address: all white space removed, NFC, lower case, at most 254 characters.

    Exactly one @, a dot in the domain; an international domain becomes punycode (UTS 46). Dots and
    "+suffix" of the local part stay: the developer page does not drop them, TikTok's older help
    pages did. Plain ASCII addresses take the fast path, one regular expression.
    """
    shaped = text.lower()
    if len(shaped) > EMAIL_CHARS_MAX or not _PLAIN_EMAIL.fullmatch(shaped):
        found = _unusual_email(text)
        if isinstance(found, Refusal):
            return found
        shaped = found
    return _hashed(shaped)


def _unusual_email(text: str) -> str | Refusal:
    shaped = "".join(unicodedata.normalize("NFC", text).split()).lower()
    shaped = unicodedata.normalize("NFC", shaped)
    for is_so, reason in _NO_EMAIL:
        if is_so(shaped):
            return Refusal(reason)
    local, domain = shaped.split("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except UnicodeError:
            return Refusal("has a domain that cannot be written in punycode")
    if not _DOMAIN.fullmatch(domain):
        return Refusal("has no dot in its domain, or a domain that cannot exist")
    if len(local) + 1 + len(domain) > EMAIL_CHARS_MAX:
        return Refusal(_TOO_LONG)
    return f"{local}@{domain}"


_TOO_LONG = f"is longer than {EMAIL_CHARS_MAX} characters"
_NO_EMAIL: tuple[tuple[Callable[[str], object], str], ...] = (
    (_HEX_64.fullmatch, "is a SHA-256 already; name its column email_sha256"),
    (lambda text: len(text) > EMAIL_CHARS_MAX, _TOO_LONG),
    (
        lambda text: any(unicodedata.category(char) in {"Cc", "Cf"} for char in text),
        "holds an invisible character",
    ),
    (lambda text: "@" not in text, "has no @"),
    (lambda text: text.count("@") > 1, "has more than one @; one address only"),
    (lambda text: text.startswith("@"), "has nothing before the @"),
    (
        lambda text: not _NEVER_IN_EMAIL.isdisjoint(text.partition("@")[0]),
        "holds a character that no address has",
    ),
)


def phone(text: str, country: str | None = None) -> Normalised | Refusal:
    """A phone number in E.164 with its plus. `country`: two letters, for numbers without a plus.

    What has E.164's shape already is taken as it is: no check that such a number is in use, which
    costs 34 µs a number (the fast path costs 0.2). All else is parsed by `phonenumbers` and must be
    a valid number of its country. "00" in front is read as a plus.
    """
    shaped = text.strip()
    if _E164.fullmatch(shaped):
        return _hashed(shaped)
    if _HEX_64.fullmatch(shaped):
        return Refusal("is a SHA-256 already; name its column phone_sha256")
    if not _PHONE_CHARS.fullmatch(shaped):
        return Refusal("holds more than one number: letters, an extension or a list")
    if shaped.startswith("00"):
        shaped = "+" + shaped[2:]
    if not shaped.startswith("+") and country is None:
        return Refusal("has no country code, and neither person nor workspace names a country")
    return _parsed_phone(shaped, country)


def _parsed_phone(text: str, country: str | None) -> Normalised | Refusal:
    try:
        found = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return Refusal("is no phone number")
    if not phonenumbers.is_valid_number(found):
        return Refusal("is not a valid number of its country")
    return _hashed(phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164))


def device_id(text: str, _country: str | None = None) -> Normalised | Refusal:
    """An advertising id (IDFA, GAID): trimmed, lower case, the shape of a UUID.

    All zeros is what systems hand out when the person denied tracking: it counts as missing.
    """
    shaped = text.strip().lower()
    if shaped == _NO_UUID:
        return Refusal("is all zeros: the person denied tracking, so there is no id", missing=True)
    if _UUID.fullmatch(shaped):
        return _hashed(shaped)
    if _HEX_64.fullmatch(shaped):
        return Refusal("is a SHA-256 already; device ids must come unhashed")
    return Refusal("does not have the shape of a UUID, 8-4-4-4-12 hex digits")


def hashed(text: str) -> Normalised | Refusal:
    """A SHA-256 that somebody else made: 64 hex digits, either case; only where so declared."""
    shaped = text.strip().lower()
    if _HEX_64.fullmatch(shaped):
        return Normalised(shaped, bytes.fromhex(shaped))
    if _HEX_32.fullmatch(shaped):
        return Refusal("is an MD5; only SHA-256, 64 hex digits, can be matched")
    return Refusal("is not a SHA-256, 64 hex digits")


def _hashed(value: str) -> Normalised:
    return Normalised(value, sha256(value.encode()).digest())


def _plain_emails(cells: Sequence[str]) -> list[str] | None:
    shaped = [cell.lower() for cell in cells]
    plain = max(map(len, shaped)) <= EMAIL_CHARS_MAX and all(map(_PLAIN_EMAIL.fullmatch, shaped))
    return shaped if plain else None


def _plain_phones(cells: Sequence[str]) -> list[str] | None:
    shaped = [cell.strip() for cell in cells]
    return shaped if all(map(_E164.fullmatch, shaped)) else None


_PLAIN_COLUMNS: Mapping[Reader, Callable[[Sequence[str]], list[str] | None]] = {
    email: _plain_emails,
    phone: _plain_phones,
}
"""What readers make of cells none of which is unusual; None when one is."""


def _hashed_all(values: list[str]) -> Iterator[Normalised]:
    digests = [sha256(value.encode()).digest() for value in values]
    return map(Normalised._make, zip(values, digests, strict=True))


def _spread(found: Iterator[Normalised], cells: Sequence[str | None]) -> list[Normalised | None]:
    """What was found, in the places of the cells that are not None."""
    if None not in cells:
        return [*found]
    return [None if cell is None else next(found) for cell in cells]


CURRENT_RULE = 1
RULES: Mapping[int, RuleSet] = {
    CURRENT_RULE: RuleSet(
        version=CURRENT_RULE,
        name="tiktok-2026",
        source="TikTok API for Business, page 1850030360880129",
        readers={
            MatchField.EMAIL: email,
            MatchField.PHONE: phone,
            MatchField.IDFA: device_id,
            MatchField.GAID: device_id,
        },
    )
}


def normalise_column(
    field: MatchField,
    cells: Sequence[str | None],
    countries: Sequence[str | None] | None = None,
    *,
    rule: int = CURRENT_RULE,
) -> Column[Normalised]:
    """Normalise and hash a column; None cells are empty. `countries` go with phones, cell by cell.

    A rule that is not known raises KeyError. A column all of whose cells are plain is read at once:
    two thirds of the cost of reading each by itself.
    """
    read = RULES[rule].readers[field]
    if (plain := _PLAIN_COLUMNS.get(read)) and any_said(cells):
        shaped = plain([cell for cell in cells if cell is not None])
        if shaped is not None:
            return Column(_spread(_hashed_all(shaped), cells), {})
    if field is not MatchField.PHONE or countries is None:
        return read_column(cells, read)
    if len(set(countries)) == 1:
        return read_column(cells, lambda text: read(text, countries[0]))
    pairs = [
        None if text is None else (text, country)
        for text, country in zip(cells, countries, strict=True)
    ]
    return read_column(pairs, lambda pair: read(*pair))
