"""Keys that are gained, lost and changed in any order: TikTok's own membership is the judge.

The book gives each old key a number of its own, as the store does; whoever sends a key twice at a
time, leaves an old one in, or loses a wanted one, is found. Each rule broken is noticed.
"""

from collections import Counter as Tally

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.broken_keys import BROKEN, AnotherKeyAcknowledged
from tests.ledger.changing_book import ChangingBook
from tests.ledger.person_model import DisagreementError
from tests.ledger.scene import Scene
from tests.ledger.story import tell

from towpath.ledger.events import Settling
from towpath.people.action import Action
from towpath.people.match_field import MatchField

EMAIL = MatchField.EMAIL

SEEDS = range(120)
RUNS = 60
PATHS = {"key gained", "key lost", "key changed", "key changed in flight", "old key strays"}


def test_tiktok_ends_with_the_keys_that_are_wanted() -> None:
    hits: Tally[str] = Tally()
    for seed in SEEDS:
        try:
            hits += tell(seed, ChangingBook, compared=False)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    assert not PATHS - set(hits), f"never happened: {PATHS - set(hits)}"


@settings(max_examples=40, deadline=None)
@given(st.integers(min_value=1_000, max_value=2**32))
def test_any_story(seed: int) -> None:
    """Seeds that nobody chose."""
    tell(seed, ChangingBook, compared=False)


def changes_in_flight(book: type[ChangingBook]) -> bool:
    """The add that is applied carried the old key; the new one is sent, and the old one removed."""
    scene = Scene(book, {0: {EMAIL: "email old"}})
    scene.arrive(Action.ADD, (EMAIL,), 0)
    (flying,) = scene.claim(Action.ADD)
    assert isinstance(scene.book, ChangingBook)
    scene.book.change_key(0, EMAIL, "email new", scene.now)
    scene.tiktok.effects.append((scene.now, 0.0, "add", "email old"))
    scene.book.settle(flying.id, Settling.APPLIED, scene.now)
    return scene.end() == {"email new"}


def test_it_changes_in_flight() -> None:
    assert changes_in_flight(ChangingBook)
    assert not changes_in_flight(AnotherKeyAcknowledged)


@pytest.mark.parametrize("book", [one for one in BROKEN if one is not AnotherKeyAcknowledged])
def test_a_rule_left_out_is_noticed(book: type[ChangingBook]) -> None:
    for seed in range(RUNS):
        try:
            tell(seed, book, compared=False)
        except DisagreementError:
            return
    raise AssertionError(book.__doc__)
