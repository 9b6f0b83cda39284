"""The ledger: shards and log hold what the whole log tells, and somebody looks where it says so."""

from collections.abc import Iterator

from towpath.cli.simulation.checkers.claims import due
from towpath.cli.simulation.records import Book, Records
from towpath.ledger.state import FieldState
from towpath.people.action import Action
from towpath.people.people_set import part, union
from towpath.store import audiences, snapshots
from towpath.store.audiences import Route

SETS = ("want", "acked", "maybe", "parked", "keyless")


def fold_equals_log(records: Records) -> Iterator[str]:
    """Replaying the log from its first row gives what shards and the rest of the log give."""
    world = records.world
    shards = snapshots.shard_counts(records.eyes) if records.new_seq else []
    for book in records.books.values():
        for name in {*book.state.fields, *book.stored.fields}:
            told, stored = book.state.of(name), book.stored.of(name)
            for one in SETS:
                if getattr(told, one) != getattr(stored, one):
                    odd = getattr(told, one) ^ getattr(stored, one)
                    yield f"audience {book.audience}: {name.value} {one} differs in {list(odd)}"
        if book.head and book.head[4] == book.head[3]:
            yield from _counts(book, [row[1:] for row in shards if row[0] == book.audience])
    world.hits["fold"] += records.folds


def _counts(book: Book, shards: list[tuple[int, ...]]) -> Iterator[str]:
    for bit, block, due_in, due_out in shards:
        (name,) = (f for f in book.stored.fields if 1 << list(type(f)).index(f) == bit)
        sets = book.stored.of(name)
        here = FieldState(*(part(getattr(sets, one), block) for one in SETS))
        found = (len(here.due(Action.ADD)), len(here.due(Action.REMOVE)))
        if found != (due_in, due_out):
            told = f"block {block} of {name.value} counts {due_in} in, {due_out} out"
            yield f"audience {book.audience}: {told} due, and there are {found}"


def somebody_looks(records: Records) -> Iterator[str]:
    """Wherever somebody must still be sent, the sender will look, and soon if it may be now."""
    world = records.world
    for book in records.books.values():
        flying = records.in_flight(book.audience)
        left = union(union(book.state.due(a).values()) for a in Action) - flying
        look_at = book.head[7] if book.head else None
        if left and look_at is None and not _wait_for_keys(records, book):
            yield f"audience {book.audience}: {list(left)} are due, and nobody will look"
        now_due = union(due(records, book, action) for action in Action)
        late = look_at is not None and look_at > world.now + world.setting.windows.flush
        if now_due and late and _route(records, book).open_at(world.now):
            yield f"audience {book.audience}: {list(now_due)} are due; look at {look_at}"


def _route(records: Records, book: Book) -> Route:
    return audiences.routes(records.eyes, [book.audience])[book.audience]


def _wait_for_keys(records: Records, book: Book) -> bool:
    """May all who are due be waiting for a co-holder in flight?"""
    world = records.world
    flying = records.flying(book.audience)
    bound = union(r.members | r.coholders for r in flying) | union(world.sharing.values())
    left = union(union(book.state.due(a).values()) for a in Action)
    return bool(flying) and not left - bound
