"""Calls of `/users/track`, stored: the calls that were gathered, in one transaction.

People are looked up, made and changed set-wise, events appended with one COPY. Each call is
answered for itself; an answer under an idempotency key is kept in the same transaction, so there is
never the one without the other (I-73).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from towpath.clock import Instant, seconds
from towpath.errors import ConflictError
from towpath.ids import WorkspaceId
from towpath.limits import IDEMPOTENT_ANSWERS_FORGOTTEN, IDEMPOTENT_ANSWERS_KEPT_S
from towpath.people.track import EventRow, TrackCall, TrackError
from towpath.people.track_answer import answer
from towpath.people.track_attributes import PersonRow
from towpath.people.whose import Who, WhoKind
from towpath.store import events, identities, tombstones, tracked_people, wakes, workspaces
from towpath.store.database import Db
from towpath.store.events import Event
from towpath.store.idempotent_answers import Answer, Asked
from towpath.store.queries import queries
from towpath.store.tracked_people import Placed

CREATED = 201


class Received(NamedTuple):
    """A call that was read, and the idempotency key it came under."""

    call: TrackCall
    asked: Asked | None


def store(
    db: Db, workspace: WorkspaceId, received: Sequence[Received], now: Instant
) -> list[Answer | ConflictError]:
    """Store these calls, each whole, and answer each; one transaction.

    A call whose key came before is answered as then, or, with another body, by the ConflictError.
    Raises NotFoundError when there is no such workspace.
    """
    with db.transaction():
        workspaces.lock(db, workspace)
        found = _kept(db, workspace, received, now)
        fresh, again = _first_of_each_key(received, found)
        late = _write(db, workspace, [received[place].call for place in fresh], now)
        answers = {
            place: Answer(CREATED, answer(received[place].call, refused), again=False)
            for place, refused in zip(fresh, late, strict=True)
        }
        keyed = [
            (asked, told) for place, told in answers.items() if (asked := received[place].asked)
        ]
        _keep(db, workspace, keyed, now)
        if fresh:
            wakes.wake(db)
    for place, first in again.items():
        asked, before = received[place].asked, received[first].asked
        assert asked is not None
        assert before is not None
        found[place] = _as_before(asked, before.digest, answers[first])
    found |= answers
    return [found[place] for place in range(len(received))]


def _write(
    db: Db, workspace: WorkspaceId, calls: Sequence[TrackCall], now: Instant
) -> list[list[TrackError]]:
    """Write what the calls hold; gives, a call, what could not be taken after all."""
    late: list[list[TrackError]] = [[] for _ in calls]
    named = {row.who for call in calls for row in call.people}
    named |= {row.who for call in calls for row in call.events}
    numbers = identities.resolve(db, workspace, named)
    new: dict[Who, None] = {}
    people = [
        Placed(place, row)
        for place, call in enumerate(calls)
        for row in call.people
        if _is_somebody(row, "attributes", numbers, new, late[place])
    ]
    did = [
        row
        for place, call in enumerate(calls)
        for row in call.events
        if _is_somebody(row, row.array, numbers, new, late[place])
    ]
    kept = _without_seen(db, workspace, did, now)
    wanted = {placed.row.who for placed in people} | {row.who for row in kept}
    made = [who for who in new if who in wanted]
    numbers |= tracked_people.write(db, workspace, people, made, numbers, late, now)
    happened = [Event(numbers[row.who], row.happening) for row in kept if row.who in numbers]
    events.append(db, workspace, happened, now)
    if len(happened) < len(kept):
        for place, call in enumerate(calls):
            late[place] += [
                TrackError(tombstones.REFUSED, row.array, row.index, row.who.kind.value)
                for row in call.events
                if row.who in new and row.who not in numbers
            ]
    return late


def _is_somebody(
    row: PersonRow | EventRow,
    array: str,
    numbers: Mapping[Who, int],
    new: dict[Who, None],
    late: list[TrackError],
) -> bool:
    """May the row be stored? Who is unknown becomes new, unless the caller wants nobody new."""
    if row.who in numbers or row.who in new:
        return True
    field = row.who.kind.value
    if row.who.kind is WhoKind.PROFILE:
        late.append(TrackError("is nobody's", array, row.index, field))
    elif row.existing_only:
        late.append(
            TrackError("is nobody's yet, and nobody new is wanted", array, row.index, field)
        )
    else:
        new[row.who] = None
        return True
    return False


def _without_seen(
    db: Db, workspace: WorkspaceId, rows: list[EventRow], now: Instant
) -> list[EventRow]:
    """The rows without those whose id came before, in this batch or ever."""
    digests = {row.id: events.id_digest(row.id) for row in rows if row.id is not None}
    if not digests:
        return rows
    unseen = events.take_new(db, workspace, digests.values(), now)
    kept = []
    for row in rows:
        if row.id is not None:
            digest = digests[row.id]
            if digest not in unseen:
                continue
            unseen.remove(digest)
        kept.append(row)
    return kept


def _kept(
    db: Db, workspace: WorkspaceId, received: Sequence[Received], now: Instant
) -> dict[int, Answer | ConflictError]:
    """Answers that are kept for the keys of these calls, by the call's place."""
    keyed = {place: one.asked for place, one in enumerate(received) if one.asked is not None}
    if not keyed:
        return {}
    given = {
        "workspace": workspace,
        "route": next(iter(keyed.values())).route,
        "keys": [asked.key for asked in keyed.values()],
        "since": now - seconds(IDEMPOTENT_ANSWERS_KEPT_S),
    }
    rows = db.execute(queries("tracking")["read_answers"], given, binary=True)
    before = {key: (digest, Answer(status, body, again=True)) for key, digest, status, body in rows}
    return {
        place: _as_before(asked, *before[asked.key])
        for place, asked in keyed.items()
        if asked.key in before
    }


def _first_of_each_key(
    received: Sequence[Received], found: Mapping[int, object]
) -> tuple[list[int], dict[int, int]]:
    """The places of calls that are to be stored; and who of the others repeats which of them."""
    fresh: list[int] = []
    first: dict[str, int] = {}
    again: dict[int, int] = {}
    for place, one in enumerate(received):
        if place in found:
            continue
        if one.asked is not None and one.asked.key in first:
            again[place] = first[one.asked.key]
            continue
        if one.asked is not None:
            first[one.asked.key] = place
        fresh.append(place)
    return fresh, again


def _as_before(asked: Asked, digest: bytes, before: Answer) -> Answer | ConflictError:
    if digest == asked.digest:
        return before._replace(again=True)
    return ConflictError(
        "This idempotency key came with another body before.",
        remedy="Take a new key for a new request.",
        field="Idempotency-Key",
    )


def _keep(
    db: Db, workspace: WorkspaceId, answered: Sequence[tuple[Asked, Answer]], now: Instant
) -> None:
    """Keep the answers of these calls, and forget some that are too old."""
    if not answered:
        return
    given = {
        "workspace": workspace,
        "route": answered[0][0].route,
        "now": now,
        "keys": [asked.key for asked, _ in answered],
        "digests": [asked.digest for asked, _ in answered],
        "statuses": [one.status for _, one in answered],
        "answers": [one.body for _, one in answered],
    }
    db.execute(queries("tracking")["keep_answers"], given)
    since = now - seconds(IDEMPOTENT_ANSWERS_KEPT_S)
    forget = {"since": since, "limit": IDEMPOTENT_ANSWERS_FORGOTTEN}
    db.execute(queries("idempotent_answers")["forget_answers"], forget)
