"""The audit: every counter and every set recounted from what was kept, in one snapshot.

Entries, arrivals with their outcomes, requests with their sets and the rest of the log stay, so
whatever is derived from them (tallies, arrows, shards, counters) can be made again and compared
(architecture 4; invariants I-01 to I-07, I-16, I-19 of the reliability study). It only reads, may
run while workers do, and holds the sets of one audience at a time: nobody is looked at alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from towpath.store import (
    audit_arrivals,
    audit_counters,
    audit_goals,
    audit_ledgers,
    audit_requests,
    audit_sets,
    audit_waves,
)
from towpath.store.audit_findings import Audit, Check, Finding
from towpath.store.database import Db
from towpath.store.queries import queries

__all__ = ["CHECKS", "PARTS", "Check", "Finding", "Report", "examine", "run"]

Part: TypeAlias = Callable[[Audit], None]

PARTS: tuple[Part, ...] = (
    audit_sets.check,
    audit_arrivals.check,
    audit_ledgers.check,
    audit_requests.check,
    audit_waves.check,
    audit_counters.check,
    audit_goals.check,
)
"""In their order; the first finds the sets that no other may unpack."""

CHECKS: tuple[Check, ...] = (
    audit_sets.SETS,
    audit_arrivals.ARRIVALS,
    audit_arrivals.SYNCED,
    audit_ledgers.LOG,
    audit_ledgers.SHARDS,
    audit_ledgers.PENDING,
    audit_requests.REQUESTS,
    audit_requests.IN_FLIGHT,
    audit_waves.VERSIONS,
    audit_waves.WAVES,
    audit_counters.COUNTED,
    audit_counters.ARROWS,
    audit_counters.CANVASES,
    audit_counters.PUBLISHED,
    audit_goals.CONVERSIONS,
)


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, in rows by check, and what was found. `unsaid`: findings beyond the
    AUDIT_FINDINGS_MAX that are kept of a check."""

    checked: dict[Check, int]
    findings: list[Finding]
    unsaid: dict[Check, int]

    def count(self, check: Check) -> int:
        """How many findings a check has."""
        return sum(one.check is check for one in self.findings) + self.unsaid.get(check, 0)


def run(db: Db, parts: Sequence[Part] = PARTS) -> list[Finding]:
    """What differs; nothing when all is well. Cheap on small worlds. Not inside a transaction."""
    return examine(db, parts).findings


def examine(db: Db, parts: Sequence[Part] = PARTS) -> Report:
    """Look at everything in one snapshot, while workers may go on. Not inside a transaction."""
    audit = Audit(db)
    with _snapshot(db):
        for part in parts:
            part(audit)
    return Report(
        {check: audit.checked.get(check, 0) for check in CHECKS}, audit.findings, audit.unsaid
    )


@contextmanager
def _snapshot(db: Db) -> Iterator[None]:
    with db.transaction():
        db.execute(queries("audit")["open_snapshot"])
        yield
