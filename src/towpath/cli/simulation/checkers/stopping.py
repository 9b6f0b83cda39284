"""What stops sending, and what must not: I-15, I-30, I-36, I-39, I-62."""

from collections.abc import Iterator
from datetime import timedelta

from towpath.cli.simulation.checkers.sends import log_row
from towpath.cli.simulation.records import Records
from towpath.cli.simulation.rows import RequestRow
from towpath.partners.protocol import AnswerKind, Cause

APP = 0
A_SECOND, A_MINUTE, FIVE_MINUTES = timedelta(seconds=1), timedelta(minutes=1), timedelta(minutes=5)
THROTTLED = {Cause.THROTTLED_APP.value, Cause.THROTTLED_ACCOUNT.value}
THROTTLE_CODES = {40100, 40016, 40133}


def a_part_is_not_the_whole(records: Records) -> Iterator[str]:
    """I-15: after 20001 nobody knows who of the request is in."""
    world = records.world
    for flight in records.flights:
        if flight.number and log_row(world, flight.number).code == 20001:
            world.hits["answer: partial"] += 1
            if flight.answered.answer.kind is not AnswerKind.UNKNOWN:
                yield f"request {flight.claimed.id} was taken in part, and is believed"
    for request in records.settled:
        if request.answer[6] == Cause.PARTIAL.value and request.state != "unknown":
            yield f"request {request.id} was taken in part, and is {request.state}"


def a_gone_audience_stops_nobody_else(records: Records) -> Iterator[str]:
    """I-30: what is told of one audience leaves the ways to all others as they were; and no
    audience is made by itself."""
    world = records.world
    if extra := world.sandbox.world.audiences.keys() - {one.ref for one in world.audiences}:
        yield f"audiences {sorted(extra)} were made by nobody"
    told = records.settled
    if not told or any(one.answer[6] != Cause.AUDIENCE.value for one in told):
        return
    world.hits["answer: audience gone or busy"] += 1
    of_them = {one.audience for one in told}
    for audience, before in records.routes_before.items():
        if audience not in of_them and records.routes[audience] != before:
            yield f"audience {audience} is stopped by what was told of {sorted(of_them)}"


def the_tier_is_kept(records: Records) -> Iterator[str]:
    """I-36: TikTok never finds us too quick by its usual limits of a second, a minute and a day."""
    world = records.world
    if world.register is not None and world.register.lowered:
        return
    for flight in records.flights:
        if flight.number:
            row = log_row(world, flight.number)
            if row.code in THROTTLE_CODES and not row.fault:
                yield f"request {flight.claimed.id} was too much for TikTok: {row.code}"


def throttling_is_waited_for(records: Records) -> Iterator[str]:
    """I-39: whoever was throttled rests for a second, and for five minutes when it came again
    within a minute; its people stay pending."""
    world = records.world
    accounts = {one.id: one.ad_account for one in world.audiences}
    for request in records.new_requests:
        for scope in (APP, accounts[request.audience]):
            if request.started_at < records.rests.get(scope, request.started_at):
                yield f"request {request.id} was claimed while TikTok wants us to wait"
    for request in records.settled:
        if request.answer[6] not in THROTTLED:
            continue
        app = request.answer[6] == Cause.THROTTLED_APP.value
        scope = APP if app else accounts[request.audience]
        _rest(records, request, scope)


def _rest(records: Records, request: RequestRow, scope: int) -> None:
    before = records.rests.get(scope)
    again = before is not None and before <= request.started_at < before + A_MINUTE
    answered_at = request.answer[1]
    until = answered_at + (FIVE_MINUTES if again else A_SECOND)
    records.rests[scope] = max(before or until, until)
    records.world.hits["throttled again"] += again


def a_cut_is_a_cut(records: Records) -> Iterator[str]:
    """I-62: nothing leaves later than a second after the connection is cut."""
    register = records.world.register
    if register is None or register.cut_at is None:
        return
    for flight in records.flights:
        if flight.sent is not None and flight.left_at > register.cut_at + A_SECOND:
            yield f"request {flight.claimed.id} left over a connection that is cut"
