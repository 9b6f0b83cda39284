"""What time alone does to a ledger: leases end, windows end, people are given up on, logs age.

A request whose lease ran out settles as unknown. When a contrary window ends, its people are sent
once more. When an arrival's window ends, whoever was attempted is errored and parked; the others
get their attempt first. Architecture 5, rules 1, 2, 4 and 8.
"""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from towpath import telemetry
from towpath.clock import Instant
from towpath.engine.claim import Claimed
from towpath.engine.courier import LEASE_ENDED, Answered
from towpath.engine.erasing import Erasing
from towpath.engine.rekeying import Rekeying
from towpath.engine.settle import settle
from towpath.ids import ArrivalId, AudienceId, RequestId
from towpath.ledger.arrivals import Closing, OpenArrival, give_up
from towpath.ledger.events import Marked, MarkKind
from towpath.ledger.windows import Windows
from towpath.limits import FOLD_AGE_S, SETTLE_REQUESTS_MAX
from towpath.partners.protocol import Cause, Scope
from towpath.people.action import Action
from towpath.people.normalise import CURRENT_RULE, RULES, RuleSet
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import arrivals, audiences, ledgers, pulses, requests, resends, stray_receipts
from towpath.store.arrivals import OpenArrivals
from towpath.store.database import Db
from towpath.telemetry import Event

STOPS = requests.Stops(
    app=tuple(cause.value for cause in Cause if cause.scope is Scope.APP),
    connection=tuple(cause.value for cause in Cause if cause.scope is Scope.CONNECTION),
    account=tuple(cause.value for cause in Cause if cause.scope is Scope.AD_ACCOUNT),
)


@dataclass(slots=True)
class Deadlines:
    """The service that lets time pass; any number of workers may run one."""

    db: Db
    windows: Windows
    chance: Random
    service: str = "deadlines"
    rules: RuleSet = RULES[CURRENT_RULE]

    def tick(self, now: Instant) -> bool:
        """Do one kind of what is overdue; says whether there may be more."""
        steady_since = pulses.beat(self.db, self.service, now)
        return (
            self._end_leases(now)
            or self._end_windows(now)
            or self._give_up(now, steady_since)
            or self._fold(now)
            or stray_receipts.look(self.db, now)
            or Erasing(self.db).tick(now)
            or Rekeying(self.db, self.rules).tick(now)
        )

    def _end_leases(self, now: Instant) -> bool:
        over = requests.expired(self.db, now, SETTLE_REQUESTS_MAX)
        by_audience: dict[AudienceId, list[RequestId]] = {}
        for request, audience in over:
            by_audience.setdefault(audience, []).append(request)
        routes = audiences.routes(self.db, by_audience)
        for audience, ids in by_audience.items():
            route = routes[audience]
            # The permits of a dead worker are freed by their own lease.
            answered = [Answered(one, Claimed.expired(one, route, now), LEASE_ENDED) for one in ids]
            settle(self.db, audience, route.app, answered, now, self.windows, self.chance)
        return bool(over)

    def _end_windows(self, now: Instant) -> bool:
        due = resends.due_audiences(self.db, now)
        for audience in due:
            with self.db.transaction():
                ledger = ledgers.lock(self.db, audience)
                resends.end_windows(self.db, ledger, now)
                ledger.due(now, self.windows.flush, at_once=True)
                ledgers.close(self.db, ledger, now)
        return bool(due)

    def _give_up(self, now: Instant, steady_since: Instant) -> bool:
        closed = False
        for audience in arrivals.overdue(self.db, now):
            with self.db.transaction():
                errored = self._give_up_in(audience, now, steady_since)
            for code, count in errored.items():
                told = {"audience": audience, "people": count, "code": code}
                telemetry.tell(Event.PEOPLE_ERRORED, level=logging.WARNING, **told)
            closed |= bool(errored)
        return closed

    def _give_up_in(
        self, audience: AudienceId, now: Instant, steady_since: Instant
    ) -> dict[int | None, int]:
        """How many were errored, by the partner's last code."""
        ledger = ledgers.lock(self.db, audience)
        opened = arrivals.read_open(self.db, audience, everybody())
        attempted, causes = self._attempted(audience, opened, now, steady_since)
        everyone = union(arrival.waiting for arrival in opened.arrivals)
        ledgers.open_people(self.db, ledger, everyone)
        closing = Closing.of(opened.arrivals)
        for given_up in give_up(closing, ledger.state, opened.arrivals, attempted, now):
            marked = Marked(MarkKind.PARKED, given_up.fields, given_up.members)
            ledgers.mark(self.db, ledger, marked, now, "gave up")
        errored: dict[int | None, int] = {}
        for arrival, found in causes.items():
            mine = [one for one in closing.closed if one.arrival == arrival]
            cause = arrivals.Cause(found.request, found.code, found.partner_request_ref)
            one_arrival = Closing(closing.waiting, mine)
            arrivals.write_closed(self.db, audience, opened, one_arrival, now, cause)
            if mine:
                count = sum(len(one.members) for one in mine)
                errored[found.code] = errored.get(found.code, 0) + count
        # Whoever is left was not attempted: let them go now.
        ledger.due(now, self.windows.flush, at_once=True)
        ledgers.close(self.db, ledger, now)
        return errored

    def _attempted(
        self, audience: AudienceId, opened: OpenArrivals, now: Instant, steady_since: Instant
    ) -> tuple[dict[ArrivalId, PeopleSet], dict[ArrivalId, requests.Attempt]]:
        """Of each overdue arrival: who was in an attempt, and the newest such attempt.

        A refusal that stopped the app, the connection or the ad account is an attempt of all who
        wait behind it.
        """
        attempted: dict[ArrivalId, PeopleSet] = {}
        causes: dict[ArrivalId, requests.Attempt] = {}
        over = [arrival for arrival in opened.arrivals if arrival.deadline <= now]
        since = {one.id: max(one.arrived_at, steady_since) for one in over}
        if not over:
            return attempted, causes
        stopped = requests.stopped_behind(self.db, audience, min(since.values()), STOPS)
        for one in over:
            if stopped is not None and stopped.started_at >= since[one.id]:
                attempted[one.id], causes[one.id] = one.waiting, stopped
        for action in Action:
            left = [one for one in over if one.action is action and one.id not in attempted]
            oldest = min((since[one.id] for one in left), default=now)
            waiting = union(one.waiting for one in left)
            reading = requests.attempts(self.db, audience, action, oldest, waiting)
            with contextlib.closing(reading) as tried:
                for arrival, found, newest in tried_of(left, since, tried):
                    attempted[arrival], causes[arrival] = found, newest
        return attempted, causes

    def _fold(self, now: Instant) -> bool:
        """Fold logs that are old enough but too small to have been folded by a settle."""
        aged = ledgers.aged(self.db, now - timedelta(seconds=FOLD_AGE_S))
        for audience in aged:
            with self.db.transaction():
                ledgers.close(self.db, ledgers.lock(self.db, audience), now)
        return bool(aged)


def tried_of(
    overdue: Iterable[OpenArrival],
    since: Mapping[ArrivalId, Instant],
    attempts: Iterator[requests.Attempt],
) -> Iterator[tuple[ArrivalId, PeopleSet, requests.Attempt]]:
    """Of each arrival: who was in an attempt that began at its `since` or later, and the newest of
    them. `attempts` come the newest first; no more are read than are needed."""
    tried: PeopleSet = people()
    seen: list[requests.Attempt] = []
    ahead = next(attempts, None)
    for arrival in sorted(overdue, key=lambda one: since[one.id], reverse=True):
        while ahead is not None and ahead.started_at >= since[arrival.id]:
            if arrival.waiting <= tried:
                break
            tried |= ahead.members
            seen.append(ahead)
            ahead = next(attempts, None)
        if found := arrival.waiting & tried:
            newest = next(one for one in seen if one.members.intersect(found))
            yield arrival.id, found, newest


def everybody() -> PeopleSet:
    """A set that spans all numbers, for reading arrivals whoever is in them."""
    return people([0, 2**31 - 1])
