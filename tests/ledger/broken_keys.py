"""Books that break one rule of keys that change each (architecture 5, Keys; I-27 to I-29)."""

# ruff: noqa: ARG002  (a broken rule often looks at less than it should)

from tests.ledger.book_rows import Request
from tests.ledger.changing_book import ChangingBook

from towpath.ledger.events import Marked, MarkKind
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people


class AnotherKeyAcknowledged(ChangingBook):
    """Whose key changed in flight is not known to be in by the answer."""

    def changed_in(self, request: Request) -> PeopleSet:
        return people()


class AnotherKeyIsIn(ChangingBook):
    """Whose key changes is not known to be in any more."""

    def doubt(self, name: MatchField, members: PeopleSet) -> None:
        gained = members - self.state.of(name).acked
        super().doubt(name, gained)


class GainedKeyUnseen(ChangingBook):
    """Who gains a key is keyless no more."""

    def doubt(self, name: MatchField, members: PeopleSet) -> None:
        had = members & self.state.of(name).acked - self.state.of(name).keyless
        super().doubt(name, had)


class OldKeyForgotten(ChangingBook):
    """An old key may be in, and is removed."""

    def stray(self, name: MatchField, numbers: PeopleSet, alive: list[Request]) -> None:
        for number in numbers:
            self.keys[number] = {}


class OldKeyInheritsNothing(ChangingBook):
    """An old key is in flight where it was, and its windows stay open."""

    def stray(self, name: MatchField, numbers: PeopleSet, alive: list[Request]) -> None:
        super().stray(name, numbers, [])


class OldKeyNotInFlight(ChangingBook):
    """An old key waits for the request that holds it."""

    def carried(self, request: Request) -> PeopleSet:
        return request.members


class OldKeyWithoutWindows(ChangingBook):
    """An old key inherits the windows of requests that were answered."""

    def stray(self, name: MatchField, numbers: PeopleSet, alive: list[Request]) -> None:
        super().stray(name, numbers, [one for one in alive if one.settling is None])


class OldKeyIsOut(ChangingBook):
    """An old key may be in, until it was removed."""

    def record(self, event: object) -> None:
        if not (isinstance(event, Marked) and event.kind is MarkKind.STRAY):
            super().record(event)  # type: ignore[arg-type]


BROKEN = tuple(
    found
    for found in list(globals().values())
    if isinstance(found, type) and issubclass(found, ChangingBook) and found is not ChangingBook
)
