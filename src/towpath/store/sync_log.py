"""The sync log: each request with what was asked and what the partner said, and what came of it.

It is read off the rows by which requests are made and settled; nothing is kept for it besides.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from towpath.clock import Instant
from towpath.errors import NotFoundError
from towpath.ids import AudienceId, CanvasId, RequestId, StepId, VersionId, WorkspaceId
from towpath.limits import SYNC_LOG_ARRIVALS_MAX, SYNC_LOG_LINE_MAX, SYNC_LOG_REQUESTS_MAX
from towpath.people.action import Action
from towpath.people.match_field import MatchField, fields_of
from towpath.people.people_set import PeopleSet, load, union
from towpath.store.database import Db
from towpath.store.queries import queries

_SQL = queries("sync_log")
_NEWEST = 2**63 - 1
_LONGEST_REQUEST = timedelta(hours=2)  # a lease is an hour at most (settings.py)


@dataclass(frozen=True, slots=True)
class Logged:
    """A request as the log shows it. `people` is its size; `code`, `message` and
    `partner_request_ref` are the partner's own; `tries`: 1 for the first."""

    id: RequestId
    audience: str
    audience_ref: str
    ad_account_ref: str
    connection: str
    action: Action
    fields: tuple[MatchField, ...]
    people: int
    tries: int
    state: str
    cause: str | None
    code: int | None
    message: str | None
    partner_request_ref: str | None
    started_at: Instant
    answered_at: Instant | None
    retry_at: Instant | None
    parent: RequestId | None
    root: RequestId | None
    parts: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests to show; None: all. `audience`: the partner's id or the name. Times are those
    at which requests were made, from `since` up to, not including, `until`."""

    audience: str | None = None
    state: str | None = None
    action: Action | None = None
    code: int | None = None
    since: Instant | None = None
    until: Instant | None = None


def read_page(
    db: Db, workspace: WorkspaceId, wanted: Wanted, *, before: int, limit: int
) -> list[Logged]:
    """Up to `limit` requests made before the one with the id `before` (0: the newest), newest
    first. Raises NotFoundError when there is no such audience."""
    given = {
        "workspace": workspace,
        "before": before or _NEWEST,
        "audiences": _audiences(db, workspace, wanted.audience),
        "state": wanted.state,
        "action": None if wanted.action is None else int(wanted.action),
        "code": wanted.code,
        "since": wanted.since,
        "until": wanted.until,
        "limit": limit,
    }
    return [_logged(row) for row in db.execute(_SQL["list_requests"], given)]


def _audiences(db: Db, workspace: WorkspaceId, named: str | None) -> list[int] | None:
    if named is None:
        return None
    rows = db.execute(_SQL["find_audiences"], {"workspace": workspace, "named": named}).fetchall()
    if not rows:
        raise NotFoundError(
            "Towpath syncs no audience of this name or id.",
            remedy="`towpath audience list` shows names and ids.",
            field="audience",
        )
    return [row[0] for row in rows]


def _logged(row: Sequence[Any]) -> Logged:
    values = [*row[:5], Action(row[5]), fields_of(row[6]), *row[7:]]
    return Logged(*values)


@dataclass(frozen=True, slots=True)
class Origin:
    """A step, and how many of a request's people had come from it, the last of them when."""

    canvas: CanvasId
    name: str
    kind: str
    version: int
    step: StepId
    last_arrived_at: Instant
    people: int


@dataclass(frozen=True, slots=True)
class Whole:
    """A request with its line of tries, oldest first, and where its people had come from.

    `others` came by no step: old keys that leave, people who are erased, what has to be repeated.
    """

    request: Logged
    line: list[Logged]
    origins: list[Origin]
    others: int


def read(db: Db, workspace: WorkspaceId, request: int) -> Whole:
    """A request, whole. Each person came by their newest arrival for the same action before it was
    made. Raises NotFoundError."""
    given = {"workspace": workspace, "request": request, "limit": SYNC_LOG_LINE_MAX}
    line = [_logged(row) for row in db.execute(_SQL["list_line"], given)]
    found = next((one for one in line if one.id == request), None)
    if found is None:
        raise NotFoundError("There is no such request.", field="request")
    origins, others = _origins(db, RequestId(request))
    return Whole(found, line, origins, others)


def _origins(db: Db, request: RequestId) -> tuple[list[Origin], int]:
    row = db.execute(_SQL["read_members"], (request,), binary=True).fetchone()
    assert row is not None
    audience, action, started_at, packed, low, high = row
    left, limit = load(packed), SYNC_LOG_ARRIVALS_MAX
    given = {"audience": audience, "action": action, "before": started_at}
    given |= {"low": low, "high": high, "limit": limit}
    counts: dict[tuple[Any, ...], int] = defaultdict(int)
    last: dict[tuple[Any, ...], Instant] = {}
    with db.transaction(), db.cursor("origins", binary=True) as cursor:
        for *place, arrived_at, members in cursor.execute(_SQL["read_origins"], given):
            here, where = left & load(members), tuple(place)
            if here:
                counts[where] += len(here)
                last.setdefault(where, arrived_at)
                left -= here
            if not left:
                break
    found = [(*where, last[where], n) for where, n in counts.items()]
    return [Origin(*one) for one in found], len(left)


@dataclass(frozen=True, slots=True)
class Accepted:
    """How long people of a step waited until the partner accepted them: of so many, half were
    accepted within `p50_s` seconds, and 95 % within `p95_s`."""

    people: int
    p50_s: float
    p95_s: float


def enter_to_accepted(
    db: Db, versions: Iterable[VersionId], since: Instant
) -> dict[StepId, Accepted]:
    """By step: from a person's arrival at it to the first applied answer, after it, to a request of
    the same action and audience that carried them.

    Asked of the newest SYNC_LOG_ARRIVALS_MAX arrivals since `since`. Only who is counted as synced
    by an answer is reckoned: not who waits, errored, was not synced, or was there before.
    """
    given = {"versions": list(versions), "since": since, "limit": SYNC_LOG_ARRIVALS_MAX}
    came = db.execute(_SQL["list_step_arrivals"], given, binary=True).fetchall()
    if not came:
        return {}
    first = came[-1][3] - _LONGEST_REQUEST
    asked = {"audiences": list({row[0] for row in came}), "since": first}
    asked["limit"] = SYNC_LOG_REQUESTS_MAX
    applied: dict[tuple[AudienceId, int], list[tuple[Instant, PeopleSet]]] = defaultdict(list)
    for audience, action, answered_at, members in db.execute(
        _SQL["list_applied"], asked, binary=True
    ):
        applied[audience, action].append((answered_at, load(members)))
    spans: dict[StepId, list[tuple[float, int]]] = defaultdict(list)
    for audience, action, step, arrived_at, members, waiting, otherwise in came:
        left = load(members) - load(waiting) - union(map(load, otherwise))
        answers = applied[audience, action]
        for answered_at, carried in answers[bisect_left(answers, arrived_at, key=_moment) :]:
            here = left & carried
            if here:
                spans[StepId(step)].append(((answered_at - arrived_at).total_seconds(), len(here)))
                left -= here
                if not left:
                    break
    return {step: _percentiles(found) for step, found in spans.items()}


def _moment(answer: tuple[Instant, PeopleSet]) -> Instant:
    return answer[0]


def _percentiles(spans: list[tuple[float, int]]) -> Accepted:
    """The shortest span within which at least that share of the people was accepted."""
    spans.sort()
    total, seen = sum(n for _, n in spans), 0
    ranks: list[float] = []
    wanted = [(total + 1) // 2, -(-total * 95 // 100)]
    for seconds, n in spans:
        seen += n
        while len(ranks) < len(wanted) and seen >= wanted[len(ranks)]:
            ranks.append(round(seconds, 3))
    return Accepted(total, *ranks)
