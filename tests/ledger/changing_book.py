"""The book in which keys change: an old key gets a number of its own, as `store/stray_keys` does.

A number that holds an old key inherits what requests may still do with it: it is in flight where
the key is, and their windows are its own.
"""

from dataclasses import replace

from tests.ledger.book_rows import Fields, Request, Stopped
from tests.ledger.set_book import SetBook

from towpath.clock import Instant
from towpath.ids import ArrivalId
from towpath.ledger import arrivals
from towpath.ledger.arrivals import Closing, Counter, Reason
from towpath.ledger.events import Marked, MarkKind, Settled, Settling
from towpath.ledger.sharing import Usable
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people, union


class ChangingBook(SetBook):
    """One audience's ledger, of people whose keys are gained, lost and changed."""

    def change_key(self, person: int, name: MatchField, key: str | None, now: Instant) -> None:
        """A key is gained, lost, or another: the old one gets a number of its own."""
        old, sets = self.keys[person].pop(name, None), self.state.of(name)
        if key is not None:
            self.keys[person][name] = key
        me = people([person])
        alive = [
            r
            for r in self.requests.values()
            if person in r.members
            and name in r.fields
            and (r.settling is None or (r.window_end is not None and r.window_end > now))
        ]
        there = person in sets.acked | sets.maybe or alive
        if person in sets.acked | sets.keyless:
            self.doubt(name, me)
        for request in alive:
            if request.settling is None:
                request.changed |= me
        if old is not None and there:
            number = max(self.keys) + 1
            self.keys[number] = {name: old}
            self.stray(name, people([number]), alive)

    def doubt(self, name: MatchField, members: PeopleSet) -> None:
        """Nothing is known of another key."""
        self.record(Marked(MarkKind.CHANGED, (name,), members))

    def stray(self, name: MatchField, numbers: PeopleSet, alive: list[Request]) -> None:
        """An old key may be in, and inherits what requests may still do with it."""
        self.record(Marked(MarkKind.STRAY, (name,), numbers))
        for request in alive:
            request.heirs |= numbers

    def carried(self, request: Request) -> PeopleSet:
        """Old keys fly on as they did."""
        return request.members | request.heirs

    def settled(self, request: Request, settling: Settling) -> Settled:
        """The answer may be about an old key."""
        return replace(super().settled(request, settling), changed=self.changed_in(request))

    def changed_in(self, request: Request) -> PeopleSet:
        """Whose keys changed while it was in flight."""
        return request.changed

    # What a step or a claim finds of keys closes earlier arrivals.

    def arrive(self, action: Action, asked: Fields, members: PeopleSet, now: Instant) -> ArrivalId:
        """People come; who of them has lost a key waits no longer for it."""
        found = super().arrive(action, asked, members, now)
        closing = Closing.of(self.opened.values())
        free = members - self.not_at_once(action)
        arrivals.close_keyless(closing, self.state, self.opened.values(), free)
        arrivals.close_at_goal(closing, self.state, self.opened.values(), free)
        self.close(closing)
        return found

    def stop(self, action: Action, fields: Fields, going: PeopleSet, usable: Usable) -> Stopped:
        """A key that is blocked only since it changed hands."""
        found = super().stop(action, fields, going, usable)
        if action is Action.ADD:
            self._close_blocked(union(usable.left_out.values()))
        return found

    def _close_blocked(self, blocked: PeopleSet) -> None:
        closing = Closing.of(self.opened.values())
        arrivals.close_at_goal(closing, self.state, self.opened.values(), blocked)
        for one in self.opened.values():
            if one.action is Action.ADD:
                nothing = arrivals.keyless_everywhere(self.state, one.fields, blocked)
                closing.close(one, Counter.NOT_SYNCED, Reason.BLOCKED, nothing)
        self.close(closing)
