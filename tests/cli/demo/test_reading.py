"""The witness' reading, rule by rule, on files small enough to check by eye."""

import csv
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from towpath.cli.demo.normal_form import email_key, phone_key
from towpath.cli.demo.people_file import write_people
from towpath.cli.demo.reading import CANVAS_FILE, Reading, keys_digest, read_people

STAYS, GOES = "67", "66"  # bucket: the removal takes everybody below 67
COLUMNS = ["external_id", "email", "phone", "country", "consent", "orders:number", "bucket:number"]


def hashed(value: str) -> str:
    return sha256(value.encode()).hexdigest()


def person(name: str, bucket: str = STAYS, **cells: str) -> dict[str, str]:
    usual = {"country": "BR", "consent": "granted", "orders:number": "1", "bucket:number": bucket}
    return {"external_id": name, **usual, **cells}


def read(tmp_path: Path, *people: dict[str, str], canvas: Any = CANVAS_FILE) -> Reading:
    path = tmp_path / "people.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(people)
    return read_people(path, canvas)


def sync(reading: Reading, step: str) -> tuple[int, dict[str, int]]:
    found = reading.steps[step]
    assert found.entered == found.synced + sum(found.not_synced.values())
    return found.synced, found.not_synced


def audience(*values: str) -> frozenset[str]:
    return frozenset(f"{'email' if '@' in value else 'phone'}:{hashed(value)}" for value in values)


def test_entry_splits_and_edges(tmp_path: Path) -> None:
    reading = read(
        tmp_path,
        person("enters", email="a@example.com"),
        person("abroad", email="b@example.com", country="NG"),
        person("nowhere", email="c@example.com", country=""),
        person("no orders", email="d@example.com", **{"orders:number": "0"}),
        person("orders unknown", email="e@example.com", **{"orders:number": ""}),
        person("goes", GOES, email="f@example.com"),
    )
    assert (reading.people, reading.entered) == (6, 4)
    steps = reading.steps
    assert steps["split"].edges == {"yes": 2, "no": 2}
    assert steps["who"].edges == {"yes": 1, "no": 1}
    assert [(name, step.entered, step.advanced, step.exited) for name, step in steps.items()] == [
        ("wait", 4, 4, 0),
        ("split", 4, 4, 0),
        ("add", 2, 2, 0),
        ("later", 2, 2, 0),
        ("who", 2, 2, 0),
        ("remove", 1, 1, 1),
        ("stay", 1, 0, 1),
        ("leave", 2, 0, 2),
    ]
    assert reading.expected_keys == audience("a@example.com")


def test_consent_comes_first_then_keys(tmp_path: Path) -> None:
    reading = read(
        tmp_path,
        person("withdrawn", email="a@example.com", consent="withdrawn"),
        person("unknown", email="b@example.com", consent="unknown"),
        person("empty", email="c@example.com", consent=""),
        person("withdrawn, no key", consent="withdrawn"),
        person("no key"),
        person("bad cells", email="two@@example.com", phone="123"),
        person("good", email="d@example.com", phone="(11) 91234-5678"),
    )
    assert sync(reading, "add") == (1, {"no_consent": 4, "no_match_key": 2})
    assert reading.expected_keys == audience("d@example.com", "+5511912345678")


def test_removal_ignores_own_consent(tmp_path: Path) -> None:
    """Who was never in is synced: already out."""
    reading = read(
        tmp_path,
        person("withdrawn", GOES, email="a@example.com", consent="withdrawn"),
        person("unknown", GOES, email="b@example.com", consent="unknown"),
        person("in", GOES, email="c@example.com"),
        person("no key", GOES, consent="withdrawn"),
    )
    assert sync(reading, "add") == (1, {"no_consent": 3})
    assert sync(reading, "remove") == (3, {"no_match_key": 1})
    assert not reading.expected_keys


def test_blocked(tmp_path: Path) -> None:
    """Any holder who withdrew blocks a key, also one who never entered; unknown blocks nobody."""
    reading = read(
        tmp_path,
        person("abroad", email="A@example.com ", country="NG", consent="withdrawn"),
        person("only that key", email="a@example.com"),
        person("also a phone", email="a@EXAMPLE.com", phone="+5511912345678"),
        person("unknown", email="b@example.com", consent="unknown"),
        person("beside unknown", email="b@example.com"),
    )
    assert sync(reading, "add") == (2, {"blocked": 1, "no_consent": 1})
    assert reading.expected_keys == audience("+5511912345678", "b@example.com")


def test_blocked_is_then_already_out(tmp_path: Path) -> None:
    """Nobody keeps a blocked key in, not even who is wanted by another key."""
    reading = read(
        tmp_path,
        person("withdrew", GOES, email="a@example.com", consent="withdrawn"),
        person("blocked", GOES, email="a@example.com"),
        person("stays by phone", email="a@example.com", phone="+5511912345678"),
    )
    assert sync(reading, "add") == (1, {"blocked": 1, "no_consent": 1})
    assert sync(reading, "remove") == (2, {})
    assert reading.expected_keys == audience("+5511912345678")


def test_still_wanted(tmp_path: Path) -> None:
    reading = read(
        tmp_path,
        person("stays", email="a@example.com"),
        person("goes, one key", GOES, email=" A@Example.Com"),
        person("goes, two keys", GOES, email="a@example.com", phone="+5511912345678"),
        person("never in", GOES, email="a@example.com", consent="unknown"),
    )
    assert sync(reading, "add") == (3, {"no_consent": 1})
    assert sync(reading, "remove") == (1, {"still_wanted": 2})
    assert reading.expected_keys == audience("a@example.com")


def test_both_removed(tmp_path: Path) -> None:
    """All who reach a removal reach it together, so neither keeps the other's key."""
    reading = read(
        tmp_path,
        person("one", GOES, email="a@example.com"),
        person("two", GOES, email="a@example.com"),
    )
    assert sync(reading, "remove") == (2, {})
    assert not reading.expected_keys


@pytest.mark.parametrize(
    ("third", "outcome"),
    [
        (person("third", email="t@example.com"), {"still_wanted": 2}),
        (person("third", GOES, email="t@example.com"), {}),
        (person("third", email="t@example.com", consent="unknown"), {}),
        (person("third", email="t@example.com", country="PL"), {}),
        (person("third", email="t@example.com", **{"orders:number": "0"}), {}),
    ],
    ids=["stays", "goes too", "not sent", "never entered", "left before"],
)
def test_triple(tmp_path: Path, third: dict[str, str], outcome: dict[str, int]) -> None:
    """Only a holder who was added, and is not removed, keeps the key of the two others."""
    two = [person(name, GOES, email="t@example.com") for name in ("first", "second")]
    reading = read(tmp_path, *two, third)
    assert sync(reading, "remove")[1] == outcome
    assert reading.expected_keys == (audience("t@example.com") if outcome else frozenset())


def test_a_shared_phone(tmp_path: Path) -> None:
    """Phones are shared by their normal form too."""
    reading = read(
        tmp_path,
        person("stays", phone="+5511912345678"),
        person("goes", GOES, phone="011 91234-5678"),
    )
    assert sync(reading, "remove") == (0, {"still_wanted": 1})


@pytest.mark.parametrize(
    ("cell", "normal"),
    [
        (" Ana\u00a0Lima @ EXAMPLE.com\t", "analima@example.com"),
        ("Jose\u0301@example.com", "josé@example.com"),
        ("ana+tag.x@example.com", "ana+tag.x@example.com"),
        ("a@MU\u0308NCHEN.example", "a@xn--mnchen-3ya.example"),
        ("a" * 242 + "@example.com", "a" * 242 + "@example.com"),
        ("a" * 243 + "@example.com", None),
        ("a@b@example.com", None),
        ("a.example.com", None),
        ("a@example", None),
        ("@example.com", None),
        ("", None),
    ],
)
def test_email(cell: str, normal: str | None) -> None:
    assert email_key(cell) == (normal and hashed(normal))


@pytest.mark.parametrize(
    ("cell", "country", "normal"),
    [
        ("+5511912345678", None, "+5511912345678"),
        ("+1234567", "BR", "+1234567"),  # has the shape: taken as it is
        ("+55 (11) 91234-5678", None, "+5511912345678"),
        ("0351 912", "PT", None),
        ("00351 912 345 678", "PT", "+351912345678"),
        ("０９０−１２３４−５６７８", "JP", "+819012345678"),
        ("(11) 91234-5678", None, None),
        ("(11) 91234-5678", "XX", None),
        ("unknown", "US", None),
        ("", "US", None),
    ],
)
def test_phone(cell: str, country: str | None, normal: str | None) -> None:
    assert phone_key(cell, country) == (normal and hashed(normal))


def test_data_for_json(tmp_path: Path) -> None:
    reading = read(tmp_path, person("one", email="a@example.com", phone="+5511912345678"))
    data = json.loads(json.dumps(reading.to_data()))
    lines = sorted([f"email:{hashed('a@example.com')}", f"phone:{hashed('+5511912345678')}"])
    assert data["expected_keys"] == {"count": 2, "sha256": hashed("\n".join(lines))}
    assert data["steps"]["add"]["synced"] == 1
    assert keys_digest([]) == hashed("")


def test_a_canvas_may_be_data(tmp_path: Path) -> None:
    add: dict[str, Any] = {
        "kind": "audience_sync",
        "action": "add",
        "ad_account": "1",
        "audience": {"create": "x"},
        "fields": ["email"],
    }
    entry = {"filter": {"attribute": "orders", "at_least": 1}, "first": "add"}
    canvas = {"entry": entry, "steps": {"add": add}}
    reading = read(tmp_path, person("one", email="a@example.com"), canvas=canvas)
    assert (reading.steps["add"].advanced, reading.steps["add"].exited) == (1, 1)
    loop = {"entry": entry, "steps": {"add": {**add, "next": "add"}}}
    with pytest.raises(ValueError, match="leads back"):
        read(tmp_path, canvas=loop)
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"kind": "webhook"}, "webhook"),
        ({"action": "mirror"}, "add and remove"),
        ({"fields": ["idfa"]}, "email and phone"),
    ]
    for wrong, words in wrongs:
        with pytest.raises(ValueError, match=words):
            read(tmp_path, canvas={"entry": entry, "steps": {"add": add | wrong}})
    two = {"add": add, "other": {**add, "audience": {"create": "y"}}}
    with pytest.raises(ValueError, match="one audience"):
        read(tmp_path, canvas={"entry": entry, "steps": two})
    odd = {**entry, "filter": {"attribute": "orders", "above": 1}}
    with pytest.raises(ValueError, match="above"):
        read(tmp_path, canvas={"entry": odd, "steps": {"add": add}})


def test_a_person_twice(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one is in people"):
        read(tmp_path, person("one"), person("one"))


def test_the_demo_reaches_every_outcome(tmp_path: Path) -> None:
    """Small files too: shares as planned, and nobody lost between steps."""
    path = tmp_path / "people.csv"
    write_people(path, 20_000, seed=1)
    reading = read_people(path)
    add, remove = reading.steps["add"], reading.steps["remove"]
    assert reading.entered / reading.people == pytest.approx(0.94, abs=0.01)
    assert add.entered / reading.entered == pytest.approx(0.85, abs=0.01)
    assert remove.entered / add.entered == pytest.approx(0.67, abs=0.02)
    assert set(add.not_synced) == {"blocked", "no_consent", "no_match_key"}
    assert set(remove.not_synced) == {"no_match_key", "still_wanted"}
    assert reading.entered == sum(step.exited for step in reading.steps.values())
