"""The shortest stories that show why a rule of architecture 5 is there.

Each ends well by the rules, and badly in the book that breaks the one that it is about; TikTok's
own membership, or a counter, is the judge.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.ledger import broken_books as broken
from tests.ledger.scene import AS_LATE_AS_ALLOWED, AT_ONCE, Scene
from tests.ledger.set_book import Keys, SetBook
from tests.ledger.story import SPANS

from towpath.ledger.events import Settling
from towpath.people.action import Action
from towpath.people.match_field import MatchField

ADD, REMOVE = Action.ADD, Action.REMOVE
EMAIL, PHONE = MatchField.EMAIL, MatchField.PHONE
HOUR = timedelta(hours=1)


def alone() -> Keys:
    """One person with an e-mail address and a phone."""
    return {0: {EMAIL: "email 0", PHONE: "phone 0"}}


def couple() -> Keys:
    """Two people with one address."""
    return {0: {EMAIL: "email"}, 1: {EMAIL: "email"}}


def late_add(book: type[SetBook]) -> bool:
    """An add takes effect long after it was applied, and after a removal."""
    scene = Scene(book, alone())
    scene.arrive(ADD, (EMAIL,), 0)
    scene.send(ADD, takes_effect=AS_LATE_AS_ALLOWED)
    scene.arrive(REMOVE, (EMAIL,), 0)
    return scene.end() == set()


def late_removal(book: type[SetBook]) -> bool:
    """A removal takes effect long after it was applied, and after an add."""
    scene = Scene(book, alone())
    scene.arrive(ADD, (EMAIL,), 0)
    scene.send(ADD)
    scene.arrive(REMOVE, (EMAIL,), 0)
    scene.send(REMOVE, takes_effect=AS_LATE_AS_ALLOWED)
    scene.arrive(ADD, (EMAIL,), 0)
    return scene.end() == {"email 0"}


def late_unknown_removal(book: type[SetBook]) -> bool:
    """An unknown removal is accepted after all."""
    scene = Scene(book, alone())
    scene.arrive(ADD, (EMAIL,), 0)
    scene.send(ADD)
    scene.arrive(REMOVE, (EMAIL,), 0)
    scene.send(REMOVE, Settling.UNKNOWN, takes_effect=HOUR)
    scene.arrive(ADD, (EMAIL,), 0)
    return scene.end() == {"email 0"}


def late_acceptance(book: type[SetBook]) -> bool:
    """An unknown add is accepted at the last moment, and takes effect as late as allowed."""
    scene = Scene(book, alone())
    scene.arrive(ADD, (EMAIL,), 0)
    last = SPANS.lease + SPANS.acceptance - timedelta(seconds=1)
    scene.send(ADD, Settling.UNKNOWN, takes_effect=last + AS_LATE_AS_ALLOWED)
    scene.arrive(REMOVE, (EMAIL,), 0)
    scene.send(REMOVE)
    scene.wait(SPANS.processing)
    return scene.end() == set()


def two_fields_apart(book: type[SetBook]) -> bool:
    """The e-mail's removal must be repeated, though the phone's must be repeated later still."""
    scene = Scene(book, alone())
    scene.arrive(ADD, (EMAIL,), 0)
    scene.send(ADD, takes_effect=AS_LATE_AS_ALLOWED)
    scene.arrive(REMOVE, (EMAIL,), 0)
    scene.send(REMOVE)
    scene.wait(HOUR)
    scene.arrive(ADD, (PHONE,), 0)
    scene.send(ADD)
    scene.arrive(REMOVE, (PHONE,), 0)
    scene.send(REMOVE)
    scene.wait(SPANS.processing - HOUR)
    return scene.end() == set()


def left_in_for_another(book: type[SetBook]) -> bool:
    """A key stays, since somebody wants it who was never sent; then they want it no more."""
    scene = Scene(book, couple())
    scene.arrive(ADD, (EMAIL,), 0)
    scene.send(ADD)
    scene.arrive(ADD, (EMAIL,), 1)
    scene.arrive(REMOVE, (EMAIL,), 0)
    scene.send(REMOVE)
    scene.arrive(REMOVE, (EMAIL,), 1)
    return scene.end() == set()


def window_of_a_coholder(book: type[SetBook]) -> bool:
    """The same, and the first one's add takes effect only after the second one's removal."""
    scene = Scene(book, couple())
    scene.arrive(ADD, (EMAIL,), 0)
    scene.send(ADD, takes_effect=AS_LATE_AS_ALLOWED)
    scene.arrive(ADD, (EMAIL,), 1)
    scene.arrive(REMOVE, (EMAIL,), 0)
    scene.send(REMOVE)
    scene.arrive(REMOVE, (EMAIL,), 1)
    scene.send(REMOVE)
    return scene.end() == set()


def removed_by_a_coholder(book: type[SetBook]) -> bool:
    """Both were in, and one's removal took the key out; the other comes back at once."""
    scene = Scene(book, couple())
    scene.arrive(ADD, (EMAIL,), 0, 1)
    scene.send(ADD)
    scene.send(ADD)
    scene.arrive(REMOVE, (EMAIL,), 0, 1)
    scene.send(REMOVE)
    scene.arrive(ADD, (EMAIL,), 1)
    return scene.end() == {"email"}


def removal_of_a_coholder_flies(book: type[SetBook]) -> bool:
    """Nobody is synced at once whose key is on its way out, even if that is refused in the end."""
    scene = Scene(book, couple())
    scene.arrive(ADD, (EMAIL,), 0, 1)
    scene.send(ADD)
    scene.send(ADD)
    scene.arrive(REMOVE, (EMAIL,), 0, 1)
    (flying,) = scene.claim(REMOVE)
    scene.arrive(ADD, (EMAIL,), 1)
    waits = len(scene.book.pending())
    scene.book.settle(flying.id, Settling.REFUSED, scene.now)
    return waits == 2 and len(scene.book.pending()) == 1


def wanted_key_stays(book: type[SetBook]) -> bool:
    """Both are in; one leaves; the key never goes out, not even for a moment."""
    scene = Scene(book, couple())
    scene.arrive(ADD, (EMAIL,), 0, 1)
    scene.send(ADD)
    scene.send(ADD)
    scene.arrive(REMOVE, (EMAIL,), 0)
    return scene.claim(REMOVE) == []


def one_key_at_a_time(book: type[SetBook]) -> bool:
    """Two people with one key do not fly together."""
    scene = Scene(book, couple())
    scene.arrive(ADD, (EMAIL,), 0, 1)
    return [len(request.members) for request in scene.claim(ADD)] == [1]


def blocked_but_wanted(book: type[SetBook]) -> bool:
    """Others put a key in, whose one holder has withdrawn consent and whose other one is wanted."""
    keys: Keys = {0: {EMAIL: "email"}, 1: {EMAIL: "email", PHONE: "phone"}}
    scene = Scene(book, keys, withdrawn=(0,), before="email")
    scene.arrive(ADD, (EMAIL, PHONE), 1)
    scene.arrive(REMOVE, (EMAIL,), 0)
    return scene.end() == {"phone"}


def overdue_without_an_attempt(book: type[SetBook]) -> bool:
    """Two arrivals are over, the second without an attempt: it must still be sent."""
    scene = Scene(book, alone())
    scene.arrive(ADD, (EMAIL,), 0)
    scene.send(ADD, Settling.REFUSED, takes_effect=None)
    scene.wait(HOUR)
    scene.arrive(ADD, (EMAIL,), 0)
    scene.now += SPANS.give_up
    scene.book.tick(scene.now)
    return bool(scene.book.due(ADD, scene.now))


def held_back_and_wanted_otherwise(book: type[SetBook]) -> bool:
    """A failed add backs off; the removal that comes then leaves at once."""
    scene = Scene(book, alone())
    scene.arrive(ADD, (EMAIL,), 0)
    scene.send(ADD, Settling.UNKNOWN)
    scene.arrive(REMOVE, (EMAIL,), 0)
    return len(scene.claim(REMOVE)) == 1


SCENES: list[tuple[Callable[[type[SetBook]], bool], type[SetBook]]] = [
    (late_add, broken.NoRepeatOfRemovals),
    (late_removal, broken.NoRepeatOfAdds),
    (late_unknown_removal, broken.NoRepeatOfAdds),
    (late_unknown_removal, broken.UnknownRemovalIsNothing),
    (late_acceptance, broken.NoAcceptanceTime),
    (late_acceptance, broken.NoProcessingTime),
    (late_acceptance, broken.UnknownAddIsNothing),
    (two_fields_apart, broken.LaterRepeatOfAnotherField),
    (left_in_for_another, broken.HolderForgotten),
    (window_of_a_coholder, broken.CoholdersWindowsForgotten),
    (removed_by_a_coholder, broken.CoholdersUndoubted),
    (removal_of_a_coholder_flies, broken.CoholderSyncedAtOnce),
    (wanted_key_stays, broken.WantedKeysRemoved),
    (one_key_at_a_time, broken.TwoRequestsForAKey),
    (blocked_but_wanted, broken.BlockedKeysKeptIn),
    (overdue_without_an_attempt, broken.ParkedThoughWaiting),
    (held_back_and_wanted_otherwise, broken.BackoffHoldsBoth),
]


@pytest.mark.parametrize("scene", dict.fromkeys(scene for scene, _ in SCENES))
def test_ends_well(scene: Callable[[type[SetBook]], bool]) -> None:
    assert scene(SetBook)


@pytest.mark.parametrize(("scene", "book"), SCENES)
def test_ends_badly_without_the_rule(
    scene: Callable[[type[SetBook]], bool], book: type[SetBook]
) -> None:
    assert not scene(book)


def test_effects_at_once_need_no_repeat() -> None:
    """What the rules cost: one more removal, even where TikTok was quick."""
    scene = Scene(SetBook, alone())
    scene.arrive(ADD, (EMAIL,), 0)
    scene.send(ADD, takes_effect=AT_ONCE)
    scene.arrive(REMOVE, (EMAIL,), 0)
    scene.end()
    removals = [r for r in scene.book.requests.values() if r.action is REMOVE]
    assert len(removals) == 2
