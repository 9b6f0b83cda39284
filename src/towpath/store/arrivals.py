"""Arrivals: people who came to an Audience Sync step, and what became of them.

An arrival's row carries the seven counters' share of its people; whoever leaves `waiting` is
counted in the same statement, and why is kept as an outcome, a set a reason. Who was synced by an
applied request needs no outcome: the request's own set says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from towpath.clock import Instant
from towpath.ids import ArrivalId, AudienceId, RequestId, StepId, VersionId
from towpath.ledger.arrivals import Closed, Closing, Counter, OpenArrival, Reason
from towpath.ledger.events import SetByField
from towpath.people.action import Action
from towpath.people.match_field import MatchField, fields_of, mask
from towpath.people.people_set import PeopleSet, dump, load, union
from towpath.store import tallies
from towpath.store.database import Db
from towpath.store.ledger_log import dump_by_field
from towpath.store.ledgers import Head
from towpath.store.queries import queries

_SQL = queries("arrivals")

Place = tuple[VersionId, StepId]


@dataclass(frozen=True, slots=True)
class Leaving:
    """People who are counted as they come, and do not wait."""

    counter: Counter
    reason: Reason
    members: PeopleSet


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a wave that came to a sync step: at most `limits.ARRIVAL_PEOPLE_MAX` neighbours.

    `members` of `everyone` go into the ledger; `leaving` are counted at once, the others wait.
    """

    everyone: PeopleSet
    members: PeopleSet
    keyless: SetByField
    leaving: Sequence[Leaving]

    @property
    def waiting(self) -> PeopleSet:
        """Who is pending."""
        return self.members - union(one.members for one in self.leaving)

    def count(self, counter: Counter) -> int:
        """How many are counted there at once."""
        return sum(len(one.members) for one in self.leaving if one.counter is counter)


@dataclass(frozen=True, slots=True)
class Coming:
    """What the pieces of one wave have in common."""

    head: Head
    place: Place
    action: Action
    fields: tuple[MatchField, ...]
    now: Instant
    deadline: Instant


@dataclass(slots=True)
class OpenArrivals:
    """Open arrivals of one audience, with the steps they belong to."""

    arrivals: list[OpenArrival] = field(default_factory=list)
    places: dict[ArrivalId, Place] = field(default_factory=dict)


def write(db: Db, coming: Coming, pieces: Sequence[Piece], first_seq: int) -> None:
    """Write the pieces, numbered from `first_seq` in the log, with outcomes and tally."""
    rows = [_row(coming, piece, seq) for seq, piece in enumerate(pieces, start=first_seq)]
    cursor = db.cursor()
    cursor.executemany(_SQL["write_arrival"], rows, returning=True)
    ids: list[ArrivalId] = []
    for _ in rows:
        found = cursor.fetchone()
        assert found is not None
        ids.append(ArrivalId(found[0]))
        cursor.nextset()
    closed = [
        Closed(arrival, one.counter, one.reason, one.members)
        for arrival, piece in zip(ids, pieces, strict=True)
        for one in piece.leaving
        if one.members
    ]
    _write_outcomes(db, coming.head.audience, closed, coming.now)
    # They were counted as entered and pending when their wave came to stand at the step.
    synced = sum(piece.count(Counter.SYNCED) for piece in pieces)
    not_synced = sum(piece.count(Counter.NOT_SYNCED) for piece in pieces)
    change = tallies.Change(synced=synced, not_synced=not_synced, pending=-synced - not_synced)
    tallies.add(db, {coming.place: change})


def _row(coming: Coming, piece: Piece, seq: int) -> tuple[object, ...]:
    head, members, waiting = coming.head, piece.members, piece.waiting
    return (
        head.workspace,
        head.audience,
        *coming.place,
        int(coming.action),
        mask(coming.fields),
        seq,
        coming.now,
        coming.deadline,
        dump(members),
        dump_by_field(piece.keyless, coming.fields),
        dump(waiting),
        members.min() if members else 0,
        members.max() if members else -1,
        len(piece.everyone),
        piece.count(Counter.SYNCED),
        piece.count(Counter.NOT_SYNCED),
        len(waiting),
    )


def read_open(db: Db, audience: AudienceId, members: PeopleSet) -> OpenArrivals:
    """Open arrivals that may hold any of `members`, oldest first."""
    found = OpenArrivals()
    if not members:
        return found
    for row in db.execute(_SQL["read_open"], (audience, members.max(), members.min()), binary=True):
        arrival, action, fields, waiting, arrived_at, deadline, version, step = row
        found.arrivals.append(
            OpenArrival(
                ArrivalId(arrival),
                Action(action),
                fields_of(fields),
                load(waiting),
                arrived_at,
                deadline,
            )
        )
        found.places[ArrivalId(arrival)] = (VersionId(version), StepId(step))
    return found


@dataclass(frozen=True, slots=True)
class Cause:
    """The request that decided, for outcomes that came of one."""

    request: RequestId | None = None
    code: int | None = None
    partner_request_ref: str | None = None


def write_closed(
    db: Db,
    audience: AudienceId,
    opened: OpenArrivals,
    closing: Closing,
    now: Instant,
    cause: Cause | None = None,
) -> None:
    """Write what `closing` decided: counters, outcomes and tallies."""
    by_arrival: dict[ArrivalId, dict[Counter, int]] = {}
    for closed in closing.closed:
        counts = by_arrival.setdefault(closed.arrival, dict.fromkeys(Counter, 0))
        counts[closed.counter] += len(closed.members)
    if not by_arrival:
        return
    changes: dict[Place, tallies.Change] = {}
    rows = []
    for arrival, counts in by_arrival.items():
        waiting = closing.waiting[arrival]
        synced, not_synced, errored = (counts[counter] for counter in Counter)
        rows.append((dump(waiting), len(waiting), synced, not_synced, errored, arrival))
        change = changes.setdefault(opened.places[arrival], tallies.Change())
        change.synced += synced
        change.not_synced += not_synced
        change.errored += errored
        change.pending -= synced + not_synced + errored
    db.cursor().executemany(_SQL["write_closed"], rows)
    kept = [closed for closed in closing.closed if closed.reason is not Reason.ACKNOWLEDGED]
    _write_outcomes(db, audience, kept, now, cause)
    tallies.add(db, changes)


def _write_outcomes(
    db: Db,
    audience: AudienceId,
    closed: Sequence[Closed],
    now: Instant,
    cause: Cause | None = None,
) -> None:
    why = cause or Cause()
    rows = [
        (
            audience,
            one.arrival,
            one.counter.value,
            one.reason.value,
            why.request,
            why.code,
            why.partner_request_ref,
            dump(one.members),
            len(one.members),
            now,
        )
        for one in closed
    ]
    if rows:
        db.cursor().executemany(_SQL["write_outcome"], rows)


def overdue(db: Db, now: Instant) -> list[AudienceId]:
    """Audiences with people whose window is over."""
    return [AudienceId(row[0]) for row in db.execute(_SQL["read_overdue"], (now,)).fetchall()]


def next_deadline(db: Db) -> Instant | None:
    """When the next window ends; None: nobody waits."""
    row = db.execute(_SQL["next_deadline"]).fetchone()
    found: Instant | None = row[0] if row else None
    return found


def oldest_waiting(db: Db, audience: AudienceId) -> Instant | None:
    """When the oldest open arrival came; None: nobody waits."""
    row = db.execute(_SQL["oldest_waiting"], (audience,)).fetchone()
    found: Instant | None = row[0] if row else None
    return found


def waiting_since(db: Db, audience: AudienceId, action: Action, since: Instant) -> int:
    """How many of those who came at `since` or later for this action still wait."""
    row = db.execute(_SQL["waiting_since"], (audience, int(action), since)).fetchone()
    assert row is not None
    return int(row[0])


def reasons(db: Db, version: VersionId) -> dict[StepId, dict[str, dict[str, int]]]:
    """By step and counter: how many for each reason. Synced by a request has no row here."""
    found: dict[StepId, dict[str, dict[str, int]]] = {}
    for step, state, reason, count in db.execute(_SQL["reasons_of_steps"], (version,)):
        found.setdefault(StepId(step), {}).setdefault(state, {})[reason] = count
    return found
