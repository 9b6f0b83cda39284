"""Settling: answers become what the ledger knows, in one transaction for many requests.

The ledger's sets, the arrivals' counters, the next attempt's time, open windows and permits are
written together. An answer that comes after its lease is only logged. Architecture 5, Answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from towpath.clock import Instant
from towpath.engine.claim import STREAMING
from towpath.engine.courier import Answered
from towpath.engine.shared_keys import held_keys
from towpath.ids import AppId, AudienceId, RequestId
from towpath.ledger import arrivals as counters
from towpath.ledger.arrivals import Closing, Counter, Reason
from towpath.ledger.events import Marked, MarkKind, Settled, Settling
from towpath.ledger.windows import OpenWindow, Windows
from towpath.ledger.windows import resends as find_resends
from towpath.partners.protocol import Answer, AnswerKind, Cause, Scope
from towpath.people.action import Action
from towpath.people.people_set import PeopleSet, people, union
from towpath.store import arrivals, audiences, file_updates, ledgers, permits, requests, resends
from towpath.store.arrivals import OpenArrivals
from towpath.store.database import Db
from towpath.store.ledgers import Ledger
from towpath.store.requests import InFlight, SettledRow

_SETTLING = {
    AnswerKind.APPLIED: Settling.APPLIED,
    AnswerKind.REFUSED: Settling.REFUSED,
    AnswerKind.UNKNOWN: Settling.UNKNOWN,
}


@dataclass(slots=True)
class Settlement:
    """A transaction of settling: the open ledger, and what is to be written at its end."""

    db: Db
    ledger: Ledger
    opened: OpenArrivals
    closing: Closing
    now: Instant
    windows: Windows
    chance: Random
    in_flight: PeopleSet
    """Who is in a request that is not settled yet; only looked up where co-holders matter."""

    @property
    def audience(self) -> AudienceId:
        """The audience that is settled."""
        return self.ledger.head.audience


def settle(
    db: Db,
    audience: AudienceId,
    app: AppId,
    answered: Sequence[Answered],
    now: Instant,
    windows: Windows,
    chance: Random,
) -> int:
    """Settle answers to requests of one audience; `now` was read after all of them came.

    Gives how many were settled; the others came after their lease and are logged only (rule 4).
    """
    by_id = {one.request: one for one in answered}
    with db.transaction():
        _free_permits(db, app, answered, now)
        ledger = ledgers.lock(db, audience)
        windows = windows.of(by_files=ledger.head.by_files)
        _note(db, audience, answered, windows, now)
        rows = requests.read_to_settle(db, audience, list(by_id))
        for late in by_id.keys() - {row.id for row in rows}:
            answer = by_id[late].answer
            requests.log_late(db, late, f"late: {answer.message}", answer.partner_request_ref)
        if rows:
            everybody = union(row.members for row in rows)
            everybody |= union(row.coholders | row.heirs for row in rows)
            ledgers.open_people(db, ledger, everybody)
            opened = arrivals.read_open(db, audience, everybody)
            closing = Closing.of(opened.arrivals)
            flying = people()
            if any(row.coholders for row in rows):
                flying = requests.in_flight(db, audience).everybody
            work = Settlement(db, ledger, opened, closing, now, windows, chance, flying)
            for group in _alike(rows, by_id):
                _settle_alike(work, group, by_id)
            arrivals.write_closed(db, audience, opened, closing, now)
            _wake(work, rows)
        ledgers.close(db, ledger, now)
    return len(rows)


def _note(
    db: Db, audience: AudienceId, answered: Sequence[Answered], windows: Windows, now: Instant
) -> None:
    """What answers tell of the audience itself: that it is made, or takes nothing now."""
    for one in answered:
        if one.answer.made is not None:
            audiences.note_made(db, audience, one.answer.made, now)
    if any(one.answer.cause is Cause.BUSY for one in answered):
        file_updates.extend(db, audience, now + windows.give_up)


def _free_permits(db: Db, app: AppId, answered: Sequence[Answered], now: Instant) -> None:
    held: dict[str, list[int]] = {}
    for one in answered:
        if one.claimed.permit is not None:
            held.setdefault(one.claimed.holder, []).append(one.claimed.permit)
    for holder, numbers in held.items():
        permits.give_back(db, app, STREAMING, holder, numbers, now)


def _alike(rows: Sequence[InFlight], by_id: dict[RequestId, Answered]) -> list[list[InFlight]]:
    """Requests with the same action, fields and kind of answer: they settle as one set."""
    groups: dict[tuple[object, ...], list[InFlight]] = {}
    for row in rows:
        answer = by_id[row.id].answer
        alone = row.id if answer.cause in (Cause.ROWS, Cause.SIZE) else None
        groups.setdefault((answer.kind, row.action, row.fields, alone), []).append(row)
    return list(groups.values())


def _settle_alike(work: Settlement, rows: list[InFlight], by_id: dict[RequestId, Answered]) -> None:
    answers = [by_id[row.id] for row in rows]
    first, answer = rows[0], answers[0].answer
    settled = Settled(
        _SETTLING[answer.kind],
        first.action,
        first.fields,
        union(row.members for row in rows),
        {f: union(row.omitted.get(f, people()) for row in rows) for f in first.fields},
        {f: union(one.found_keyless.get(f, people()) for one in answers) for f in first.fields},
        union(row.coholders for row in rows),
        union(row.changed for row in rows),
    )
    last_seq = ledgers.record(work.ledger, settled, rows=len(rows))
    _refuse_for_good(work, rows, answer)
    work.in_flight = work.in_flight - settled.members
    counters.settle(work.closing, work.ledger.state, settled, work.opened.arrivals, work.in_flight)
    written = [
        _settled_row(work, row, by_id[row.id], settled.settling, seq)
        for seq, row in enumerate(rows, start=last_seq - len(rows) + 1)
    ]
    requests.write_settled(work.db, written)
    if settled.settling is Settling.APPLIED:
        _repeat_later(work, rows)
        _learn_size(work, rows)


def _settled_row(
    work: Settlement, row: InFlight, answered: Answered, settling: Settling, seq: int
) -> SettledRow:
    answer = answered.answer
    retry_at = None
    if settling is not Settling.APPLIED:
        retry_at = _retry_at(work, row, answer)
        work.ledger.look(retry_at)
    return SettledRow(
        row.id,
        settling.value,
        work.now,
        seq,
        answered.found_keyless,
        row.fields,
        retry_at,
        work.windows.end(settling, row.lease_until, work.now),
        answer.cause.value if settling is not Settling.APPLIED else "",
        answer.code,
        answer.message,
        answer.partner_request_ref,
    )


def _retry_at(work: Settlement, row: InFlight, answer: Answer) -> Instant:
    """When the request's people may be tried again: at once in a smaller request, after the pause
    of a resting scope, else after a backoff, and not before the partner asked for it."""
    if answer.cause is Cause.SIZE and len(row.members) > 1:
        return work.now
    pause = work.now + min(timedelta(seconds=answer.pause_s or 0), work.windows.pause_most)
    if answer.pause_s is not None and answer.cause.scope is not Scope.REQUEST:
        return pause
    return max(pause, work.windows.retry_at(work.now, row.tries, work.chance))


def _learn_size(work: Settlement, rows: list[InFlight]) -> None:
    """Remember a size that only succeeded after halving (architecture 6); a refusal alone, which
    may be a bad day, teaches nothing."""
    if all(row.parts == 1 for row in rows):
        return
    size = requests.size_after_halving(work.db, [row.id for row in rows], Cause.SIZE.value)
    if size is not None:
        head = work.ledger.head
        head.people_per_request_learned = min(head.people_per_request_learned or size, size)


def _refuse_for_good(work: Settlement, rows: list[InFlight], answer: Answer) -> None:
    """One person alone whom the partner refuses while others of the line were applied: their keys
    are bad. They are errored at once with the code, and parked (rule 8)."""
    row = rows[0]
    if answer.cause is not Cause.ROWS or len(row.members) != 1:
        return
    if not requests.any_part_applied(work.db, row.root):
        return
    # What earlier groups closed is written first: this one has a cause of its own.
    arrivals.write_closed(work.db, work.audience, work.opened, work.closing, work.now)
    work.closing.closed.clear()
    closing = Closing(dict(work.closing.waiting), [])
    for arrival in work.opened.arrivals:
        if arrival.action is row.action:
            closing.close(arrival, Counter.ERRORED, Reason.REFUSED, row.members)
    work.closing.waiting = closing.waiting
    cause = arrivals.Cause(row.id, answer.code, answer.partner_request_ref or None)
    arrivals.write_closed(work.db, work.audience, work.opened, closing, work.now, cause)
    parked = Marked(MarkKind.PARKED, row.fields, row.members)
    ledgers.mark(work.db, work.ledger, parked, work.now, "refused")


def _repeat_later(work: Settlement, rows: list[InFlight]) -> None:
    """Applied inside an open window of a contrary request: repeat once it has ended."""
    fields = rows[0].fields
    keys = held_keys(work.db, work.ledger, union(row.sharing for row in rows), fields)
    near = union([*(row.members for row in rows), *(key.holders for key in keys)])
    since = min(row.started_at for row in rows)
    contrary = requests.open_windows(work.db, work.audience, rows[0].action.contrary, since, near)
    if not contrary:
        return
    for row in rows:
        mine = OpenWindow(row.action, fields, row.members, row.omitted, work.now)
        found = find_resends(mine, keys, row.started_at, contrary)
        resends.write(work.db, work.audience, row.id, found)


def _wake(work: Settlement, rows: Sequence[InFlight]) -> None:
    """Let the sender look at once if anybody here, or bound to them by a key, is due now."""
    near: PeopleSet = union(row.members | row.sharing | row.coholders | row.heirs for row in rows)
    backing_off = requests.held(work.db, work.audience, work.now)
    for action in Action:
        due = union(work.ledger.state.due(action).values()) & near
        if due - backing_off[action]:
            work.ledger.due(work.now, work.windows.flush, at_once=True)
            return
    if any(row.coholders for row in rows):
        work.ledger.due(work.now, work.windows.flush, at_once=True)
