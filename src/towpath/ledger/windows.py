"""How long an answer may still bite, and when to try again.

TikTok accepts now and processes within P (48 h); an unknown request may still be accepted within D
after its lease (reliability, section 5.1). Inside such a window a contrary request must be repeated
at its end: the settle resend.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from towpath.clock import Instant
from towpath.ledger.events import ResendDue, SetByField, Settling
from towpath.ledger.sharing import HeldKey
from towpath.limits import FILE_WINDOW_S
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people, union


@dataclass(frozen=True, slots=True)
class Windows:
    """The spans by which the ledger reckons; settings of the transport."""

    request_deadline: timedelta = timedelta(seconds=30)
    lease: timedelta = timedelta(seconds=60)
    processing: timedelta = timedelta(hours=48)  # P
    acceptance: timedelta = timedelta(minutes=10)  # D
    retry_first: timedelta = timedelta(seconds=5)
    retry_most: timedelta = timedelta(minutes=10)
    give_up: timedelta = timedelta(hours=13)
    flush: timedelta = timedelta(seconds=5)
    pause_most: timedelta = timedelta(hours=1)  # however long the partner asks to wait

    def of(self, *, by_files: bool) -> "Windows":
        """The spans of a transport. A file's update is many calls, and the audience takes no other
        before it is processed, so one that was accepted falls into no later one's time."""
        if not by_files:
            return self
        return replace(
            self,
            lease=max(self.lease, timedelta(hours=1)),
            processing=timedelta(0),
            retry_first=max(self.retry_first, timedelta(minutes=1)),
            retry_most=max(self.retry_most, timedelta(hours=1)),
            give_up=max(self.give_up, timedelta(seconds=FILE_WINDOW_S)),
        )

    def end(self, settling: Settling, lease_until: Instant, answered_at: Instant) -> Instant | None:
        """Until when a request with this answer may still take effect; None: it cannot."""
        if settling is Settling.APPLIED:
            return answered_at + self.processing
        if settling is Settling.UNKNOWN:
            return lease_until + self.acceptance + self.processing
        return None

    def retry_at(self, now: Instant, tries: int, chance: Random) -> Instant:
        """When a request that failed `tries` times is tried again: doubling, ±20 % (rule 9)."""
        doubled: timedelta = self.retry_first * 2 ** min(tries - 1, 20)
        return now + min(doubled, self.retry_most) * chance.uniform(0.8, 1.2)


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """A request that may still take effect until `end`. `omitted`: by field, whose key it left."""

    action: Action
    fields: tuple[MatchField, ...]
    members: PeopleSet
    omitted: SetByField
    end: Instant

    def carries(self, name: MatchField) -> PeopleSet:
        """Whose key of this field it sends."""
        if name not in self.fields:
            return people()
        found: PeopleSet = self.members - self.omitted.get(name, people())
        return found


@dataclass(frozen=True, slots=True)
class Resend:
    """`action` must be repeated for `members` once `due_at` has passed."""

    action: Action
    fields: tuple[MatchField, ...]
    members: PeopleSet
    due_at: Instant


def resends(
    applied: OpenWindow,
    keys: Sequence[HeldKey],
    started_at: Instant,
    contrary: Iterable[OpenWindow],
) -> list[Resend]:
    """What must be repeated because `applied` fell into open windows of contrary requests.

    A window counts if it ends after the request *started*, for whoever of ours has a key that it
    carries too: their own, or one of `keys`, those that ours share with others (rules 1 and 2). No
    more than these: two requests that repeated each other over different keys would never end.
    """
    found: list[Resend] = []
    for window in contrary:
        if window.end > started_at:
            again = {name: _touched(applied, window, name, keys) for name in applied.fields}
            found.extend(
                Resend(applied.action, (name,), members, window.end)
                for name, members in again.items()
                if members
            )
    return found


def _touched(
    applied: OpenWindow, window: OpenWindow, name: MatchField, keys: Sequence[HeldKey]
) -> PeopleSet:
    ours, theirs = applied.carries(name), window.carries(name)
    found = ours & theirs
    for key in keys:
        if key.field is name and key.holders & theirs:
            found |= key.holders & ours
    return found


def come_due(ended: Iterable[Resend], waiting: Iterable[Resend]) -> list[ResendDue]:
    """What to repeat now that these windows ended; `waiting`: the resends that are not due yet.

    Whoever has a later one of the same action *and field* waits for it: a later resend of another
    field would not repeat this one.
    """
    later: dict[tuple[Action, MatchField], PeopleSet] = {}
    for one in waiting:
        for name in one.fields:
            later[one.action, name] = later.get((one.action, name), people()) | one.members
    found: dict[tuple[Action, MatchField], PeopleSet] = {}
    for one in ended:
        for name in one.fields:
            now = resend_now(one.members, [later.get((one.action, name), people())])
            found[one.action, name] = found.get((one.action, name), people()) | now
    return [
        ResendDue(action, (name,), members) for (action, name), members in found.items() if members
    ]


def resend_now(due: PeopleSet, later: Iterable[PeopleSet]) -> PeopleSet:
    """Of those whose window ended: who has no later one. The others wait for it."""
    return due - union(later)
