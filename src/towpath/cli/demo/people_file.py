"""The demo's people.csv: made-up people with the spellings and mistakes of a real export.

The same number of people and the same seed give the same bytes. Nobody in it exists: e-mail
domains are reserved for examples (RFC 2606, RFC 6761), and `countries.py` says about the phones.
"""

import csv
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

from towpath.cli.demo.countries import COUNTRIES, Country

COLUMNS = (
    "external_id",
    "email",
    "phone",
    "country",
    "first_name",
    "last_name",
    "consent",
    "consent_source",
    "consent_at",
    "ad_tracking",
    "idfa",
    "gaid",
    "plan",
    "orders:number",
    "bucket:number",
    "language",
)

WITHOUT_EMAIL = 0.10
WITHOUT_PHONE = 0.20
NATIONAL_PHONE = 0.15  # of the phones: not in E.164
BAD_EMAIL, BAD_PHONE, BAD_IDFA = 0.015, 0.012, 0.003  # of all people: 3 % together
SHARING = 0.02  # of all people: hold an e-mail that somebody else holds too
TRIPLES = 0.10  # of the people who copy an address: make a pair a triple
CONSENT_WITHDRAWN, CONSENT_UNKNOWN = 0.05, 0.05
WITH_DEVICE = 0.30
WITHOUT_ORDERS = 0.15

# A copy turns one holder into two people who share, and of a triple's three the third is a copy.
_COPIES = SHARING / (2 * (1 - TRIPLES) + TRIPLES) / (1 - WITHOUT_EMAIL)

_DOMAINS = ("example.com", "example.net", "example.org", "mail.example", "correio.example")
_INTERNATIONAL_DOMAINS = (
    "münchen.example",
    "ação.example",
    "łódź.example",
    "日本.example",
    "post.été.example",
    "xn--mnchen-3ya.example",
)
_NO_EMAILS = ("{0}@{0}@example.com", "{0}@example@com", "{0}@example", "{0}.example.com", "{0}@@")
_NO_PHONES = ("123", "+55 11", "0000", "unknown", "n/a", "(11) 9", "+1 212", "no phone", "98-7")
_NO_IDFAS = ("not-an-id", "{0}-1", "G{1}", "{2}")
_PLANS = ("free", "free", "free", "basic", "basic", "pro")
_SOURCES = ("checkout", "newsletter", "app", "store", "event")
_DAYS = tuple((date(2023, 1, 1) + timedelta(days=day)).isoformat() for day in range(900))
_SLOTS = tuple(country for country in COUNTRIES for _ in range(country.slots))

Item = TypeVar("Item")


class _Chance:
    """Chance from a seed, by `random()` alone: Python promises to keep its sequence for ever."""

    def __init__(self, seed: int) -> None:
        self._draw = Random(seed).random

    def happens(self, share: float) -> bool:
        return self._draw() < share

    def below(self, end: int) -> int:
        return int(self._draw() * end)

    def pick(self, items: Sequence[Item]) -> Item:
        return items[int(self._draw() * len(items))]


def write_people(path: Path, people: int, seed: int) -> None:
    """Write people.csv: UTF-8, a header, then `people` rows; about 1.5 s for 100,000.

    `path` is replaced. Raises ValueError when `people` is negative, OSError as `open` does.
    """
    if people < 0:
        raise ValueError(f"{people} is no number of people")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_rows(people, _Chance(seed)))


def _rows(people: int, chance: _Chance) -> Iterator[tuple[str, ...]]:
    emails = _Emails(chance)
    phones = _Phones(chance)
    for serial in range(1, people + 1):
        country = chance.pick(_SLOTS)
        first, last = chance.pick(country.first_names), chance.pick(country.last_names)
        yield (
            f"user-{serial:07}",
            emails.next(first, last, serial),
            phones.next(country),
            country.code,
            _name(chance, first),
            _name(chance, last),
            *_consent(chance),
            *_device(chance, serial),
            chance.pick(_PLANS),
            "0" if chance.happens(WITHOUT_ORDERS) else str(1 + chance.below(chance.pick((3, 40)))),
            str(chance.below(100)),
            chance.pick(country.languages),
        )


class _Emails:
    """E-mail cells; remembers addresses, so that some people share one."""

    def __init__(self, chance: _Chance) -> None:
        self._chance = chance
        self._held_once: list[str] = []
        self._held_twice: list[str] = []

    def next(self, first: str, last: str, serial: int) -> str:
        chance = self._chance
        if chance.happens(WITHOUT_EMAIL):
            return ""
        if chance.happens(BAD_EMAIL / (1 - WITHOUT_EMAIL)):
            return chance.pick(_NO_EMAILS).format(f"user.{serial}")
        if self._held_once and chance.happens(_COPIES):
            return respelled(self._copied(), chance.below(5))
        address = self._address(first, last, serial)
        self._held_once.append(address)
        return respelled(address, chance.below(5)) if chance.happens(0.15) else address

    def _copied(self) -> str:
        if self._held_twice and self._chance.happens(TRIPLES):
            return self._taken(self._held_twice)
        address = self._taken(self._held_once)
        self._held_twice.append(address)
        return address

    def _taken(self, addresses: list[str]) -> str:
        place = self._chance.below(len(addresses))
        addresses[place], addresses[-1] = addresses[-1], addresses[place]
        return addresses.pop()

    def _address(self, first: str, last: str, serial: int) -> str:
        accents = self._chance.happens(0.03)
        local = f"{_local(first, accents=accents)}.{_local(last, accents=accents)}{serial}"
        international = self._chance.happens(0.03)
        return f"{local}@{self._chance.pick(_INTERNATIONAL_DOMAINS if international else _DOMAINS)}"


def respelled(address: str, way: int) -> str:
    """The same address (NFC, lower case) spelled differently; `way` is 0 to 4."""
    local, _, domain = address.partition("@")
    return (
        f"{local.upper()}@{domain.upper()}",
        f"  {local.title()}@{domain} ",
        f"{local} @ {domain}",
        f"{unicodedata.normalize('NFD', local)}@{unicodedata.normalize('NFD', domain.title())}",
        f"{local}@\u00a0{domain}\t",
    )[way]


def _local(name: str, *, accents: bool) -> str:
    """A name as a part of an address; without a letter of Latin's 26 it becomes "mail"."""
    shaped = name.lower().replace("ß", "ss").replace("ł", "l").replace("ı", "i")
    bare = "".join(char for char in unicodedata.normalize("NFD", shaped) if char.isascii())
    plain = "".join(char for char in bare if char.isalnum())
    if accents and plain:
        composed = unicodedata.normalize("NFC", shaped)
        return "".join(char for char in composed if char.isalnum())
    return plain or "mail"


class _Phones:
    """Phone cells; every valid number is given once."""

    def __init__(self, chance: _Chance) -> None:
        self._chance = chance
        self._given = dict.fromkeys((country.code for country in COUNTRIES), 0)

    def next(self, country: Country) -> str:
        chance = self._chance
        if chance.happens(WITHOUT_PHONE):
            return ""
        if chance.happens(BAD_PHONE / (1 - WITHOUT_PHONE)):
            return chance.pick(_NO_PHONES)
        number = country.number(self._given[country.code])
        self._given[country.code] += 1
        if not chance.happens(NATIONAL_PHONE):
            return f"+{country.calling}{number}"
        return national(number, country, chance.below(len(country.spellings)), chance.below(8))


_FULL_WIDTH = str.maketrans("0123456789-", "０１２３４５６７８９−")


def national(number: str, country: Country, spelling: int, look: int) -> str:
    """A number as people of the country write it; `look` 0 has hard spaces, 1 full-width digits.

    Only Japan writes full-width digits.
    """
    digits = iter(number)
    pattern = country.spellings[spelling]
    text = "".join(next(digits) if char == "#" else char for char in pattern)
    if look == 0:
        return text.replace(" ", "\u00a0")
    if look == 1 and country.code == "JP" and text.startswith("0"):
        return text.translate(_FULL_WIDTH)
    return text


def _name(chance: _Chance, name: str) -> str:
    way = chance.below(40)
    if way == 0:
        return name.upper()
    if way == 1:
        return f" {name}  "
    return unicodedata.normalize("NFD", name) if way < 5 else name


def _consent(chance: _Chance) -> tuple[str, str, str]:
    drawn = chance.below(10_000) / 10_000
    if drawn < CONSENT_UNKNOWN:
        return "unknown", "", ""
    state = "withdrawn" if drawn < CONSENT_UNKNOWN + CONSENT_WITHDRAWN else "granted"
    moment = f"{chance.pick(_DAYS)}T{chance.below(24):02}:{chance.below(60):02}:00Z"
    return state, chance.pick(_SOURCES), moment


def _device(chance: _Chance, serial: int) -> tuple[str, str, str]:
    """ad_tracking, idfa, gaid: nobody has two devices."""
    if chance.happens(BAD_IDFA):
        bits = _uuid(chance)
        return "yes", chance.pick(_NO_IDFAS).format(serial, bits[1:], bits[:-1]), ""
    if not chance.happens(WITH_DEVICE):
        return "", "", ""
    tracking = "yes" if chance.happens(0.7) else "no"
    if chance.happens(0.5):
        return tracking, _uuid(chance).upper(), ""  # iOS shows capitals, Android small letters
    return tracking, "", _uuid(chance)


def _uuid(chance: _Chance) -> str:
    """32 random hex digits in the shape of a version 4 UUID."""
    head, tail = f"{chance.below(2**48):012x}", f"{chance.below(2**48):012x}"
    middle = f"{chance.below(2**28):07x}"
    return f"{head[:8]}-{head[8:]}-4{middle[:3]}-a{middle[3:6]}-{tail}"
