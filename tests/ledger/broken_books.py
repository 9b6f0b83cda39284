"""Books that break one rule of architecture 5 each; the suite must notice every one of them."""

# ruff: noqa: ARG002  (a broken rule often looks at less than it should)

from dataclasses import replace

from tests.ledger.book_rows import Fields, Request
from tests.ledger.set_book import SetBook

from towpath.clock import Instant
from towpath.ids import ArrivalId
from towpath.ledger import arrivals
from towpath.ledger.arrivals import Closing
from towpath.ledger.due import Group
from towpath.ledger.events import (
    Arrived,
    Event,
    Marked,
    MarkKind,
    ResendDue,
    SetByField,
    Settled,
    Settling,
)
from towpath.ledger.sharing import HeldKey, Usable
from towpath.ledger.windows import Resend, resend_now
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people, union


class NoRepeatOfRemovals(SetBook):
    """Rule 1: a removal inside an add's window is repeated when the window ends."""

    def resends_of(self, request: Request) -> list[Resend]:
        return [] if request.action is Action.REMOVE else super().resends_of(request)


class NoRepeatOfAdds(SetBook):
    """Rule 2: an add inside a removal's window is repeated when the window ends."""

    def resends_of(self, request: Request) -> list[Resend]:
        return [] if request.action is Action.ADD else super().resends_of(request)


class RepeatAtOnce(SetBook):
    """Rules 1 and 2: a repeat waits for the window's end."""

    def resends_of(self, request: Request) -> list[Resend]:
        found = super().resends_of(request)
        return [replace(one, due_at=request.started_at) for one in found]


class LaterRepeatOfAnotherField(SetBook):
    """Rules 1, 2 and 7: only a later repeat of the same field makes an earlier one needless."""

    def come_due(self, ended: list[Resend]) -> list[ResendDue]:
        later = {
            action: union(one.members for one in self.resends if one.action is action)
            for action in Action
        }
        return [
            ResendDue(one.action, one.fields, resend_now(one.members, [later[one.action]]))
            for one in ended
        ]


class UnknownAddIsNothing(SetBook):
    """Rule 2: after an unknown add people may be in."""

    def settled(self, request: Request, settling: Settling) -> Settled:
        if request.action is Action.ADD and settling is Settling.UNKNOWN:
            settling = Settling.REFUSED
        return super().settled(request, settling)


class UnknownAddIsApplied(SetBook):
    """Rule 2: after an unknown add nobody is known to be in."""

    def settled(self, request: Request, settling: Settling) -> Settled:
        if request.action is Action.ADD and settling is Settling.UNKNOWN:
            settling = Settling.APPLIED
        return super().settled(request, settling)


class UnknownRemovalIsNothing(SetBook):
    """Rule 2: after an unknown removal nobody is known to be in any more."""

    def settled(self, request: Request, settling: Settling) -> Settled:
        if request.action is Action.REMOVE and settling is Settling.UNKNOWN:
            settling = Settling.REFUSED
        return super().settled(request, settling)


class NoAcceptanceTime(SetBook):
    """Rule 2: an unknown request may still be accepted until D after its lease."""

    def window_end(self, request: Request, settling: Settling, now: Instant) -> Instant | None:
        end = super().window_end(request, settling, now)
        if end is None or settling is not Settling.UNKNOWN:
            return end
        return min(now, request.lease_until) + self.spans.processing


class NoProcessingTime(SetBook):
    """Rules 1 and 2: what was accepted may take effect until P later."""

    def window_end(self, request: Request, settling: Settling, now: Instant) -> Instant | None:
        end = super().window_end(request, settling, now)
        return None if end is None else end - self.spans.processing


class BackoffHoldsNobody(SetBook):
    """Rule 3: whoever failed waits before the next try."""

    def held(self, action: Action, now: Instant) -> PeopleSet:
        return people()


class BackoffHoldsBoth(SetBook):
    """Rule 3: a backoff never delays the opposite action."""

    def held(self, action: Action, now: Instant) -> PeopleSet:
        return super().held(Action.ADD, now) | super().held(Action.REMOVE, now)


class LateAnswerCounts(SetBook):
    """Rule 4: an answer after the lease's end is only logged."""

    def settle(self, number: int, settling: Settling, now: Instant) -> None:
        self.requests[number].settling = None
        super().settle(number, settling, now)


class InFlightClaimedAgain(SetBook):
    """Whoever is in flight is not claimed."""

    def busy(self, action: Action, now: Instant) -> PeopleSet:
        return self.held(action, now)


class InFlightSyncedAtOnce(SetBook):
    """Rule 5: whoever is in flight is not synced at once."""

    def not_at_once(self, action: Action) -> PeopleSet:
        return people()


class CoholderSyncedAtOnce(SetBook):
    """Rule 5: neither is whoever's key a removal in flight carries."""

    def not_at_once(self, action: Action) -> PeopleSet:
        return self.in_flight()


class NothingSuperseded(SetBook):
    """Rule 6: an arrival ends open contrary ones."""

    def supersede(self, arrived: Arrived) -> None:
        pass


class InFlightSuperseded(SetBook):
    """Rule 6: except for people in flight, of whom the answer decides."""

    def supersede(self, arrived: Arrived) -> None:
        closing = Closing.of(self.opened.values())
        arrivals.supersede(closing, arrived, self.opened.values(), people())
        self.close(closing)


class NotClosedAtGoal(SetBook):
    """Rule 6: an answer closes whoever is where an open arrival wants them."""

    def close_settled(self, closing: Closing, settled: Settled) -> None:
        same = [one for one in self.opened.values() if one.action is settled.action]
        if settled.settling is Settling.APPLIED:
            arrivals.settle(closing, self.state, settled, same, self.in_flight())


class OneFieldIsEnough(SetBook):
    """Rule 7: a person is synced when every field that was asked for and has a key is in."""

    def close_settled(self, closing: Closing, settled: Settled) -> None:
        super().close_settled(closing, settled)
        if settled.settling is Settling.APPLIED:
            for one in self.opened.values():
                if one.action is settled.action:
                    synced = arrivals.Counter.SYNCED
                    closing.close(one, synced, arrivals.Reason.ACKNOWLEDGED, settled.members)


class RemovalOfAskedFieldsOnly(SetBook):
    """A removal acts on every field that the ledger knows."""

    def fields_acted_on(self, action: Action, asked: Fields) -> Fields:
        return asked


class NobodyParked(SetBook):
    """Rule 8: who was given up on is neither sent nor removed."""

    def park(self, given_up: arrivals.GivenUp) -> None:
        pass


class GivenUpWithoutAttempt(SetBook):
    """Rule 8: nobody is errored without an attempt."""

    def attempted(self) -> dict[ArrivalId, PeopleSet]:
        return {number: one.waiting for number, one in self.opened.items()}


class ParkedForGood(SetBook):
    """Rule 8: an arrival frees whoever is parked."""

    def record(self, event: Event) -> None:
        super().record(event)
        if isinstance(event, Arrived):
            for name in event.fields:
                parked = self.parked_once.get(name, people())
                self.state.of(name).parked |= parked & event.members

    @property
    def parked_once(self) -> dict[MatchField, PeopleSet]:
        """Everybody who was ever parked and not freed by hand since."""
        found: dict[MatchField, PeopleSet] = {}
        for event in self.log:
            if isinstance(event, Marked) and event.kind in (MarkKind.PARKED, MarkKind.FREED):
                for name in event.fields:
                    old = found.get(name, people())
                    parked = event.kind is MarkKind.PARKED
                    found[name] = old | event.members if parked else old - event.members
        return found


class ParkedThoughWaiting(SetBook):
    """Rule 8: nobody is parked for whom another arrival waits."""

    def park(self, given_up: arrivals.GivenUp) -> None:
        super().park(given_up)
        self.record(Marked(MarkKind.PARKED, given_up.fields, given_up.members))

    def give_up(self, now: Instant) -> None:
        closing = Closing.of(self.opened.values())
        attempted = self.attempted()
        for one in list(self.opened.values()):
            for given_up in arrivals.give_up(closing, self.state, [one], attempted, now):
                self.park(given_up)
        self.close(closing)


class StoredSetReplayed(SetBook):
    """The latest intent wins: a retry is made of whoever is still due."""

    def retried(self, old: Request, now: Instant) -> list[Group]:
        members = old.members - self.in_flight()
        return [Group(old.fields, members)] if members else []


class TwoRequestsForAKey(SetBook):
    """Keys: at most one request in flight carries a key."""

    def turns(self, keys: list[HeldKey], sharers: PeopleSet) -> PeopleSet:
        return sharers


class WantedKeysRemoved(SetBook):
    """Keys: a removal leaves out keys that another wanted person holds."""

    def usable(
        self,
        keys: list[HeldKey],
        action: Action,
        members: PeopleSet,
        wanted: SetByField,
    ) -> Usable:
        return super().usable(keys, action, members, {} if action is Action.REMOVE else wanted)


class HolderForgotten(SetBook):
    """Keys: whoever holds a key that was left in may be in."""

    def hold(self, name: MatchField, holding: PeopleSet) -> None:
        pass


class CoholdersUndoubted(SetBook):
    """Keys: a removal that sends a key moves its co-holders from acknowledged to maybe."""

    def settled(self, request: Request, settling: Settling) -> Settled:
        found = super().settled(request, settling)
        return replace(found, coholders=people())


class CoholdersWindowsForgotten(SetBook):
    """Keys: a co-holder's windows are the key's."""

    def keys_bound(self, request: Request) -> list[HeldKey]:
        return []


class BlockedKeysSent(SetBook):
    """Keys: a key is blocked while any holder has withdrawn consent."""

    def blocked(self, name: MatchField) -> PeopleSet:
        return people()

    def shared_keys(self, members: PeopleSet, fields: Fields) -> list[HeldKey]:
        return [replace(key, withdrawn=people()) for key in super().shared_keys(members, fields)]


class BlockedKeysKeptIn(SetBook):
    """Keys: a blocked key is removed, whoever else wants it."""

    def usable(
        self,
        keys: list[HeldKey],
        action: Action,
        members: PeopleSet,
        wanted: SetByField,
    ) -> Usable:
        if action is Action.REMOVE:
            keys = [replace(key, withdrawn=people()) for key in keys]
        return super().usable(keys, action, members, wanted)


class NobodyWasThere(SetBook):
    """An audience that others fill may hold anybody: a removal is sent in any case."""

    def record(self, event: Event) -> None:
        super().record(replace(event, maybe_in=False) if isinstance(event, Arrived) else event)


class LostKeyAcknowledged(SetBook):
    """Whoever had no key when digests were read is not in."""

    def settled(self, request: Request, settling: Settling) -> Settled:
        return replace(super().settled(request, settling), found_keyless={})


BROKEN = tuple(
    found
    for found in list(globals().values())
    if isinstance(found, type) and issubclass(found, SetBook) and found is not SetBook
)
