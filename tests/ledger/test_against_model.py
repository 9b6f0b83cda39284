"""The ledger's sets equal a model with a history per person, and TikTok ends as both say."""

from collections import Counter as Tally

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.story import FATES, tell

SEEDS = range(300)
PATHS = {
    *FATES,
    "arrived while in flight the other way",
    "arrived while a co-holder's removal flies",
    "closed at goal",
    "co-holder of a removed key doubted",
    "fields in one row",
    "found without a key",
    "in, since given up on",
    "key left out of a removal",
    "key lost",
    "late answer logged",
    "lease ran out",
    "over, but never tried",
    "parked",
    "repeat owed: add",
    "repeat owed: remove",
    "repeated: add",
    "repeated: remove",
    "retried",
    "retried by hand",
    "stopped: remove",
    "wanted and in",
}


def test_sets_and_persons_tell_the_same() -> None:
    """Every step of 300 stories; and no fault or path stays untried."""
    hits: Tally[str] = Tally()
    for seed in SEEDS:
        try:
            hits += tell(seed)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    report = "\n".join(f"{hits[path]:8} {path}" for path in sorted(PATHS | set(hits)))
    print(report)  # noqa: T201 (pytest -s shows it; else a failure does)
    assert not PATHS - set(hits), f"never happened: {PATHS - set(hits)}\n{report}"


@settings(max_examples=40, deadline=None)
@given(st.integers(min_value=1_000, max_value=2**32))
def test_any_story(seed: int) -> None:
    """Seeds that nobody chose."""
    tell(seed)
