"""Requests: one call to the partner each, with the set of people it carries.

In flight, backing off and open windows are read off these rows and kept nowhere else. A request
that failed is never sent again: a new one is made of whoever of its people is still due.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from towpath.clock import Instant
from towpath.ids import AudienceId, RequestId
from towpath.ledger.events import SetByField
from towpath.ledger.windows import OpenWindow
from towpath.people.action import Action
from towpath.people.match_field import MatchField, fields_of, mask
from towpath.people.people_set import PeopleSet, dump, load, people, union
from towpath.store.database import Db
from towpath.store.ledger_log import dump_by_field, load_by_field
from towpath.store.ledgers import Head
from towpath.store.queries import queries

_SQL = queries("requests")


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request about to be written. `parent`, `root`, `parts`: of the line of retries it is in."""

    action: Action
    fields: tuple[MatchField, ...]
    members: PeopleSet
    sharing: PeopleSet
    coholders: PeopleSet
    omitted: SetByField
    tries: int
    parent: RequestId | None = None
    root: RequestId | None = None
    parts: int = 1
    whole: bool = False
    """A Customer File that takes the place of whoever was in."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who claims, under which permits, and how long the lease is."""

    worker: str
    now: Instant
    lease_until: Instant


def write(
    db: Db, head: Head, claim: Claim, new: Sequence[NewRequest], permits: Sequence[int | None]
) -> list[RequestId]:
    """Write requests as in flight; each gets its permit's number. Gives their ids in order."""
    rows = [
        (
            head.workspace,
            head.audience,
            int(one.action),
            mask(one.fields),
            dump(one.members),
            len(one.members),
            dump(one.sharing),
            dump(one.coholders),
            dump_by_field(one.omitted, one.fields),
            one.members.min(),
            one.members.max(),
            claim.worker,
            permit,
            claim.now,
            claim.lease_until,
            one.tries,
            one.parent,
            one.root,
            one.parts,
            one.whole,
        )
        for one, permit in zip(new, permits, strict=True)
    ]
    cursor = db.cursor()
    cursor.executemany(_SQL["write_request"], rows, returning=True)
    ids: list[RequestId] = []
    for _ in rows:
        found = cursor.fetchone()
        assert found is not None
        ids.append(RequestId(found[0]))
        cursor.nextset()
    return ids


@dataclass(frozen=True, slots=True)
class Flying:
    """Who is in flight, by action, with the numbers that hold a key which flew there as another's;
    and, by action, who else holds a key that flies."""

    members: dict[Action, PeopleSet]
    coholders: dict[Action, PeopleSet]

    @property
    def everybody(self) -> PeopleSet:
        """Who is in any request now."""
        return union(self.members.values())

    def unsettled(self, action: Action) -> PeopleSet:
        """Of whom an answer may still change what `action` would find: those in a request, and for
        an add those whose key a removal carries."""
        if action is Action.ADD:
            return self.everybody | self.coholders[Action.REMOVE]
        return self.everybody


def in_flight(db: Db, audience: AudienceId) -> Flying:
    """Who is in a request now."""
    members: dict[Action, list[PeopleSet]] = {action: [] for action in Action}
    bound: dict[Action, list[PeopleSet]] = {action: [] for action in Action}
    for action, packed, heirs, coholders in db.execute(
        _SQL["read_in_flight"], (audience,), binary=True
    ):
        members[Action(action)] += [load(packed), load(heirs)]
        bound[Action(action)].append(load(coholders))
    return Flying(_unions(members), _unions(bound))


def held(db: Db, audience: AudienceId, now: Instant) -> dict[Action, PeopleSet]:
    """Who backs off now, by the action that is held; never the contrary one (rule 3)."""
    found: dict[Action, list[PeopleSet]] = {action: [] for action in Action}
    for action, members in db.execute(_SQL["read_held"], (audience, now), binary=True):
        found[Action(action)].append(load(members))
    return _unions(found)


def _unions(sets: dict[Action, list[PeopleSet]]) -> dict[Action, PeopleSet]:
    return {action: union(found) for action, found in sets.items()}


@dataclass(frozen=True, slots=True)
class Retry:
    """A failed request whose time to try again has come."""

    id: RequestId
    action: Action
    members: PeopleSet
    tries: int
    root: RequestId
    parts: int
    cause: str
    code: int | None


def retries(db: Db, audience: AudienceId, action: Action, now: Instant, limit: int) -> list[Retry]:
    """Failed requests that may be tried again now, oldest first; their rows are locked."""
    given = (audience, int(action), now, limit)
    return [
        Retry(
            RequestId(row[0]),
            action,
            load(row[1]),
            row[2],
            RequestId(row[3] if row[3] is not None else row[0]),
            row[4],
            row[5] or "",
            row[6],
        )
        for row in db.execute(_SQL["read_retries"], given, binary=True).fetchall()
    ]


def end_retries(db: Db, ids: Sequence[RequestId]) -> None:
    """These failed requests were tried again, or need not be: they hold nobody back any more."""
    if ids:
        db.execute(_SQL["end_retries"], (list(ids),))


def next_retry(db: Db, audience: AudienceId) -> Instant | None:
    """When the next failed request of the audience may be tried again."""
    row = db.execute(_SQL["next_retry"], (audience,)).fetchone()
    found: Instant | None = row[0] if row else None
    return found


@dataclass(frozen=True, slots=True)
class InFlight:
    """A request in flight, read to be settled."""

    id: RequestId
    action: Action
    fields: tuple[MatchField, ...]
    members: PeopleSet
    sharing: PeopleSet
    coholders: PeopleSet
    omitted: SetByField
    permit: int | None
    started_at: Instant
    lease_until: Instant
    tries: int
    root: RequestId
    parts: int
    worker: str
    changed: PeopleSet
    heirs: PeopleSet


def read_to_settle(db: Db, audience: AudienceId, ids: Sequence[RequestId]) -> list[InFlight]:
    """Of these requests, the ones still in flight; the others were settled by their lease's end."""
    found = []
    for row in db.execute(_SQL["read_to_settle"], (list(ids), audience), binary=True).fetchall():
        fields = fields_of(row[2])
        found.append(
            InFlight(
                RequestId(row[0]),
                Action(row[1]),
                fields,
                load(row[3]),
                load(row[5]),
                load(row[6]),
                load_by_field(row[7], fields),
                row[8],
                row[9],
                row[10],
                row[11],
                RequestId(row[12] if row[12] is not None else row[0]),
                row[13],
                row[14],
                load(row[15]),
                load(row[16]),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class SettledRow:
    """What an answer leaves in its request's row."""

    id: RequestId
    state: str
    answered_at: Instant
    seq: int
    found_keyless: SetByField
    fields: tuple[MatchField, ...]
    retry_at: Instant | None
    window_end: Instant | None
    cause: str
    code: int | None
    message: str
    partner_request_ref: str


def write_settled(db: Db, rows: Sequence[SettledRow]) -> None:
    """Write the answers into their requests' rows."""
    db.cursor().executemany(
        _SQL["write_settled"],
        [
            (
                row.state,
                row.answered_at,
                row.seq,
                dump_by_field(row.found_keyless, row.fields),
                row.retry_at,
                row.window_end,
                row.cause or None,
                row.code,
                row.message or None,
                row.partner_request_ref or None,
                row.id,
            )
            for row in rows
        ],
    )


def log_late(db: Db, request: RequestId, message: str, partner_request_ref: str) -> None:
    """Keep a late answer's words; its window, counted from the lease's end, covers it (rule 4)."""
    db.execute(_SQL["log_late"], (message or None, partner_request_ref or None, request))


def open_windows(
    db: Db, audience: AudienceId, action: Action, after: Instant, members: PeopleSet
) -> list[OpenWindow]:
    """Requests of `action` that may still take effect after `after`, near these numbers."""
    if not members:
        return []
    parameters = (audience, int(action), after, members.max(), members.min())
    return [
        OpenWindow(action, fields, load(packed) | load(heirs), load_by_field(omitted, fields), end)
        for bits, packed, heirs, omitted, end in db.execute(
            _SQL["read_windows"], parameters, binary=True
        )
        for fields in (fields_of(bits),)
    ]


def expired(db: Db, now: Instant, limit: int) -> list[tuple[RequestId, AudienceId]]:
    """Requests in flight whose lease ran out."""
    return [
        (RequestId(row[0]), AudienceId(row[1]))
        for row in db.execute(_SQL["read_expired"], (now, limit)).fetchall()
    ]


def next_lease(db: Db) -> Instant | None:
    """When the next lease of a request in flight runs out."""
    row = db.execute(_SQL["next_lease"]).fetchone()
    found: Instant | None = row[0] if row else None
    return found


def size_after_halving(db: Db, ids: Sequence[RequestId], cause: str) -> int | None:
    """The largest of these requests that were halved because their parent was refused for `cause`;
    None: none was."""
    row = db.execute(_SQL["size_after_halving"], (list(ids), cause)).fetchone()
    found: int | None = row[0] if row else None
    return found


def any_part_applied(db: Db, root: RequestId) -> bool:
    """Was any request of this line of halvings applied? Then the rows differ, not the day."""
    row = db.execute(_SQL["any_part_applied"], (root,)).fetchone()
    return bool(row and row[0])


@dataclass(frozen=True, slots=True)
class Attempt:
    """An answered attempt: its request, code and the partner's request id; who was in it."""

    request: RequestId | None
    code: int | None
    partner_request_ref: str | None
    started_at: Instant
    members: PeopleSet


def attempts(
    db: Db, audience: AudienceId, action: Action, since: Instant, members: PeopleSet
) -> Generator[Attempt, None, None]:
    """Answered attempts of `action` that began at `since` or later, near these numbers; the newest
    first. Read as they are asked for, in a transaction: there may be very many. Close it."""
    if not members:
        return
    parameters = (audience, int(action), since, members.max(), members.min())
    with db.cursor("attempts", binary=True) as cursor:
        for row in cursor.execute(_SQL["read_attempts"], parameters):
            yield Attempt(row[0], row[1], row[2], row[3], load(row[4]))


@dataclass(frozen=True, slots=True)
class Stops:
    """The causes that stop everybody of an app, a connection, an ad account."""

    app: tuple[str, ...]
    connection: tuple[str, ...]
    account: tuple[str, ...]


def stopped_behind(db: Db, audience: AudienceId, since: Instant, stops: Stops) -> Attempt | None:
    """The newest failure since then, of a request or a probe, that stopped all on this way."""
    given = {
        "audience": audience,
        "since": since,
        "app_causes": list(stops.app),
        "connection_causes": list(stops.connection),
        "account_causes": list(stops.account),
    }
    found = db.execute(_SQL["stopped_behind"], given).fetchone()
    return Attempt(found[0], found[1], found[2], found[3], people()) if found else None


@dataclass(frozen=True, slots=True)
class OpenCount:
    """What still has to happen at the partner, over all audiences."""

    in_flight: int
    retries: int
    windows: int


def count_open(db: Db, now: Instant) -> OpenCount:
    """Requests in flight, failed ones to retry, and windows that have not ended at `now`."""
    row = db.execute(_SQL["count_open"], (now,)).fetchone()
    assert row is not None
    return OpenCount(*row)
