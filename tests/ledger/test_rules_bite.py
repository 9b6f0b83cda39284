"""Each rule of architecture 5, broken in the book alone, is noticed within a few pinned stories.

`FIRST` is where a rule's stories begin; most show at once. For the rules on which the audience's
truth hangs, `JUDGED` says where TikTok's membership alone, without the model, tells the difference.
"""

import pytest
from tests.ledger import broken_books as broken
from tests.ledger.broken_books import BROKEN
from tests.ledger.person_model import DisagreementError
from tests.ledger.set_book import SetBook
from tests.ledger.story import tell
from tests.ledger.test_scenes import SCENES

RUNS = 20
FIRST = {
    broken.NoAcceptanceTime: 22,
    broken.CoholderSyncedAtOnce: 63,
    broken.OneFieldIsEnough: 30,
    broken.BlockedKeysKeptIn: 98,
    broken.LaterRepeatOfAnotherField: 443,
}
JUDGED = {
    broken.NoRepeatOfRemovals: 30,
    broken.NoRepeatOfAdds: 3,
    broken.UnknownAddIsNothing: 1,
    broken.UnknownAddIsApplied: 4,
    broken.UnknownRemovalIsNothing: 17,
    broken.NoProcessingTime: 3,
    broken.InFlightClaimedAgain: 2,
    broken.NothingSuperseded: 0,
    broken.NotClosedAtGoal: 17,
    broken.RemovalOfAskedFieldsOnly: 0,
    broken.ParkedForGood: 3,
    broken.ParkedThoughWaiting: 8,
    broken.TwoRequestsForAKey: 5,
    broken.BlockedKeysSent: 6,
    broken.NobodyWasThere: 17,
}


def caught(book: type[SetBook], first: int, *, compared: bool) -> bool:
    """Is the broken book noticed in the stories from `first`?"""
    for seed in range(first, first + RUNS):
        try:
            tell(seed, book, compared=compared)
        except DisagreementError:
            return True
    return False


@pytest.mark.parametrize("book", BROKEN)
def test_the_model_notices(book: type[SetBook]) -> None:
    assert caught(book, FIRST.get(book, 0), compared=True), book.__doc__


@pytest.mark.parametrize(("book", "first"), JUDGED.items())
def test_tiktok_alone_tells(book: type[SetBook], first: int) -> None:
    assert caught(book, first, compared=False), book.__doc__


def test_every_rule_is_tried() -> None:
    shown = {book for _, book in SCENES}
    assert all(book.__doc__ for book in BROKEN)
    assert set(JUDGED) | shown <= set(BROKEN)
