"""Stray keys, followed to their end: who is out of which audience for certain, and by what request.

"Requested": a removal was applied, but an earlier add may still take effect. "Confirmed": nothing
of theirs is in, in flight, or may still come in; the removal was repeated where it had to be.
Nothing of this is kept but `confirmed`, which only grows: the ledger and the requests tell the
rest. Architecture 5, Answers 1, and Keys.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from towpath.clock import Instant, seconds
from towpath.errors import NotFoundError
from towpath.ids import AudienceId, RequestId, WorkspaceId
from towpath.limits import STRAY_LOOK_S, STRAYS_PER_LOOK, WHEREABOUTS_ROWS_MAX
from towpath.people.action import Action
from towpath.people.people_set import PeopleSet, dump, load, people, union
from towpath.store import ledgers, workspaces
from towpath.store.database import Db, int4_array
from towpath.store.ledgers import Ledger
from towpath.store.queries import queries
from towpath.store.stray_keys import Reason

_SQL = queries("stray_keys")
_FORGOTTEN = (Reason.CHANGED, Reason.MERGED)
"""Whose keys are forgotten once they are out. Who is deleted or erased is kept out by theirs, until
whoever keeps them out otherwise forgets them (`forget`)."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A request that removed some of a stray. `people`: how many of it. `window_end`: until then
    the removal itself may take effect."""

    request: RequestId
    partner_request_ref: str | None
    state: str
    started_at: Instant
    answered_at: Instant | None
    window_end: Instant | None
    people: int


@dataclass(frozen=True, slots=True)
class Trace:
    """What became of a stray in one audience. Of `members`, who may be in it when it was written:
    `requested` and `confirmed`; the others are due, or in flight."""

    audience: AudienceId
    members: PeopleSet
    requested: PeopleSet
    confirmed: PeopleSet
    removals: tuple[Removal, ...]

    @property
    def state(self) -> str:
        """Of all of them together: 'due', 'requested' or 'confirmed'."""
        if self.members <= self.confirmed:
            return "confirmed"
        return "requested" if self.members <= self.confirmed | self.requested else "due"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A stray as it stands. `ended_at`: when all was confirmed everywhere."""

    id: int
    reason: Reason
    members: PeopleSet
    at: Instant
    ended_at: Instant | None
    traces: tuple[Trace, ...]


def trace(db: Db, workspace: WorkspaceId, stray: int) -> Receipt:
    """What became of a stray so far. Raises NotFoundError."""
    row = db.execute(_SQL["read_stray"], (stray, workspace), binary=True).fetchone()
    if row is None:
        raise NotFoundError(f"There is no stray {stray} in this workspace.")
    reason, members, at, ended_at = row
    rows = db.execute(_SQL["read_stray_audiences"], (stray,), binary=True).fetchall()
    traces = tuple(_trace(db, AudienceId(one[0]), load(one[1]), load(one[2]), at) for one in rows)
    return Receipt(stray, Reason(reason), load(members), at, ended_at, traces)


def opt_outs(db: Db, workspace: WorkspaceId, whose: PeopleSet) -> list[Receipt]:
    """What became of the times when these numbers, one person's, were not to be sent any more, as
    far as it concerns them, newest first; of the newest WHEREABOUTS_ROWS_MAX of the workspace."""
    found = []
    for row in db.execute(_SQL["list_opt_outs"], (workspace, WHEREABOUTS_ROWS_MAX), binary=True):
        stray, packed, at, ended_at = row
        if mine := load(packed) & whose:
            rows = db.execute(_SQL["read_stray_audiences"], (stray,), binary=True).fetchall()
            traces = tuple(
                _trace(db, AudienceId(audience), here, load(confirmed) & mine, at)
                for audience, members, confirmed in rows
                if (here := load(members) & mine)
            )
            found.append(Receipt(stray, Reason.OPT_OUT, mine, at, ended_at, traces))
    return found


def places(db: Db, audiences: Iterable[AudienceId]) -> dict[AudienceId, tuple[str, str, str]]:
    """The name of each audience, its id at the partner, and that of its ad account."""
    rows = db.execute(_SQL["read_places"], (sorted(set(audiences)),))
    return {AudienceId(row[0]): (row[1], row[2], row[3]) for row in rows}


def _trace(
    db: Db, audience: AudienceId, members: PeopleSet, confirmed: PeopleSet, at: Instant
) -> Trace:
    given = {"audience": audience, "since": at, "low": members.min(), "high": members.max()}
    removals, applied = [], [people()]
    for row in db.execute(_SQL["read_removals"], given, binary=True):
        if mine := load(row[6]) & members:
            request, ref, state, started, answered, end = row[:6]
            told = (ref, state, started, answered, end, len(mine))
            removals.append(Removal(RequestId(request), *told))
            applied += [mine] if state == "applied" else []
    ledger = ledgers.peek(db, audience)
    ledgers.open_people(db, ledger, members)
    requested = union(applied) - confirmed - _inside(ledger, members)
    return Trace(audience, members, requested, confirmed, tuple(removals))


def _inside(ledger: Ledger, members: PeopleSet) -> PeopleSet:
    sets = [ledger.state.of(name) for name in ledger.fields]
    return members & union(one.acked | one.maybe for one in sets)


def next_look(db: Db, after: Instant) -> Instant | None:
    """When the next of those who are looked at later than `after` are."""
    row = db.execute(_SQL["next_look"], (after,)).fetchone()
    found: Instant | None = row[0] if row else None
    return found


def look(db: Db, now: Instant) -> bool:
    """Look whether those of one audience are out by now, and end what is out everywhere; says
    whether there may be more to do."""
    with db.transaction():
        given = {"now": now, "most": STRAYS_PER_LOOK}
        rows = db.execute(_SQL["read_looks"], given, binary=True).fetchall()
        if rows:
            _look_at(db, AudienceId(rows[0][4]), [_Row(*row[:4]) for row in rows], now)
    return _end(db, now) or bool(rows)


class _Row:
    """A stray in an audience: who of it may still be there."""

    def __init__(self, stray: int, reason: str, members: bytes, confirmed: bytes) -> None:
        self.stray, self.forgotten = stray, Reason(reason) in _FORGOTTEN
        self.may_come_back = Reason(reason) is Reason.OPT_OUT  # and is in by a new wish then
        self.confirmed = load(confirmed)
        self.rest = load(members) - self.confirmed


@dataclass(frozen=True, slots=True)
class _Open:
    """Until when somebody may still be moved: by which of our requests."""

    members: PeopleSet
    end: Instant
    action: Action | None


def _look_at(db: Db, audience: AudienceId, rows: Sequence[_Row], now: Instant) -> None:
    everybody = union(row.rest for row in rows)
    ledger = ledgers.lock(db, audience)  # nothing is claimed or settled meanwhile
    ledgers.open_people(db, ledger, everybody)
    inside = _inside(ledger, everybody)
    wanted = union(ledger.state.of(name).want for name in ledger.fields)
    soon = now + seconds(STRAY_LOOK_S)
    opened = _opened(db, audience, everybody, soon, now)
    for row in rows:
        mine = [
            one
            for one in opened
            # While a removal may take effect, whoever gains the key must know: it is not forgotten.
            if (row.forgotten or one.action is not Action.REMOVE) and one.members & row.rest
        ]
        out = row.rest - inside - union(one.members for one in mine)
        out |= row.rest & wanted if row.may_come_back else people()
        left = row.rest - out
        ends = [] if left & inside else [one.end for one in mine]
        look_at = max([soon, *ends]) if left else None
        given = (dump(row.confirmed | out), look_at, row.stray, audience)
        db.execute(_SQL["write_confirmed"], given)


def _opened(
    db: Db, audience: AudienceId, members: PeopleSet, soon: Instant, now: Instant
) -> list[_Open]:
    found = []
    given = {"audience": audience, "now": now}
    for action, packed, heirs, end in db.execute(_SQL["read_windows"], given, binary=True):
        mine = (load(packed) | load(heirs)) & members
        if mine:
            found.append(_Open(mine, end or soon, Action(action) if end else None))
    for packed, due_at in db.execute(_SQL["read_resends"], (audience,), binary=True):
        if mine := load(packed) & members:
            found.append(_Open(mine, due_at + timedelta(seconds=1), None))
    return found


def _end(db: Db, now: Instant) -> bool:
    """End strays of which nothing is left; the keys that only they held are forgotten."""
    rows = db.execute(_SQL["read_ended"], (STRAYS_PER_LOOK,), binary=True).fetchall()
    if not rows:
        return False
    ended: dict[WorkspaceId, list[tuple[int, Reason, PeopleSet]]] = {}
    for stray, workspace, reason, members in rows:
        one = (stray, Reason(reason), load(members))
        ended.setdefault(WorkspaceId(workspace), []).append(one)
    for workspace, found in ended.items():
        with db.transaction():
            workspaces.lock(db, workspace)
            forget(db, union(m for _, reason, m in found if reason in _FORGOTTEN))
            numbers = union(m for _, reason, m in found if reason is Reason.CHANGED)
            db.execute(_SQL["forget_numbers"], (int4_array(numbers),))
            db.execute(_SQL["end_strays"], (now, [one[0] for one in found]))
    return len(rows) == STRAYS_PER_LOOK


def forget(db: Db, members: PeopleSet) -> None:
    """Delete the keys of people who are gone, under `workspaces.lock`: nothing binds them any more,
    and nothing of theirs can be removed."""
    if members:
        given = int4_array(members)
        db.execute(_SQL["forget_shared"], (given,))
        db.execute(_SQL["forget_lonely"], {"members": given})
        db.execute(_SQL["forget_keys"], (given,))
