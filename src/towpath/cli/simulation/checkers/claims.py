"""Claims: who may be in a new request, and who may not be left out of one."""

from collections import defaultdict
from collections.abc import Iterator

from towpath.cli.simulation.door import Key
from towpath.cli.simulation.records import Book, Records
from towpath.cli.simulation.rows import RequestRow
from towpath.cli.simulation.world import World
from towpath.engine.claim import STREAMING
from towpath.ledger.due import due_groups
from towpath.limits import CLAIM_REQUESTS_MAX
from towpath.people.action import Action
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import permits


def one_request_a_key(records: Records) -> Iterator[str]:
    """I-19: no person and no key is in two requests in flight."""
    for book in records.books.values():
        flying = records.flying(book.audience)
        members: PeopleSet = people()
        keys: set[Key] = set()
        for request in flying:
            if members & request.members:
                yield f"request {request.id}: {list(members & request.members)} are in another too"
            if keys & request.keys:
                yield f"request {request.id} carries a key that another in flight carries"
            members |= request.members
            keys |= request.keys


def only_what_is_wanted_now(records: Records) -> Iterator[str]:
    """I-21: a request is made of the present wishes, a retry too."""
    world = records.world
    for request in records.new_requests:
        book = records.books[request.audience]
        for name in request.fields:
            sent = request.members - request.omitted.get(name, people())
            sent -= book.state.of(name).keyless
            sent = people(person for person in sent if name in world.keys[person])
            if request.action is Action.ADD:
                wrong = sent - book.wanted(name)
            else:
                wrong = sent & book.wanted(name)
            if wrong:
                verb = request.action.name.lower()
                yield f"request {request.id} is to {verb} {list(wrong)} by {name.value}: not wanted"


def shared_keys_are_respected(records: Records) -> Iterator[str]:
    """No blocked key is added, and none is removed that another wanted person holds."""
    world = records.world
    for request in records.new_requests:
        book = records.books[request.audience]
        for key in request.keys & world.sharing.keys():
            name, blocked = key[0], world.blocked(key)
            if request.action is Action.ADD and blocked:
                yield f"request {request.id} adds a {name.value} that is blocked"
            others = (world.sharing[key] & book.wanted(name)) - book.state.of(name).keyless
            if request.action is Action.REMOVE and not blocked and others:
                yield f"request {request.id} removes a {name.value} that {list(others)} hold"


def given_up_are_left_alone(records: Records) -> Iterator[str]:
    """Rule 8: who was given up on is neither sent nor removed, until an arrival."""
    world = records.world
    for request in records.new_requests:
        book = records.books[request.audience]
        for name in request.fields:
            with_key = people(p for p in request.members if name in world.keys[p])
            wrong = with_key & book.given_up.get(name, people())
            if wrong:
                yield f"request {request.id}: {list(wrong)} were given up on"


def backoff_holds_its_own_action(records: Records) -> Iterator[str]:
    """Rule 3: nobody who backs off from an action is claimed for it."""
    world = records.world
    for request in records.new_requests:
        held = records.held(request.audience, request.action, world.now)
        if held & request.members:
            yield f"request {request.id}: {list(held & request.members)} back off"


def due(records: Records, book: Book, action: Action) -> PeopleSet:
    """Who must be sent now and can be, but for those who share a key and may have to wait."""
    world = records.world
    found = union(book.state.due(action).values()) - records.in_flight(book.audience)
    found -= records.held(book.audience, action, world.now)
    return found - union(world.sharing.values())


def nobody_due_is_left(records: Records) -> Iterator[str]:
    """A claim with room to spare, after the flush, takes everybody who is due."""
    world = records.world
    for book, new in _claims(records):
        most = world.setting.bounds.get("CLAIM_REQUESTS_MAX", CLAIM_REQUESTS_MAX)
        room = len(new) < most and _permits_left(records)
        if room and book.was_flush(world.now, world.setting.windows.flush):
            for action in Action:
                left = due(records, book, action)
                if left:
                    verb = action.name.lower()
                    yield f"audience {book.audience}: {list(left)} are due to {verb}, and left"


def removals_first(records: Records) -> Iterator[str]:
    """I-34: no add leaves while a removal that could leave has to wait."""
    world = records.world
    for book, new in _claims(records):
        if all(one.action is Action.REMOVE for one in new):
            continue
        left = due(records, book, Action.REMOVE)
        busy = union(book.state.due(Action.REMOVE).values()) - left
        groups = due_groups(book.state, Action.REMOVE, busy)
        full = any(len(one.members) >= _size(world, book, len(one.fields)) for one in groups)
        if left and (full or book.was_flush(world.now, world.setting.windows.flush)):
            yield f"audience {book.audience}: adds left before the removal of {list(left)}"


def one_partial_request(records: Records) -> Iterator[str]:
    """I-42: of each action and fields at most one request that is not full, and only at a flush."""
    world = records.world
    if world.sharing:
        return
    for book, new in _claims(records):
        partial: dict[tuple[object, ...], int] = defaultdict(int)
        for request in new:
            if request.parent is None and len(request.members) < _size(
                world, book, len(request.fields)
            ):
                partial[request.action, request.fields] += 1
        flush = book.was_flush(world.now, world.setting.windows.flush)
        if any(count > (1 if flush else 0) for count in partial.values()):
            yield f"audience {book.audience}: {dict(partial)} requests are not full"


def _size(world: World, book: Book, fields: int) -> int:
    learned = book.head_before[8] or world.setting.people_per_request
    most = min(learned, world.setting.people_per_request)
    return max(1, min(most, world.setting.keys_per_request // fields))


def _claims(records: Records) -> Iterator[tuple[Book, list[RequestRow]]]:
    found: dict[int, list[RequestRow]] = {}
    for request in records.new_requests:
        found.setdefault(request.audience, []).append(request)
    for audience, new in found.items():
        yield records.books[audience], new  # type: ignore[index]


def _permits_left(records: Records) -> bool:
    world = records.world
    free = permits.next_free(records.eyes, world.app, STREAMING)
    return free is not None and free <= world.now
