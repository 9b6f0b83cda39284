"""The people door: which people match a filter, and which of these people do.

Profiles are reached by set-wise questions through here, so that one day another engine may answer
them for a billion people. The third question, what are these people's match keys, stands with
delivery. Asked by ranges of profile numbers, ten million people go through flat memory: a million
numbers are 4 MB on the wire and at most 128 kB as a set.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from towpath.clock import Instant
from towpath.errors import NotFoundError
from towpath.ids import WorkspaceId
from towpath.limits import MUSTER_NUMBERS
from towpath.people.filter import Filter
from towpath.people.people_set import PeopleSet, people
from towpath.store import filter_known
from towpath.store.database import Db, int4_array
from towpath.store.filter_sql import condition
from towpath.store.filter_sql_parts import Compiled, Known
from towpath.store.number_sets import unpacked
from towpath.store.queries import queries

_SQL = queries("people_door")


@dataclass(frozen=True, slots=True)
class Scope:
    """Who is asked about: a range of numbers, or these members."""

    low: int = 0
    high: int = 0
    members: PeopleSet | None = None

    def of_profiles(self) -> str:
        """The same in SQL, of profiles."""
        if self.members is None:
            return "profile.number >= %(low)s and profile.number < %(high)s"
        return "profile.number = any(%(members)s)"

    def of_events(self) -> str:
        """The same in SQL, of events. The subquery keeps the planner from weighing every number
        of the array against each day's partition, which took longer than asking."""
        if self.members is None:
            return "event.profile >= %(low)s and event.profile < %(high)s"
        return "event.profile = any(cast((select cast(%(members)s as int[])) as int[]))"

    def of_keys(self) -> str:
        """The same in SQL, of match keys that are joined with profiles: a range of numbers is not
        carried over a join by itself."""
        if self.members is None:
            return "match_key.profile >= %(low)s and match_key.profile < %(high)s"
        return "true"

    def values(self) -> dict[str, Any]:
        """The parameters of the condition."""
        if self.members is None:
            return {"low": self.low, "high": self.high}
        return {"members": int4_array(self.members)}

    def part(self, found: PeopleSet) -> PeopleSet:
        """Those of a set who are asked about."""
        if self.members is not None:
            return found & self.members
        span = people()
        span.add_range(self.low, self.high)
        return found & span


@dataclass(frozen=True, slots=True)
class Question:
    """A filter with what its names stand for, ready to be asked of many ranges."""

    db: Db
    workspace: WorkspaceId
    tree: Filter | None
    known: Known = field(repr=False)

    def matching(self, low: int, high: int) -> PeopleSet:
        """Who matches, of the numbers `low` up to, not including, `high`."""
        return self._matching(Scope(low, high))

    def matching_of(self, members: PeopleSet) -> PeopleSet:
        """Who of these people matches."""
        return self._matching(Scope(members=members)) if members else people()

    def everybody(self) -> Iterator[PeopleSet]:
        """Who matches, a range of MUSTER_NUMBERS after another."""
        for low in range(0, highest_number(self.db, self.workspace) + 1, MUSTER_NUMBERS):
            yield self.matching(low, low + MUSTER_NUMBERS)

    def counts(
        self, scope: Scope, trees: Sequence[Filter], kept: Sequence[str] | None = None
    ) -> tuple[int, ...]:
        """How many people the scope has, then how many of them each of `kept` keeps: conditions on
        r0, r1, ..., which say whether a person matches the tree of that place. Without `kept`: how
        many match each tree."""
        compiled = self._compiled(scope)
        rules = [f"({_sql(condition(tree, compiled))}) as r{n}" for n, tree in enumerate(trees)]
        keeps = [f"r{n}" for n in range(len(trees))] if kept is None else kept
        counts = ["count(*)", *(f"count(*) filter (where {each})" for each in keeps)]
        texts = {":rules": ", ".join(rules), ":counts": ", ".join(counts)}
        return tuple(self._ask("count_rules", scope, compiled, texts)[0])

    def _matching(self, scope: Scope) -> PeopleSet:
        compiled = self._compiled(scope)
        found = _sql(condition(self.tree, compiled))
        return unpacked(self._ask("read_matching", scope, compiled, {":filter": found})[0])

    def _compiled(self, scope: Scope) -> Compiled:
        return Compiled(self.known, scope.of_events(), scope.of_keys())

    def _ask(
        self, name: str, scope: Scope, compiled: Compiled, texts: dict[str, str]
    ) -> tuple[Any, ...]:
        statement = _SQL[name]
        texts |= {":joins": " ".join(compiled.joins), ":whom": scope.of_profiles()}
        for place, text in texts.items():
            statement = statement.replace(place.encode(), text.encode())
        sets = {name: int4_array(scope.part(found)) for name, found in compiled.sets.items()}
        given = {"workspace": self.workspace, **scope.values(), **compiled.values, **sets}
        # A plan made for other arrays or moments would be kept for these.
        row = self.db.execute(statement, given, binary=True, prepare=False).fetchone()
        assert row is not None
        return row


def question(db: Db, workspace: WorkspaceId, tree: Filter | None, now: Instant) -> Question:
    """Prepare to ask who matches at `now`. Raises what filter_known.read raises."""
    return Question(db, workspace, tree, filter_known.read(db, workspace, tree, now))


def matching(
    db: Db, workspace: WorkspaceId, tree: Filter | None, low: int, high: int, now: Instant
) -> PeopleSet:
    """Who of the workspace matches at `now`, of the numbers `low` up to, not including, `high`."""
    return question(db, workspace, tree, now).matching(low, high)


def matching_of(
    db: Db, workspace: WorkspaceId, tree: Filter | None, members: PeopleSet, now: Instant
) -> PeopleSet:
    """Who of these people matches at `now`. Whoever is not of the workspace does not."""
    return question(db, workspace, tree, now).matching_of(members) if members else people()


def highest_number(db: Db, workspace: WorkspaceId) -> int:
    """The highest profile number of the workspace, where its ranges end; -1 when it has nobody."""
    row = db.execute(_SQL["read_highest_number"], {"workspace": workspace}).fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


def person(db: Db, workspace: WorkspaceId, external_id: str) -> int:
    """The profile number of somebody. Raises NotFoundError."""
    given = {"workspace": workspace, "external_id": external_id}
    row = db.execute(_SQL["find_person"], given).fetchone()
    if row is None:
        raise NotFoundError("There is nobody with this external id.", field="external_id")
    return int(row[0])


def shown(db: Db, workspace: WorkspaceId, members: PeopleSet) -> list[tuple[Any, ...]]:
    """Who these people are: number, external id, first and last name, e-mail, country. Raw: whoever
    shows them must mask them."""
    given = {"workspace": workspace, "members": int4_array(members)}
    return db.execute(_SQL["read_shown"], given).fetchall()


def _sql(found: exp.Expr) -> str:
    return str(found.sql("postgres"))
