"""Random buckets, estimates, masks, and what a filter names."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.people.buckets import bucket, buckets
from towpath.people.estimates import estimate
from towpath.people.filter import Standing
from towpath.people.filter_names import names_of
from towpath.people.filter_parse import parse_filter
from towpath.people.masks import masked, masked_email


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1))
def test_buckets_of_many_are_the_buckets_of_each(found: list[int]) -> None:
    assert buckets(np.array(found, np.uint32)).tolist() == [bucket(one) for one in found]


def test_buckets_are_evenly_filled() -> None:
    counts = np.bincount(buckets(np.arange(1_000_000, dtype=np.uint32)) // np.uint64(100))
    assert len(counts) == 100
    assert counts.min() > 9_900
    assert counts.max() < 10_100


def test_an_interval_holds_the_truth_about_95_times_in_100() -> None:
    dice = random.Random(7)
    held = 0
    for _ in range(1000):
        truth = dice.randrange(1, 100_000)
        drawn = dice.sample(range(100_000), 1_000)
        found = estimate(sum(number < truth for number in drawn), 1_000, 100_000)
        assert found.low <= found.people <= found.high
        held += found.low <= truth <= found.high
    assert 925 <= held <= 975


@given(st.data(), st.integers(0, 3000))
def test_an_estimate_is_never_impossible(data: st.DataObject, of: int) -> None:
    asked = data.draw(st.integers(min(of, 1), of))
    hits = data.draw(st.integers(0, asked))
    found = estimate(hits, asked, of)
    assert hits <= found.low <= found.high <= of - (asked - hits)


def test_ten_thousand_are_within_one_percent() -> None:
    found = estimate(5_000, 10_000, 10_000_000)
    assert found.high - found.low < 200_000


@pytest.mark.parametrize(
    ("address", "shown"),
    [("ana@example.com", "a…@e…"), ("a", "a…@…"), ("", None), (None, None)],
)
def test_an_address_keeps_its_first_letters(address: str | None, shown: str | None) -> None:
    assert masked_email(address) == shown


def test_a_name_keeps_its_first_letter() -> None:
    assert (masked("Ana"), masked(""), masked(None)) == ("A…", None, None)


def test_what_a_filter_names() -> None:
    tree = parse_filter(
        {
            "all": [
                {"any": [{"segment": "S"}, {"not": {"segment": "T"}}]},
                {"path": ["address", "city"], "is": "x"},
                {"event": "opened"},
                {"purchase": "any", "product": ["shoe", "hat"]},
                {"canvas": "C", "inside": True},
                {"audience": {"name": "A", "ad_account": "7"}, "is": "synced"},
            ]
        }
    )
    names = names_of(tree)
    assert names.segments == {"S", "T"}
    assert names.attributes == {"address"}
    assert names.events == {"opened"}
    assert names.products == {"shoe", "hat"}
    assert names.canvases == {"C"}
    (audience,) = names.audiences
    assert (audience.name, audience.standing) == ("A", Standing.SYNCED)
    assert names_of(None).segments == frozenset()
