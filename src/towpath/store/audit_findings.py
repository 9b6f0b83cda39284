"""What an audit is made of: checks, what they found, and the one snapshot that they all look at."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from towpath.limits import AUDIT_FETCH_ROWS, AUDIT_FINDINGS_MAX
from towpath.people.people_set import PeopleSet
from towpath.store.database import Db
from towpath.store.queries import queries

K = TypeVar("K")

_SQL = queries("audit")


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must hold. `means`: what it is when it does not; `remedy`: what to do."""

    name: str
    sentence: str
    means: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that does not hold: where, and what differs. Never anybody's identifier."""

    check: Check
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(slots=True)
class Audit:
    """An audit under way, in one snapshot of `db`.

    At most AUDIT_FINDINGS_MAX findings a check are kept; `unsaid` counts the others. `unreadable`
    names the rows, by table and key, whose sets cannot be unpacked, with their audience: nothing
    else may read them.
    """

    db: Db
    checked: dict[Check, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unsaid: dict[Check, int] = field(default_factory=dict)
    unreadable: dict[tuple[str, str], int | None] = field(default_factory=dict)
    _cursors: int = 0

    def looked(self, check: Check, count: int = 1) -> None:
        """So many more rows were looked at."""
        self.checked[check] = self.checked.get(check, 0) + count

    def find(self, check: Check, where: str, what: str) -> None:
        """Something differs."""
        if sum(one.check is check for one in self.findings) < AUDIT_FINDINGS_MAX:
            self.findings.append(Finding(check, where, what))
        else:
            self.unsaid[check] = self.unsaid.get(check, 0) + 1

    def readable(self, table: str, key: object) -> bool:
        """May the sets of this row be unpacked?"""
        return (table, str(key)) not in self.unreadable

    def rows(
        self, statement: str, given: Sequence[object] | Mapping[str, object] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """The rows of a statement, a few at a time: packed sets of millions of people stay out of
        memory."""
        self._cursors += 1
        with self.db.cursor(f"audit_{self._cursors}") as cursor:
            cursor.itersize = AUDIT_FETCH_ROWS
            yield from cursor.execute(_SQL[statement], given or None, binary=True)


def gather(sets: dict[K, PeopleSet], key: K, members: PeopleSet) -> None:
    """Add people to the set of that key, in place: a copy a row would cost more than all else."""
    if key in sets:
        sets[key] |= members
    else:
        sets[key] = members.copy()


def people_text(count: int) -> str:
    """So many people, in words."""
    return "1 person" if count == 1 else f"{count:,} people"
