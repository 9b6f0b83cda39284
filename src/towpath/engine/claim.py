"""The claim: who of an audience leaves now, written as requests before a byte is sent.

One transaction: permits first, then the ledger's row; removals before adds, of each the retries
before fresh people; at most `limits.CLAIM_REQUESTS_MAX` requests. Architecture 5, Claim;
invariants I-19, I-21, I-22, I-34, I-40, I-42, I-44.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from towpath.clock import Instant, seconds
from towpath.engine.shared_keys import settle_shared
from towpath.ids import RequestId
from towpath.ledger.due import Group, due_groups
from towpath.ledger.due import requests as cut_requests
from towpath.ledger.events import SetByField
from towpath.ledger.windows import Windows
from towpath.limits import CLAIM_REQUESTS_MAX, HALVED_PARTS_MAX
from towpath.partners.protocol import Cause
from towpath.people.action import Action
from towpath.people.match_field import MatchField
from towpath.people.people_set import PeopleSet, block_span, people, union
from towpath.store import ledgers, permits, requests
from towpath.store.audiences import Route
from towpath.store.database import Db
from towpath.store.ledgers import Ledger
from towpath.store.requests import NewRequest, Retry

STREAMING: permits.EndpointClass = "streaming"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A request in flight, committed: what the courier needs to send it.

    By field: `omitted`, whose key is left out, and `keyless`, who has none that the ledger knows.
    """

    id: RequestId
    route: Route
    action: Action
    fields: tuple[MatchField, ...]
    members: PeopleSet
    omitted: SetByField
    keyless: SetByField
    started_at: Instant
    holder: str
    permit: int | None
    whole: bool = False

    @classmethod
    def expired(cls, request: RequestId, route: Route, now: Instant) -> "Claimed":
        """A request whose worker is gone: nothing is known of it but that its lease ended."""
        return cls(request, route, Action.ADD, (), people(), {}, {}, now, "", None)


@dataclass(slots=True)
class Claimant:
    """Who claims: a worker's name, the spans to reckon with, whether permits are needed."""

    worker: str
    windows: Windows
    with_permits: bool = True
    claims: int = 0

    def next_holder(self) -> str:
        """A name for the next claim: who comes back from the dead frees no one else's permit."""
        self.claims += 1
        return f"{self.worker}/{self.claims}"


@dataclass(slots=True)
class _Draft:
    """A claim being made: what is busy, what was chosen, how many requests still fit."""

    db: Db
    route: Route
    ledger: Ledger
    now: Instant
    room: int
    in_flight: PeopleSet
    held: dict[Action, PeopleSet]
    chosen: list[NewRequest]

    def busy(self, action: Action) -> PeopleSet:
        """Who must not be chosen for this action."""
        return self.in_flight | self.held[action]

    def choose(self, new: NewRequest) -> None:
        """Take a request into the claim."""
        self.chosen.append(new)
        self.in_flight |= new.members
        self.room -= 1


def claim(db: Db, route: Route, claimant: Claimant, now: Instant) -> list[Claimed]:
    """Write the requests that may leave now, and return them. Nothing is sent here."""
    most = CLAIM_REQUESTS_MAX
    lease_until = now + claimant.windows.lease
    holder = claimant.next_holder()
    with db.transaction():
        free: Sequence[int | None] = [None] * most
        if claimant.with_permits:
            # A request may arrive up to its lease's end, and counts for a second from then.
            held_until = lease_until + seconds(permits.COOL_S)
            free = permits.take(db, route.app, STREAMING, most, holder, now, held_until)
        if not free:
            return []
        ledger = ledgers.lock(db, route.audience)
        draft = _Draft(
            db,
            route,
            ledger,
            now,
            len(free),
            requests.in_flight(db, route.audience).everybody,
            requests.held(db, route.audience, now),
            [],
        )
        since = ledger.head.due_since
        flush = since is None or since + claimant.windows.flush <= now
        everything = True
        for action in (Action.REMOVE, Action.ADD):
            everything &= _retries(draft, action)
            everything &= _fresh(draft, action, flush=flush)
        lease = requests.Claim(holder, now, lease_until)
        ids = requests.write(db, ledger.head, lease, draft.chosen, free[: len(draft.chosen)])
        unused = [number for number in free[len(draft.chosen) :] if number is not None]
        if unused:
            permits.put_back(db, route.app, STREAMING, holder, unused, now)
        _plan_next_look(draft, claimant.windows, everything=everything)
        ledgers.close(db, ledger, now)
    return [
        claimed_of(request, new, route, ledger, lease, permit)
        for request, new, permit in zip(ids, draft.chosen, free, strict=False)
    ]


def claimed_of(
    request: RequestId,
    new: NewRequest,
    route: Route,
    ledger: Ledger,
    lease: requests.Claim,
    permit: int | None,
) -> Claimed:
    """A request that was written, as the courier needs it."""
    return Claimed(
        request,
        route,
        new.action,
        new.fields,
        new.members,
        new.omitted,
        {name: ledger.state.of(name).keyless & new.members for name in new.fields},
        lease.now,
        lease.worker,
        permit,
        new.whole,
    )


def _retries(draft: _Draft, action: Action) -> bool:
    """Claim failed requests again, each on its own, as far as their people are still due.

    What does not fit stays with its request: nobody else may take its people, or tries would be
    lost. Gives whether nobody has to wait for a co-holder.
    """
    everything = True
    done: list[RequestId] = []
    audience, most = draft.route.audience, CLAIM_REQUESTS_MAX
    found = requests.retries(draft.db, audience, action, draft.now, most)
    for place, retry in enumerate(found):
        if draft.room <= 0:
            draft.held[action] |= retry.members
            continue
        ledgers.open_people(draft.db, draft.ledger, retry.members)
        # A part of it that was claimed before, and has failed since, has a line of its own.
        mine = retry.members - union(later.members for later in found[place + 1 :])
        groups = due_groups(draft.ledger.state, action, draft.busy(action), among=mine)
        parts, pieces = _pieces(draft, retry, groups)
        fitting = pieces[: draft.room]
        for piece in fitting:
            everything &= _choose(draft, action, piece, retry, parts)
        if len(fitting) == len(pieces):
            done.append(retry.id)
        else:
            draft.held[action] |= retry.members
    requests.end_retries(draft.db, done)
    return everything


def _choose(
    draft: _Draft, action: Action, piece: Group, retry: Retry | None = None, parts: int = 1
) -> bool:
    """Make a request of a piece, or of whoever of it may go; gives whether all of it went.

    If not, the sender must look again: for who waits, and for those who would have come after who
    was stopped, since a claim looks no further than it has room.
    """
    new = settle_shared(draft.db, draft.ledger, action, piece, draft.in_flight, draft.now)
    if new.members:
        cause = Cause(retry.cause or Cause.SERVER) if retry else Cause.NONE
        tries = retry.tries + (1 if cause.costs_try else 0) if retry else 1
        draft.choose(
            NewRequest(
                action,
                new.fields,
                new.members,
                new.sharing,
                new.coholders,
                new.omitted,
                tries,
                parent=retry.id if retry else None,
                root=retry.root if retry else None,
                parts=parts,
            )
        )
    return bool(new.members == piece.members)


def _pieces(draft: _Draft, retry: Retry, groups: list[Group]) -> tuple[int, list[Group]]:
    """The retried people in requests: halved when the rows or the size were refused, and never
    above the size.

    Halving finds the bad rows; if no part of eight is applied it is not the rows (rule 8).
    """
    parts, most = retry.parts, None
    cause = Cause(retry.cause or Cause.SERVER)
    if len(retry.members) > 1 and (
        cause is Cause.SIZE
        or (cause is Cause.ROWS and retry.parts * 2 <= HALVED_PARTS_MAX)
        or (cause is Cause.ROWS and requests.any_part_applied(draft.db, retry.root))
    ):
        parts, most = retry.parts * 2, (len(retry.members) + 1) // 2
    pieces: list[Group] = []
    for group in groups:
        size = request_size(draft.route, len(group.fields))
        size = size if most is None else min(size, most)
        pieces.extend(cut_requests([group], size, CLAIM_REQUESTS_MAX))
    return parts, pieces


def _fresh(draft: _Draft, action: Action, *, flush: bool) -> bool:
    """Claim people who are due and back off from nothing.

    Full requests leave at once; the rest when the flush is due, and then whoever is left. Gives
    whether everybody who is due was claimed.
    """
    everything = True
    for group in _due_now(draft, action):
        size = request_size(draft.route, len(group.fields))
        for piece in cut_requests([group], size, CLAIM_REQUESTS_MAX + 1):
            if draft.room <= 0 or (len(piece.members) < size and not flush):
                everything = False
                break
            everything &= _choose(draft, action, piece)
    return everything


def _due_now(draft: _Draft, action: Action) -> list[Group]:
    """Who is due for `action`, from as many blocks as fill the claim's room (and a little more).

    What a block is likely to hold only says in which order to open them: people in flight, and the
    log, may make it look fuller or emptier than it is.
    """
    busy = draft.busy(action)
    need = (draft.room + 1) * request_size(draft.route, 1)
    work: list[tuple[int, int]] = []
    for block, due_in, due_out in ledgers.blocks_with_work(draft.db, draft.ledger):
        due = due_in if action is Action.ADD else due_out
        if due:
            flying = busy.range_cardinality(*block_span(block)) if busy else 0
            work.append((block, max(due - flying, 0)))
    work.sort(key=lambda one: one[1] == 0)
    while True:
        groups = due_groups(draft.ledger.state, action, busy)
        found = sum(len(group.members) for group in groups)
        if found >= need or not work:
            return groups
        opening: list[int] = []
        while work and found < need:
            block, likely = work.pop(0)
            opening.append(block)
            found += likely
        ledgers.open_blocks(draft.db, draft.ledger, opening)


def _plan_next_look(draft: _Draft, windows: Windows, *, everything: bool) -> None:
    head, now = draft.ledger.head, draft.now
    head.look_at = None
    if everything:
        head.due_since = None
    elif head.due_since is None:
        head.due_since = now
    if head.due_since is not None:
        # With no room left, ask again as soon as a permit is free; else at the flush. Whoever is
        # left at a flush waits for a co-holder.
        flush_at = head.due_since + windows.flush
        at_flush = flush_at if flush_at > now else now + windows.flush
        draft.ledger.look(now if draft.room <= 0 else at_flush)
    retry = requests.next_retry(draft.db, draft.route.audience)
    if retry is not None:
        draft.ledger.look(max(retry, now))


def request_size(route: Route, fields: int) -> int:
    """How many people a request with so many fields may carry; every cell counts as filled."""
    return max(1, min(route.people_per_request, route.keys_per_request // max(fields, 1)))
