"""Staging: what a batch encodes at once is what its rows encode one by one."""

from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from towpath.people.attributes import read_number, read_time
from towpath.people.profile import Identifier, PeopleBatch, all_plain_ids, read_external_id
from towpath.store import staging

_TEXTS = st.one_of(
    st.text(max_size=8), st.sampled_from(["\\", "\t", "\n", "a\\nb", "|", ":null", "\u2028"])
)
_VALUES = st.one_of(
    _TEXTS, st.integers(-10, 10**18), st.booleans(), st.none(), st.decimals("-9", "9", places=2)
)
_ROWS = st.lists(st.none() | st.dictionaries(_TEXTS, _VALUES, max_size=3), min_size=1, max_size=4)
_DIGESTS = st.lists(st.none() | st.binary(min_size=32, max_size=32), min_size=1, max_size=4)


@given(_ROWS)
def test_attributes_at_once_are_those_one_by_one(rows: list[Any]) -> None:
    """Given several rows the encoding is the same as row by row."""
    single = [staging._attributes([row, None]) for row in rows]  # an empty row: the long way
    kept, gone = staging._attributes(rows)
    assert kept == [one[0][0] for one in single]
    assert gone == [one[1][0] for one in single]


@given(_DIGESTS)
def test_digests_at_once_are_those_one_by_one(digests: list[bytes | None]) -> None:
    """Each is written as COPY reads bytes; nobody's stays null."""
    cells = [None if one is None else Identifier("x", one) for one in digests]
    assert staging._identifiers(cells)[1] == [
        r"\N" if one is None else r"\\x" + one.hex() for one in digests
    ]


@given(
    st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]", fullmatch=True)
)
def test_a_time_in_utc_reads_alike_both_ways(text: str) -> None:
    """Z takes the short way, +00:00 the long one."""
    assert read_time(f"{text}Z") == read_time(f"{text}+00:00")


@given(st.from_regex(r"[0-9]{1,20}", fullmatch=True))
def test_a_whole_number_reads_alike_both_ways(text: str) -> None:
    """A space in front takes the long way."""
    short, long = read_number(text), read_number(f" {text}")
    assert short == long
    assert isinstance(short, Decimal) == isinstance(long, Decimal)


@given(st.lists(st.text(max_size=300), max_size=3))
def test_ids_that_are_plain_are_all_taken(ids: list[str]) -> None:
    """What the short way lets pass, the reader takes as it is."""
    if all_plain_ids(ids):
        assert [read_external_id(one) for one in ids] == ids


@given(st.lists(st.tuples(st.booleans(), _TEXTS), min_size=1, max_size=6), st.integers(1, 6))
def test_parts_joined_are_the_whole(people: list[tuple[bool, str]], cut: int) -> None:
    """Cut anywhere, staged apart and joined, a batch is what it is when staged at once."""

    def batch(rows: Sequence[tuple[bool, str]], first: int) -> PeopleBatch:
        none: list[Any] = [None] * len(rows)
        others = {field.name: [*none] for field in fields(PeopleBatch)}
        email = [Identifier(text, b"x" * 32) if has else None for has, text in rows]
        ids = [f"u{place}" for place in range(first, first + len(rows))]
        return PeopleBatch(**{**others, "external_id": ids, "email": email})

    cuts = range(0, len(people), cut)
    parts = [staging.stage(batch(people[at : at + cut], at), at) for at in cuts]
    whole, found = staging.stage(batch(people, 0)), staging.joined(parts)
    assert (found.text, found.by_name) == (whole.text, whole.by_name)
    assert found.keyed.tolist() == whole.keyed.tolist()
    assert found.numbers.tolist() == whole.numbers.tolist()


@given(st.from_regex(r"-?[0-9]{1,20}\.[0-9]{1,20}", fullmatch=True))
def test_a_fraction_reads_alike_both_ways(text: str) -> None:
    """A space in front takes the long way."""
    assert str(read_number(text)) == str(read_number(f" {text}"))
