"""A short scene, told by hand: who comes, what is sent, when TikTok lets it take effect."""

from datetime import timedelta
from random import Random

from tests.ledger.book_rows import Request
from tests.ledger.fickle_tiktok import FickleTikTok
from tests.ledger.set_book import Keys, SetBook
from tests.ledger.story import SPANS, START, WORD

from towpath.ledger.events import Settling
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import people

AT_ONCE = timedelta()
AS_LATE_AS_ALLOWED = SPANS.processing - timedelta(seconds=1)


class Scene:
    """One audience; everything due is sent in one go, and answered as told."""

    def __init__(
        self, book: type[SetBook], keys: Keys, *, withdrawn: tuple[int, ...] = (), before: str = ""
    ) -> None:
        chance = Random(0)
        self.now = START
        self.book = book(keys, people(withdrawn), bool(before), SPANS, chance)
        self.tiktok = FickleTikTok(SPANS.processing, chance, set(before.split(",")) - {""})

    def arrive(self, action: Action, fields: tuple[MatchField, ...], *persons: int) -> None:
        """These people come to a step."""
        self.book.arrive(action, fields, people(persons), self.now)

    def claim(self, action: Action) -> list[Request]:
        """Everybody leaves who may."""
        found = self.book.claim(action, self.now, 1_000, 32, people(self.book.keys))
        return [one for one in found if isinstance(one, Request)]

    def send(
        self,
        action: Action,
        settling: Settling = Settling.APPLIED,
        *,
        takes_effect: timedelta | None = AT_ONCE,
    ) -> None:
        """Claim, and let each request be answered so; its effect comes then, or never."""
        for request in self.claim(action):
            if takes_effect is not None:
                self.tiktok.effects += [
                    (self.now + takes_effect, 0.0, WORD[action], key) for key in request.sent
                ]
            self.book.settle(request.id, settling, self.now)

    def wait(self, span: timedelta) -> None:
        """Time passes."""
        self.now += span
        self.book.tick(self.now)

    def end(self) -> set[str]:
        """Everything due is applied until nothing is due; then, what TikTok holds."""
        for _ in range(8):
            for _ in self.book.keys:
                self.send(Action.REMOVE)
                self.send(Action.ADD)
            self.wait(SPANS.processing / 2 + timedelta(minutes=11))
        assert not self.book.pending()
        self.tiktok.effects.sort()
        self.tiktok.pass_to(self.now)
        return self.tiktok.members
