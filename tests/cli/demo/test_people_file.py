"""The demo's people: their shares, and that valid means valid."""

import csv
import unicodedata
from collections import Counter
from hashlib import sha256
from itertools import product
from pathlib import Path

import phonenumbers
import pytest

from towpath.cli.demo.countries import COUNTRIES, Country
from towpath.cli.demo.normal_form import email_key, phone_key
from towpath.cli.demo.people_file import COLUMNS, national, respelled, write_people

PEOPLE = 5_000
Row = dict[str, str]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    path = tmp_path_factory.mktemp("demo") / "people.csv"
    write_people(path, PEOPLE, seed=11)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def share(rows: list[Row], column: str, *values: str) -> float:
    return sum(row[column] in values for row in rows) / len(rows)


def test_header_and_size(rows: list[Row]) -> None:
    assert tuple(rows[0]) == COLUMNS
    assert len({row["external_id"] for row in rows}) == PEOPLE


def digest(path: Path, people: int, seed: int) -> str:
    write_people(path, people, seed)
    return sha256(path.read_bytes()).hexdigest()


def test_the_seed_decides(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    assert digest(path, 500, 3) == digest(path, 500, 3)
    assert digest(path, 500, 3) != digest(path, 500, 4)


def test_nobody_and_less(tmp_path: Path) -> None:
    write_people(tmp_path / "people.csv", 0, 1)
    assert (tmp_path / "people.csv").read_text() == ",".join(COLUMNS) + "\n"
    with pytest.raises(ValueError, match="-1"):
        write_people(tmp_path / "people.csv", -1, 1)


def test_missing_and_consent(rows: list[Row]) -> None:
    assert share(rows, "email", "") == pytest.approx(0.10, abs=0.015)
    assert share(rows, "phone", "") == pytest.approx(0.20, abs=0.02)
    neither = sum(row["email"] == row["phone"] == "" for row in rows) / PEOPLE
    assert neither == pytest.approx(0.02, abs=0.007)
    assert share(rows, "consent", "withdrawn") == pytest.approx(0.05, abs=0.012)
    assert share(rows, "consent", "unknown") == pytest.approx(0.05, abs=0.012)
    for row in rows:
        told = row["consent"] != "unknown"
        assert bool(row["consent_at"]) == bool(row["consent_source"]) == told


def test_invalid_values(rows: list[Row]) -> None:
    emails = sum(bool(row["email"]) and email_key(row["email"]) is None for row in rows)
    phones = [row["phone"] for row in rows if row["phone"] and not key_of(row)]
    devices = sum(len(row["idfa"]) not in {0, 36} or "G" in row["idfa"] for row in rows)
    assert emails / PEOPLE == pytest.approx(0.015, abs=0.006)
    assert len(phones) / PEOPLE == pytest.approx(0.012, abs=0.005)
    assert 0 < devices / PEOPLE < 0.007


def key_of(row: Row) -> str | None:
    return phone_key(row["phone"], row["country"])


def test_phones(rows: list[Row]) -> None:
    """Every number that is not one of the few bad ones is valid in its country, and unique."""
    good = [row for row in rows if row["phone"] and key_of(row)]
    odd = [row for row in good if not row["phone"].startswith("+") or " " in row["phone"]]
    assert len(odd) / len(good) == pytest.approx(0.15, abs=0.03)
    for row in good:
        found = phonenumbers.parse(row["phone"], row["country"])
        assert phonenumbers.is_valid_number_for_region(found, row["country"]), row["phone"]
    assert len({key_of(row) for row in good}) == len(good)


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: str(country.code))
def test_every_range_and_spelling(country: Country) -> None:
    """Also those that a small file does not reach; each spelling names the number meant."""
    for numbers in country.numbers:
        last = 10**numbers.digits - 1
        for prefix, serial in product(numbers.prefixes, (0, last // 7, last // 3, last)):
            number = f"{prefix}{serial:0{numbers.digits}}"
            e164 = f"+{country.calling}{number}"
            found = phonenumbers.parse(e164)
            assert phonenumbers.is_valid_number_for_region(found, country.code), e164
        for spelling, look in product(range(len(country.spellings)), range(3)):
            text = national(number, country, spelling, look)
            assert phone_key(text, country.code) == phone_key(e164, None), text


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: str(country.code))
def test_numbers_do_not_repeat(country: Country) -> None:
    given = [country.number(place) for place in range(40_000)]
    assert len(set(given)) == len(given)


def test_sharing(rows: list[Row]) -> None:
    keys = Counter(key for row in rows if (key := email_key(row["email"])))
    groups = Counter(count for count in keys.values() if count > 1)
    assert set(groups) == {2, 3}
    sharing = sum(size * count for size, count in groups.items())
    assert sharing / PEOPLE == pytest.approx(0.02, abs=0.008)
    spelled: dict[str, set[str]] = {}
    for row in rows:
        if key := email_key(row["email"]):
            spelled.setdefault(key, set()).add(row["email"])
    differently = sum(len(found) > 1 for key, found in spelled.items() if keys[key] > 1)
    assert differently / sum(groups.values()) > 0.8


@pytest.mark.parametrize("way", range(5))
@pytest.mark.parametrize(
    "address",
    ["ana.lima7@example.com", "zoë.núñez8@post.été.example", "ẹniọlá.żak9@łódź.example"],
)
def test_a_respelled_address_is_the_same(address: str, way: int) -> None:
    other = respelled(address, way)
    assert other != address
    assert email_key(other) == email_key(address) is not None


def test_spellings_of_the_world(rows: list[Row]) -> None:
    emails = [row["email"] for row in rows]
    names = [row["first_name"] for row in rows]
    assert any("@münchen.example" in email for email in emails)
    assert any(name != unicodedata.normalize("NFC", name) for name in names)
    assert any(name.isupper() and not name.isascii() for name in names)
    assert {row["country"] for row in rows} == {country.code for country in COUNTRIES}
    domains = [email.lower().strip().rpartition("@")[2].strip() for email in emails if email]
    reserved = (".example", "example.com", "example.net", "example.org", "@com", "example", "")
    assert all(domain.endswith(reserved) or domain == "com" for domain in domains)


def test_shares_for_the_canvas(rows: list[Row]) -> None:
    enter = {"BR", "PT", "US", "DE", "MX", "JP", "FR", "IN"}
    assert share(rows, "country", *enter) == pytest.approx(0.94, abs=0.015)
    assert share(rows, "orders:number", "0") == pytest.approx(0.15, abs=0.02)
    assert {int(row["bucket:number"]) for row in rows} == set(range(100))
    devices = sum(bool(row["idfa"] or row["gaid"]) for row in rows) / PEOPLE
    assert devices == pytest.approx(0.30, abs=0.03)
    assert all((row["ad_tracking"] != "") == bool(row["idfa"] or row["gaid"]) for row in rows)
