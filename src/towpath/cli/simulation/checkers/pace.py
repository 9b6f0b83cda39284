"""Pace and fairness: I-35, I-41, I-43, and I-19 as TikTok itself sees it."""

from collections.abc import Iterator
from datetime import timedelta

from towpath.cli.simulation.checkers.claims import due
from towpath.cli.simulation.records import Records
from towpath.people.action import Action
from towpath.people.people_set import union
from towpath.sandbox.core import MAPPING
from towpath.store import audiences

PASSED_MAX = 3
A_SECOND = timedelta(seconds=1)


def nobody_is_passed_over(records: Records) -> Iterator[str]:
    """I-43: where somebody may leave now, at most three claims for others go first."""
    world = records.world
    claimed = {request.audience for request in records.new_requests}
    if len(records.books) < 2 or not claimed:
        return
    routes = audiences.routes(records.eyes, list(records.books))
    for book in records.books.values():
        look_at = book.head_before[7] if book.head_before else None
        ready = look_at is not None and look_at <= world.now
        ready = ready and routes[book.audience].open_at(world.now)
        ready = ready and bool(union(due(records, book, action) for action in Action))
        ready = ready and book.was_flush(world.now, world.setting.windows.flush)
        passed = records.passed.get(book.audience, 0)
        records.passed[book.audience] = 0 if book.audience in claimed or not ready else passed + 1
        world.hits["another audience went first"] += records.passed[book.audience]
        if records.passed[book.audience] > PASSED_MAX:
            yield f"audience {book.audience} was passed over {passed + 1} times"


def whoever_enters_is_soon_in_a_request(records: Records) -> Iterator[str]:
    """I-41: healthy and under the limit, within the flush and a second of entering."""
    world = records.world
    since = world.healthy_since
    if since is None or not _is_healthy(records):
        return
    latest = world.now - world.setting.windows.flush - A_SECOND
    early = [e for e in records.places.entries if e.version == world.version]
    for entry in early:
        if entry.entered_at > latest:
            continue
        came = union(
            one.members | union(told.members for told in one.outcomes)
            for one in records.arrivals.values()
            if one.version == world.version
        )
        if left := entry.members - came:
            yield f"{list(left)} entered at {entry.entered_at}, and still did not arrive"
        for arrival in records.arrivals.values():
            if arrival.version == world.version:
                sent = union(
                    r.members
                    for r in records.requests.values()
                    if r.audience == arrival.audience and r.started_at >= since
                )
                late = arrival.waiting - sent - union(world.sharing.values())
                if late:
                    yield f"{list(late)} entered at {entry.entered_at}, and are in no request"
                world.hits["healthy: in a request in time"] += len(arrival.members & sent)


def _is_healthy(records: Records) -> bool:
    """The audience is there, and nothing rests."""
    world = records.world
    first = world.audiences[0]
    route = audiences.routes(records.eyes, [first.id])[first.id]
    return first.ref in world.sandbox.world.audiences and route.open_at(world.now)


def busiest_second(records: Records) -> Iterator[str]:
    """I-35: never more requests in a second than permits."""
    world = records.world
    busiest = world.sandbox.log.busiest_second(path=MAPPING)
    world.hits["the pace was used up"] += busiest == world.setting.permits
    if busiest > world.setting.permits:
        yield f"{busiest} requests came in one second; {world.setting.permits} may"


def no_overlaps(records: Records) -> Iterator[str]:
    """I-19: TikTok never had a key in two requests at one time."""
    world = records.world
    for overlap in world.sandbox.overlaps():
        yield f"TikTok had a {overlap.field} in its requests {overlap.earlier}, {overlap.later}"
