"""Arrivals carry the counters: who of them still waits, and what became of the others.

`entered = synced + not synced + pending + errored` holds after each of these steps, because every
person leaves `waiting` exactly once, with a reason. Architecture 5, rules 5, 6, 7 and 8.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from towpath.clock import Instant
from towpath.ids import ArrivalId
from towpath.ledger.events import Arrived, Settled, Settling
from towpath.ledger.state import LedgerState
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, people, union


class Counter(StrEnum):
    """Where a person who entered an Audience Sync step is counted; pending otherwise."""

    SYNCED = "synced"
    NOT_SYNCED = "not_synced"
    ERRORED = "errored"


class Reason(StrEnum):
    """Why a person is counted there."""

    ACKNOWLEDGED = "acknowledged"  # synced: by a request of this or a later attempt
    KNOWN_IN = "known_in"  # synced at once: an earlier request had added them
    ALREADY_OUT = "already_out"  # synced at once: never in, or removed before
    NO_CONSENT = "no_consent"
    NO_MATCH_KEY = "no_match_key"
    BLOCKED = "blocked"  # a holder of each of their keys has withdrawn consent
    STILL_WANTED = "still_wanted"  # a wanted person holds each of their keys
    SUPERSEDED = "superseded"  # a later arrival of the contrary action
    LEFT_CANVAS = "left_canvas"  # the Canvas was stopped, or their time passed while it was paused
    GAVE_UP = "gave_up"  # errored: the window ended
    REFUSED = "refused"  # errored: the partner definitely refuses their keys


@dataclass(frozen=True, slots=True)
class OpenArrival:
    """An arrival of whom some still wait."""

    id: ArrivalId
    action: Action
    fields: tuple[MatchField, ...]
    waiting: PeopleSet
    arrived_at: Instant
    deadline: Instant


@dataclass(frozen=True, slots=True)
class Closed:
    """People who leave an arrival's waiting: how they are counted, and why."""

    arrival: ArrivalId
    counter: Counter
    reason: Reason
    members: PeopleSet


@dataclass(slots=True)
class Closing:
    """Collects who leaves which arrival; nobody leaves twice."""

    waiting: dict[ArrivalId, PeopleSet]
    closed: list[Closed]

    @classmethod
    def of(cls, arrivals: Iterable[OpenArrival]) -> "Closing":
        """Begin with everybody waiting."""
        return cls({arrival.id: arrival.waiting for arrival in arrivals}, [])

    def close(
        self, arrival: OpenArrival, counter: Counter, reason: Reason, members: PeopleSet
    ) -> None:
        """Of `members`, those who still wait in the arrival leave it."""
        leaving = self.waiting[arrival.id] & members
        if leaving:
            self.waiting[arrival.id] = self.waiting[arrival.id] - leaving
            self.closed.append(Closed(arrival.id, counter, reason, leaving))


def synced_at_once(state: LedgerState, arrived: Arrived, in_flight: PeopleSet) -> PeopleSet:
    """Who of an arrival is where it wants them already, and in no request now (rule 5).

    `state` is the ledger after the arrival was applied to it. `in_flight`: who is in a request now,
    and, for an add, whose key a removal in flight carries (its co-holders): that may undo theirs.
    """
    return state.at_goal(arrived.action, arrived.fields, arrived.members) - in_flight


def supersede(
    closing: Closing,
    arrived: Arrived,
    open_arrivals: Iterable[OpenArrival],
    in_flight_contrary: PeopleSet,
) -> None:
    """An arrival ends open contrary ones, except for people in flight in the contrary action.

    For those the answer decides (rule 6).
    """
    over = arrived.members - in_flight_contrary
    for arrival in open_arrivals:
        if arrival.action is not arrived.action:
            closing.close(arrival, Counter.NOT_SYNCED, Reason.SUPERSEDED, over)


def settle(
    closing: Closing,
    state: LedgerState,
    settled: Settled,
    open_arrivals: Sequence[OpenArrival],
    in_flight: PeopleSet,
) -> None:
    """Close what an answer decides; `state` is the ledger after the answer was applied to it.

    Applied: all who are complete now are synced, wanted still or not. Otherwise whoever of this
    action is no longer wanted so is superseded. In any case whoever already is where an open
    arrival wants them, and is wanted there, closes as synced (rules 6 and 7); co-holders too, since
    a removal of their key kept them from being synced at once, but for those who are `in_flight` in
    another request now.
    """
    for arrival in open_arrivals:
        here = closing.waiting[arrival.id] & settled.members
        if here and arrival.action is settled.action:
            if settled.settling is Settling.APPLIED:
                done = state.at_goal(arrival.action, arrival.fields, here)
                closing.close(arrival, Counter.SYNCED, Reason.ACKNOWLEDGED, done)
            over = here - meant(state, arrival.action, arrival.fields, here)
            closing.close(arrival, Counter.NOT_SYNCED, Reason.SUPERSEDED, over)
    ended = settled.members | (settled.coholders - in_flight)
    close_at_goal(closing, state, open_arrivals, ended)
    close_keyless(closing, state, open_arrivals, settled.members)


def close_keyless(
    closing: Closing,
    state: LedgerState,
    open_arrivals: Iterable[OpenArrival],
    members: PeopleSet,
    reason: Reason = Reason.NO_MATCH_KEY,
) -> None:
    """Of `members`, whoever has no usable key any more cannot be sent, and waits for nothing.

    `members` must not be in flight. Used at a settle, and when a later arrival finds them so.
    """
    for arrival in open_arrivals:
        here = closing.waiting[arrival.id] & members
        if here:
            here = meant(state, arrival.action, arrival.fields, here)
            lost = keyless_everywhere(state, arrival.fields, here)
            closing.close(arrival, Counter.NOT_SYNCED, reason, lost)


def close_at_goal(
    closing: Closing, state: LedgerState, open_arrivals: Iterable[OpenArrival], members: PeopleSet
) -> None:
    """Of `members`, whoever is where an open arrival wants them, and is wanted there, is synced.

    `members` must not be in flight. Used at a settle, and when errored people wait again by hand.
    """
    for arrival in open_arrivals:
        here = closing.waiting[arrival.id] & members
        if here:
            here = meant(state, arrival.action, arrival.fields, here)
            done = state.at_goal(arrival.action, arrival.fields, here)
            closing.close(arrival, Counter.SYNCED, at_goal_reason(arrival.action), done)


def at_goal_reason(action: Action) -> Reason:
    """Why somebody is synced without a request of this arrival's own."""
    return Reason.KNOWN_IN if action is Action.ADD else Reason.ALREADY_OUT


def meant(
    state: LedgerState, action: Action, fields: Iterable[MatchField], members: PeopleSet
) -> PeopleSet:
    """Of `members`: of whom the ledger still wants all that an arrival of `action` asked."""
    found = members.copy()
    for match_field in fields:
        wanted = state.of(match_field).want
        found = found & wanted if action is Action.ADD else found - wanted
    return found


def keyless_everywhere(
    state: LedgerState, fields: Iterable[MatchField], members: PeopleSet
) -> PeopleSet:
    """Of `members`: who has no usable key in any of the fields."""
    found = members.copy()
    for match_field in fields:
        found &= state.of(match_field).keyless
    return found


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Who is parked after their window ended, by the fields of their arrival."""

    fields: tuple[MatchField, ...]
    members: PeopleSet


def give_up(
    closing: Closing,
    state: LedgerState,
    open_arrivals: Sequence[OpenArrival],
    attempted: dict[ArrivalId, PeopleSet],
    now: Instant,
) -> list[GivenUp]:
    """End the windows that are over: whoever was attempted is errored, and parked (rule 8).

    `attempted`: of each overdue arrival, who was in an attempt since it came (and since the last
    outage of ours). They are parked by those fields for which no arrival waits for the same of them
    any more: another may be younger, or overdue without an attempt, and would wait for ever.
    """
    gave_up: list[tuple[OpenArrival, PeopleSet]] = []
    for arrival in open_arrivals:
        if arrival.deadline > now:
            continue
        over = closing.waiting[arrival.id] & attempted.get(arrival.id, people())
        closing.close(arrival, Counter.ERRORED, Reason.GAVE_UP, over)
        gave_up.append((arrival, over))
    parked: list[GivenUp] = []
    for arrival, over in gave_up:
        so = meant(state, arrival.action, arrival.fields, over)
        for name in arrival.fields:
            waiting = union(
                closing.waiting[other.id]
                for other in open_arrivals
                if other.action is arrival.action and name in other.fields
            )
            if so - waiting:
                parked.append(GivenUp((name,), so - waiting))
    return parked
