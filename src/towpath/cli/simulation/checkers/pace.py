"""Pace and fairness: I-35, I-43, and I-19 as TikTok itself sees it."""

from collections.abc import Iterator

from towpath.cli.simulation.checkers.claims import due
from towpath.cli.simulation.records import Records
from towpath.people.action import Action
from towpath.people.people_set import union
from towpath.sandbox.core import MAPPING
from towpath.store import audiences

PASSED_MAX = 3


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
