"""The ledger of one audience, locked and open as far as a transaction needs it.

Shards hold the fold of the log up to `folded_seq`; what came later is read from the log and applied
in memory. A transaction opens the blocks it touches, records events, and closes: small changes stay
in the log, and the shards are written when enough waits (limits.FOLD_*), or a change is big itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from towpath.clock import Instant
from towpath.errors import NotFoundError
from towpath.ids import AudienceId, ConnectionId, WorkspaceId
from towpath.ledger.events import Event, Marked, apply, clip, concerned
from towpath.ledger.state import FieldState, LedgerState
from towpath.limits import FOLD_AGE_S, FOLD_LOG_ROWS, FOLD_PEOPLE
from towpath.people.action import Action
from towpath.people.match_field import MatchField, fields_of, mask
from towpath.people.people_set import PeopleSet, block_span, blocks, dump, load, part, people, union
from towpath.store.database import Db
from towpath.store.ledger_log import read_log
from towpath.store.queries import queries

_SQL = queries("ledgers")
_SETS = ("want", "acked", "maybe", "parked", "keyless")


@dataclass(slots=True)
class Head:
    """The audience's own row: numbers of the log, and when the sender must look."""

    audience: AudienceId
    workspace: WorkspaceId
    created_here: bool
    fields: int
    seq: int
    folded_seq: int
    log_people: int
    log_rows: int
    log_since: Instant | None
    due_since: Instant | None
    look_at: Instant | None
    people_per_request_learned: int | None
    by_files: bool = False


@dataclass(slots=True)
class Ledger:
    """A locked ledger: `state` is right for the opened blocks, and says nothing of the others."""

    head: Head
    state: LedgerState = field(default_factory=LedgerState)
    opened: set[int] = field(default_factory=set)
    log: list[tuple[int, Event]] | None = None
    fresh: list[Event] = field(default_factory=list)
    shards: dict[tuple[int, int, int], list[bytes]] = field(default_factory=dict)
    """The packed sets as they were read, by the table's key: a fold writes what has changed."""
    seq_found: int = 0

    def __post_init__(self) -> None:
        """Remember where the log ended before this transaction."""
        self.seq_found = self.head.seq

    @property
    def fields(self) -> tuple[MatchField, ...]:
        """Every match field that was ever asked for in this audience."""
        return fields_of(self.head.fields)

    def look(self, at: Instant) -> None:
        """The sender must look at the audience at `at`, or before."""
        self.head.look_at = at if self.head.look_at is None else min(self.head.look_at, at)

    def due(self, now: Instant, flush: timedelta, *, at_once: bool = False) -> None:
        """Somebody is due since `now`: they leave at the latest `flush` later, or `at_once`.

        Never looked at sooner than now: who waits for long must not come before who waited longer.
        """
        head, since = self.head, now - flush if at_once else now
        head.due_since = since if head.due_since is None else min(head.due_since, since)
        self.look(max(head.due_since + flush, now))


def lock(db: Db, audience: AudienceId) -> Ledger:
    """Lock the audience's row until the transaction ends. Raises NotFoundError."""
    return Ledger(_head(db, audience, "lock_head"))


def peek(db: Db, audience: AudienceId) -> Ledger:
    """The ledger without a lock: for showing and for `audit`, within one snapshot."""
    return Ledger(_head(db, audience, "read_head"))


def _head(db: Db, audience: AudienceId, statement: str) -> Head:
    row = db.execute(_SQL[statement], (audience,), binary=True).fetchone()
    if row is None:
        raise NotFoundError(f"There is no audience {audience}.")
    return Head(*row)


def open_blocks(db: Db, ledger: Ledger, wanted: Iterable[int]) -> None:
    """Bring these blocks of numbers into `ledger.state`, shards first, then the log."""
    missing = sorted(set(wanted) - ledger.opened)
    if not missing:
        return
    head = ledger.head
    opened = LedgerState()
    for block, bits, *packed in db.execute(
        _SQL["read_shards"], (head.audience, missing), binary=True
    ):
        _join(opened, bits, packed)
        ledger.shards[head.audience, bits, block] = packed
    events = [event for _, event in _log(db, ledger)] + ledger.fresh
    if events:
        within = people()
        for block in missing:
            within.add_range(*block_span(block))
        for event in events:
            clipped = clip(event, within)
            if concerned(clipped):
                apply(opened, clipped)
    for match_field, sets in opened.fields.items():
        mine = ledger.state.of(match_field)
        for name in _SETS:
            setattr(mine, name, getattr(mine, name) | getattr(sets, name))
    ledger.opened.update(missing)


def open_people(db: Db, ledger: Ledger, members: PeopleSet) -> None:
    """Bring the blocks of these people into `ledger.state`."""
    open_blocks(db, ledger, blocks(members))


def blocks_with_work(db: Db, ledger: Ledger) -> list[tuple[int, int, int]]:
    """Blocks where somebody may be due, as (block, due in, due out at most), in rising order.

    A block that only the log speaks of is given with the numbers of people the log names there.
    """
    rows = db.execute(_SQL["read_work"], (ledger.head.audience,), binary=True).fetchall()
    found = {block: (i, o) for block, i, o in rows}
    waiting = union(concerned(event) for _, event in _log(db, ledger))
    for block in blocks(waiting):
        here = waiting.range_cardinality(*block_span(block))
        due_in, due_out = found.get(block, (0, 0))
        found[block] = (due_in + here, due_out + here)
    return [(block, *counts) for block, counts in sorted(found.items())]


def all_blocks(db: Db, ledger: Ledger) -> set[int]:
    """Every block that the ledger holds anything of."""
    rows = db.execute(_SQL["list_blocks"], (ledger.head.audience,)).fetchall()
    waiting = union(concerned(event) for _, event in _log(db, ledger))
    return {row[0] for row in rows} | set(blocks(waiting))


def record(ledger: Ledger, event: Event, rows: int = 1) -> int:
    """Apply an event whose people are opened; gives the number of its (last) row in the log.

    `rows`: how many rows of the log the caller writes for it, numbered up to what is returned.
    """
    head = ledger.head
    head.fields |= mask(event.fields)
    apply(ledger.state, event)
    ledger.fresh.append(event)
    head.seq += rows
    head.log_rows += rows
    head.log_people += len(concerned(event))
    return head.seq


def mark(db: Db, ledger: Ledger, marked: Marked, now: Instant, cause: str = "") -> None:
    """Record a mark and write its row."""
    seq = record(ledger, marked)
    db.execute(
        _SQL["write_mark"],
        (
            ledger.head.audience,
            seq,
            marked.kind.value,
            mask(marked.fields),
            dump(marked.members),
            now,
            cause or None,
        ),
    )


def close(db: Db, ledger: Ledger, now: Instant) -> None:
    """Write what changed: the head always, the shards when enough waits in the log."""
    head = ledger.head
    if ledger.fresh and head.log_since is None:
        head.log_since = now
    if fold_is_due(head, now):
        _fold(db, ledger)
    db.execute(
        _SQL["write_head"],
        (
            head.fields,
            head.seq,
            head.folded_seq,
            head.log_people,
            head.log_rows,
            head.log_since,
            head.due_since,
            head.look_at,
            head.people_per_request_learned,
            head.audience,
        ),
    )


def fold_is_due(head: Head, now: Instant) -> bool:
    """Enough waits in the log, or for long enough (architecture 5, Writing little)."""
    return head.log_since is not None and (
        head.log_people >= FOLD_PEOPLE
        or head.log_rows >= FOLD_LOG_ROWS
        or now - head.log_since >= timedelta(seconds=FOLD_AGE_S)
    )


def _fold(db: Db, ledger: Ledger) -> None:
    events = [event for _, event in _log(db, ledger)] + ledger.fresh
    touched = list(blocks(union(concerned(event) for event in events)))
    open_blocks(db, ledger, touched)
    head = ledger.head
    whole, known = [], []
    for match_field, sets in ledger.state.fields.items():
        for block in touched:
            key = (head.audience, mask((match_field,)), block)
            here = FieldState(*(part(getattr(sets, name), block) for name in _SETS))
            packed = [dump(getattr(here, name)) for name in _SETS]
            due = (len(here.due(Action.ADD)), len(here.due(Action.REMOVE)))
            if _only_answers(ledger.shards.get(key), packed):
                known.append((*packed[1:3], *due, *key))
            else:
                whole.append((*key, *packed, *due))
            ledger.shards[key] = packed
    cursor = db.cursor()
    cursor.executemany(_SQL["write_shard"], whole)
    cursor.executemany(_SQL["write_known"], known)
    head.folded_seq, head.log_people, head.log_rows, head.log_since = head.seq, 0, 0, None
    ledger.log = []
    ledger.fresh = []


def _only_answers(before: Sequence[bytes] | None, after: Sequence[bytes]) -> bool:
    """Did only acked and maybe change? Answers do nothing else, and there is less to write."""
    return before is not None and before[0] == after[0] and before[3:] == after[3:]


def read_all(db: Db, ledger: Ledger) -> LedgerState:
    """The whole ledger, every block: for `audit`, the simulator's checkers and small audiences."""
    state = LedgerState()
    for bits, *packed in db.execute(_SQL["read_all_shards"], (ledger.head.audience,), binary=True):
        _join(state, bits, packed)
    for _, event in _log(db, ledger):
        apply(state, event)
    return state


def to_look_at(db: Db, now: Instant, limit: int) -> list[AudienceId]:
    """Audiences where the sender must look now, those waiting longest first."""
    rows = db.execute(_SQL["audiences_to_look_at"], (now, limit)).fetchall()
    return [AudienceId(row[0]) for row in rows]


def next_look(db: Db) -> Instant | None:
    """When the sender must look next at any audience; None: nothing waits."""
    row = db.execute(_SQL["next_look"]).fetchone()
    found: Instant | None = row[0] if row else None
    return found


def every_audience(db: Db) -> list[AudienceId]:
    """All audiences."""
    return [AudienceId(row[0]) for row in db.execute(_SQL["list_audiences"]).fetchall()]


def aged(db: Db, before: Instant) -> list[AudienceId]:
    """Audiences whose log has waited for its fold since `before`, or longer."""
    return [AudienceId(row[0]) for row in db.execute(_SQL["read_aged"], (before,)).fetchall()]


def postpone(db: Db, audience: AudienceId, until: Instant) -> None:
    """The sender need not look at the audience before `until`: its route is closed."""
    db.execute(_SQL["postpone"], (until, audience))


def wake_connection(db: Db, connection: ConnectionId, now: Instant) -> None:
    """The connection may be used again: the sender looks now wherever somebody waits."""
    db.execute(_SQL["wake_connection"], (now, connection))


def _log(db: Db, ledger: Ledger) -> list[tuple[int, Event]]:
    """The log since the fold, as it was before this transaction; read once."""
    if ledger.log is None:
        head = ledger.head
        span = (head.folded_seq, ledger.seq_found)
        ledger.log = (
            read_log(db, head.audience, *span, created_here=head.created_here)
            if span[1] > span[0]
            else []
        )
    return ledger.log


def _join(state: LedgerState, bits: int, shard: Sequence[bytes]) -> None:
    (match_field,) = fields_of(bits)
    sets = state.of(match_field)
    for name, packed in zip(_SETS, shard, strict=True):
        setattr(sets, name, getattr(sets, name) | load(packed))
