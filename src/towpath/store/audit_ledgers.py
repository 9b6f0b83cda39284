"""Audit, ledgers: the log has every number once, and replayed from the first it gives the shards.

The replay is by the same `ledger.events.apply` that the engine uses, in parts of the log, so only
the sets of one audience are in memory: a few MB a million people.
"""

from dataclasses import dataclass, field

from towpath.ids import AudienceId
from towpath.ledger.events import Event, apply, concerned
from towpath.ledger.state import FieldState, LedgerState
from towpath.limits import AUDIT_FINDINGS_MAX, AUDIT_LOG_ROWS
from towpath.people.action import Action
from towpath.people.match_field import fields_of, mask
from towpath.people.people_set import blocks, load, part, union
from towpath.store import ledgers, requests
from towpath.store.audit_findings import Audit, Check, people_text
from towpath.store.ledger_log import read_log
from towpath.store.ledgers import Head

LOG = Check(
    "log",
    "The log of every audience has each number once, from 1 to the audience's own, and the "
    "audience's row describes it.",
    "An arrival, a request's answer, a resend or a mark was lost, doubled or never written.",
    "Restore the latest backup. What was sent since then is sent again, which does no harm.",
)
SHARDS = Check(
    "shards",
    "Replaying the log from its first row gives exactly the sets that the shards hold.",
    "What Towpath wants in the audience, or knows of it, was changed other than by the log; people "
    "may be sent who should not, or not be sent.",
    "Pause the Canvases of this audience and restore the latest backup.",
)
PENDING = Check(
    "pending",
    "Whoever is pending is due, in flight, or waits for somebody in flight.",
    "Nobody would send these people, so they would stay pending.",
    "Report it with this output. Stopping and launching the Canvas again sends them.",
)

_SETS = ("want", "acked", "maybe", "parked", "keyless")


def check(audit: Audit) -> None:
    """Look at the ledger of every audience."""
    for audience in ledgers.every_audience(audit.db):
        head = ledgers.peek(audit.db, audience).head
        where = f"audience {audience}"
        whole = _numbers(audit, head, where)
        replay = _Replay(audit, head)
        if audience in audit.unreadable.values():
            what = "its log cannot be replayed as long as a set in it cannot be read."
            audit.find(SHARDS, where, what)
        elif replay.to(head.folded_seq):
            _shards(audit, head, replay.state)
            replay.since_fold()
            if replay.to(head.seq):
                _head(audit, replay, where)
                if whole:
                    _pending(audit, audience, replay.state)


def _numbers(audit: Audit, head: Head, where: str) -> bool:
    """Each number of the log stands once; says whether it does."""
    given = {"audience": head.audience, "most": AUDIT_FINDINGS_MAX}
    whole = True
    for before, after in audit.rows("read_log_breaks", given):
        whole = False
        if before == after:
            audit.find(LOG, where, f"number {after} of its log stands twice.")
        else:
            audit.find(LOG, where, f"{_span(before + 1, after - 1)} from its log.")
    ((rows, last, fields),) = audit.rows("read_log_end", {"audience": head.audience})
    audit.looked(LOG, rows)
    if last < head.seq:
        audit.find(LOG, where, f"{_span(last + 1, head.seq)} at the end of its log.")
        whole = False
    if last > head.seq:
        audit.find(LOG, where, f"its log goes on to {last:,}, and its row ends at {head.seq:,}.")
        whole = False
    if fields != head.fields:
        audit.find(LOG, where, "its row names other match fields than its log.")
    return whole


def _span(first: int, last: int) -> str:
    return f"number {first} is missing" if first == last else f"{first:,} to {last:,} are missing"


@dataclass(slots=True)
class _Replay:
    """A ledger made anew from its log; `fewest` and `most` people wait in the log to be folded."""

    audit: Audit
    head: Head
    state: LedgerState = field(default_factory=LedgerState)
    seq: int = 0
    fewest: int = 0
    most: int = 0

    def to(self, last: int) -> bool:
        """Apply the rows up to `last`; False, and a finding, when one of them makes no sense."""
        while self.seq < last:
            upto = min(self.seq + AUDIT_LOG_ROWS, last)
            try:
                found = read_log(
                    self.audit.db,
                    self.head.audience,
                    self.seq,
                    upto,
                    created_here=self.head.created_here,
                )
            except ValueError:
                where = f"audience {self.head.audience}"
                what = f"a row of its log from {self.seq + 1} to {upto} cannot be understood."
                self.audit.find(SHARDS, where, what)
                return False
            for _, event in found:
                self._take(event)
            self.seq = upto
        return True

    def since_fold(self) -> None:
        """Count from here on who waits in the log."""
        self.fewest = self.most = 0

    def _take(self, event: Event) -> None:
        apply(self.state, event)
        # Answers settled together are counted once: members never meet there, co-holders may.
        self.fewest += len(event.members)
        self.most += len(concerned(event))


def _shards(audit: Audit, head: Head, state: LedgerState) -> None:
    """The shards, row by row, against the replay; then what the replay has and no shard."""
    missing = {
        (match_field, block)
        for match_field, sets in state.fields.items()
        for block in blocks(union(getattr(sets, name) for name in _SETS))
    }
    for bits, block, *rest in audit.rows("read_shards", (head.audience,)):
        audit.looked(SHARDS)
        (match_field,) = fields_of(bits)
        missing.discard((match_field, block))
        where = f"shard {head.audience}/{bits}/{block} ({match_field})"
        replayed = FieldState(
            *(part(getattr(state.of(match_field), name), block) for name in _SETS)
        )
        _shard(audit, where, replayed, FieldState(*map(load, rest[:5])))
        dues = tuple(len(replayed.due(action)) for action in Action)
        if dues != tuple(rest[5:]):
            what = "{:,} are due in and {:,} due out; its row says {:,} and {:,}."
            audit.find(SHARDS, where, what.format(*dues, *rest[5:]))
    for match_field, block in sorted(missing):
        where = f"shard {head.audience}/{mask((match_field,))}/{block} ({match_field})"
        audit.find(SHARDS, where, "it is missing.")


def _shard(audit: Audit, where: str, replayed: FieldState, kept: FieldState) -> None:
    for name in _SETS:
        right, found = getattr(replayed, name), getattr(kept, name)
        if right != found:
            more, fewer = len(found - right), len(right - found)
            what = f"`{name}` has {people_text(more)} too many and {people_text(fewer)} too few."
            audit.find(SHARDS, where, what)


def _head(audit: Audit, replay: _Replay, where: str) -> None:
    """What the audience's row says of the log since the fold."""
    head = replay.head
    if head.log_rows != head.seq - head.folded_seq:
        waiting = head.seq - head.folded_seq
        what = f"{waiting:,} rows wait to be folded; its row says {head.log_rows:,}."
        audit.find(LOG, where, what)
    if not replay.fewest <= head.log_people <= replay.most:
        what = f"{people_text(replay.most)} wait to be folded; its row says {head.log_people:,}."
        audit.find(LOG, where, what)
    if (head.log_since is None) != (head.log_rows == 0):
        audit.find(LOG, where, "its row does not say rightly whether the log waits to be folded.")


def _pending(audit: Audit, audience: AudienceId, state: LedgerState) -> None:
    flying = requests.in_flight(audit.db, audience)
    reached = {
        action: union(state.due(action).values()) | flying.unsettled(action) for action in Action
    }
    for arrival, action, packed in audit.rows("read_waiting", (audience,)):
        audit.looked(PENDING)
        stuck = len(load(packed) - reached[Action(action)])
        if stuck:
            what = f"{people_text(stuck)} are pending, and nobody would send them."
            audit.find(PENDING, f"arrival {arrival}", what)
