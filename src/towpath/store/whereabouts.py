"""Whereabouts of one person: their Canvases and audiences, how they came there, and why not.

Rows hold sets of people, so they are found by spans of numbers, newest first, and their sets are
asked: at most WHEREABOUTS_ROWS_MAX rows of a kind are read, and what is older is not told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from towpath.clock import Instant
from towpath.errors import NotFoundError
from towpath.ids import ArrivalId, AudienceId, CanvasId, RequestId, StepId, VersionId, WorkspaceId
from towpath.limits import WHEREABOUTS_ROWS_MAX, WHEREABOUTS_SHOWN_MAX
from towpath.people.action import Action
from towpath.people.consent import Consent, ConsentState
from towpath.people.match_field import ALL_FIELDS, MatchField
from towpath.people.people_set import PeopleSet, blocks, load, people, union
from towpath.store import entries, exit_sets, external_ids, ledgers, taken
from towpath.store.database import Db
from towpath.store.queries import queries
from towpath.store.waves import Stand

_SQL = queries("whereabouts")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, and the numbers that were theirs before: of merged people, of earlier keys."""

    number: int
    earlier: PeopleSet
    consent: Consent
    opted_out: bool
    created_at: Instant
    fields: tuple[MatchField, ...]

    @property
    def everything(self) -> PeopleSet:
        """All numbers that are or were theirs."""
        return self.earlier | people([self.number])


@dataclass(frozen=True, slots=True)
class Standing:
    """A wave that the person stands in; `due_at` is when it goes on, unless it rests."""

    version: int
    step: StepId
    arrived_at: Instant
    due_at: Instant
    resting: bool


@dataclass(frozen=True, slots=True)
class InCanvas:
    """A Canvas that the person entered: the newest entries as (version, when), and where they
    stand now; nowhere: they have left."""

    canvas: CanvasId
    name: str
    entered: list[tuple[int, Instant]]
    standing: list[Standing]


@dataclass(frozen=True, slots=True)
class Came:
    """An arrival of the person at an Audience Sync step."""

    arrival: ArrivalId
    audience: AudienceId
    action: Action
    arrived_at: Instant
    canvas: CanvasId
    name: str
    kind: str
    version: int
    step: StepId


@dataclass(frozen=True, slots=True)
class Visit:
    """An arrival, where the person is counted (synced, not_synced, pending, errored), and why; by
    which request, with the partner's code, where one decided."""

    came: Came
    state: str
    reason: str | None = None
    request: RequestId | None = None
    code: int | None = None
    partner_request_ref: str | None = None
    at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """A request that carried the person."""

    request: RequestId
    audience: AudienceId
    action: Action
    state: str
    tries: int
    code: int | None
    partner_request_ref: str | None
    started_at: Instant
    answered_at: Instant | None
    retry_at: Instant | None


@dataclass(slots=True)
class Known:
    """What the ledger holds of the person: the fields of which each set is true."""

    want: list[MatchField] = field(default_factory=list)
    acked: list[MatchField] = field(default_factory=list)
    maybe: list[MatchField] = field(default_factory=list)
    parked: list[MatchField] = field(default_factory=list)
    keyless: list[MatchField] = field(default_factory=list)
    earlier_may_be_in: bool = False


@dataclass(frozen=True, slots=True)
class InAudience:
    """An audience that the person came to; visits and requests newest first."""

    audience: AudienceId
    name: str
    partner_ref: str
    ad_account_ref: str
    deleted: bool
    known: Known
    visits: list[Visit]
    requests: list[Carried]


def find(db: Db, workspace: WorkspaceId, external_id: str) -> Person:
    """The person of that external id. Raises NotFoundError."""
    number = external_ids.owners(db, workspace, [external_id]).get(external_id)
    row = number is not None and db.execute(_SQL["read_person"], (number,)).fetchone()
    if number is None or not row:
        raise NotFoundError("Nobody has this external id.", field="external_id")
    found = db.execute(_SQL["read_earlier"], (number,)).fetchone()
    state, source, at, opted_out, created_at, *present = row
    fields = tuple(one for one, held in zip(ALL_FIELDS, present, strict=True) if held)
    earlier = people(found[0] or ()) if found else people()
    said = Consent(ConsentState(state), source, at)
    return Person(number, earlier, said, opted_out, created_at, fields)


def in_canvases(db: Db, workspace: WorkspaceId, person: Person) -> list[InCanvas]:
    """The Canvases that the person entered, by name. Within `exports.snapshot`."""
    me, found = person.everything, []
    for row in db.execute(_SQL["list_canvases"], (workspace,)).fetchall():
        canvas = CanvasId(row[0])
        if entries.entered_of(db, canvas, me):
            entered = [(row[0], row[1]) for row in _holding(db, "read_entries", me, canvas=canvas)]
            found.append(InCanvas(canvas, row[1], entered, list(_standing(db, canvas, me))))
    return found


def _standing(db: Db, canvas: CanvasId, me: PeopleSet) -> Iterator[Standing]:
    for row in _holding(db, "read_waves", me, canvas=canvas):
        workspace, _, version, number, step, lane, arrived_at, due_at, resting, packed = row
        stand = Stand(workspace, canvas, VersionId(version), StepId(step), lane)
        leaving = union(exit_sets.leaving(db, canvas, lane, me).values())
        if (load(packed) & me) - taken.gone(db, stand) - leaving:
            yield Standing(number, StepId(step), arrived_at, due_at, resting)


def in_audiences(db: Db, workspace: WorkspaceId, person: Person) -> list[InAudience]:
    """The audiences that the person came to or may be in, by name. Within `exports.snapshot`, so
    that sets and rows agree."""
    me = person.everything
    given = {"workspace": workspace, "blocks": list(blocks(me))}
    rows = db.execute(_SQL["list_audiences"], given).fetchall()
    span = {"audiences": [row[0] for row in rows], "low": me.min(), "high": me.max()}
    carried = [
        Carried(RequestId(row[0]), AudienceId(row[1]), Action(row[2]), *row[3:-1])
        for row in _holding(db, "read_requests", me, **span)
    ]
    visits = _visits(db, me, span, carried)
    found = []
    for audience, name, ref, account_ref, deleted, near in rows:
        mine = [one for one in visits if one.came.audience == audience]
        sent = [one for one in carried if one.audience == audience]
        known = _known(db, AudienceId(audience), person) if near else Known()
        if mine or sent or known != Known():
            place = (AudienceId(audience), name, ref, account_ref, deleted)
            found.append(InAudience(*place, known, mine, sent))
    return found


def _known(db: Db, audience: AudienceId, person: Person) -> Known:
    ledger = ledgers.peek(db, audience)
    ledgers.open_people(db, ledger, person.everything)
    known = Known()
    for name, sets in ledger.state.fields.items():
        for held in ("want", "acked", "maybe", "parked", "keyless"):
            if person.number in getattr(sets, held):
                getattr(known, held).append(name)
        known.earlier_may_be_in |= bool((sets.acked | sets.maybe) & person.earlier)
    return known


def _visits(db: Db, me: PeopleSet, span: dict[str, Any], carried: Sequence[Carried]) -> list[Visit]:
    """The arrivals, newest first: an outcome tells what became of the person, or they wait still,
    or were synced by the first applied answer after they came."""
    found: dict[ArrivalId, Visit] = {}
    for row in _holding(db, "read_outcomes", me, audiences=span["audiences"]):
        came = _came(row)
        state, reason, request, code, ref, at = row[9:-1]
        found[came.arrival] = Visit(came, state, reason, request, code, ref, at)
    for row in _holding(db, "read_arrivals", me, **span):
        came = _came(row)
        if came.arrival in found:
            continue
        if load(row[9]) & me:
            found[came.arrival] = Visit(came, "pending")
            continue
        found[came.arrival] = _synced(came, carried)
    return [found[arrival] for arrival in sorted(found, reverse=True)]


def _came(row: Sequence[Any]) -> Came:
    return Came(ArrivalId(row[0]), AudienceId(row[1]), Action(row[2]), *row[3:9])


def _synced(came: Came, carried: Sequence[Carried]) -> Visit:
    for one in reversed(carried):
        fits = (one.audience, one.action, one.state) == (came.audience, came.action, "applied")
        if fits and one.answered_at is not None and one.answered_at >= came.arrived_at:
            told = (one.request, one.code, one.partner_request_ref, one.answered_at)
            return Visit(came, "synced", "acknowledged", *told)
    return Visit(came, "synced", "acknowledged")


def _holding(db: Db, statement: str, me: PeopleSet, **given: Any) -> Iterator[Sequence[Any]]:
    """The rows whose last column, a set, holds any of these numbers: the newest, so many."""
    asked, shown = given | {"limit": WHEREABOUTS_ROWS_MAX}, 0
    with db.cursor(statement, binary=True) as cursor:
        for row in cursor.execute(_SQL[statement], asked):
            if load(row[-1]) & me:
                yield row
                shown += 1
                if shown >= WHEREABOUTS_SHOWN_MAX and statement != "read_requests":
                    return
