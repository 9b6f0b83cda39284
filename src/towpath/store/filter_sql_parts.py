"""What SQL of filters is made of: fragments with parameters, joins, and what must be known.

Every rule is a fragment whose values are parameters; sqlglot parses a fragment once, joins the tree
and writes it in a dialect, so that another engine needs fragments and no new compiler. No fragment
can fail on a row, whatever its attributes hold, for PostgreSQL tests rules in any order; and none
is ever null, for `not` must turn false into true (people/filter.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlglot import exp, parse_one

from towpath.clock import Instant
from towpath.people.events import EventKind
from towpath.people.filter import AllOf, AnyOf, Bound, Bounds, Filter, Member, Not
from towpath.people.people_set import PeopleSet

SIGN = {
    Bound.EXACTLY: "=",
    Bound.ABOVE: ">",
    Bound.AT_LEAST: ">=",
    Bound.BELOW: "<",
    Bound.AT_MOST: "<=",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What a question must know beside the filter: the moment, the segments it reaches, the ids of
    the events it names, and the members of the sets it names."""

    now: Instant
    segments: Mapping[str, Filter] = field(default_factory=dict)
    events: Mapping[tuple[EventKind, str], int] = field(default_factory=dict)
    members: Mapping[Member, PeopleSet] = field(default_factory=dict)


@dataclass(slots=True)
class Compiled:
    """Conditions in the making: what they need joined, and their parameters, named f0, f1, ...

    `events` and `keys` are the statement's own conditions on `event.profile` and
    `match_key.profile`, so that only what belongs to people who are asked about is read. `sets`
    are parameters too; only their people in question need be sent.
    """

    known: Known
    events: str
    keys: str
    joins: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    sets: dict[str, PeopleSet] = field(default_factory=dict)

    def fill(self, fragment: str, **given: Any) -> exp.Expr:
        """The fragment with these values as parameters."""
        names = {}
        for name, value in given.items():
            key = f"f{len(self.values)}"
            self.values[key] = value
            names[name] = exp.Placeholder(this=key)
        return exp.replace_placeholders(parsed(fragment).copy(), **names)

    def join(self, join: str) -> None:
        """Join with this, once."""
        if join not in self.joins:
            self.joins.append(join)

    def join_people(self, numbers: exp.Expr) -> str:
        """Left join the numbers that a query gives, as column `profile`; gives the alias."""
        alias = f"j{len(self.joins)}"
        rows = f"unnest(array({numbers.sql('postgres')})) as {alias}(profile)"
        self.join(f"left join {rows} on {alias}.profile = profile.number")
        return alias

    def join_set(self, members: PeopleSet) -> str:
        """Left join the numbers of a set, as column `profile`; gives the alias."""
        alias = f"j{len(self.joins)}"
        self.sets[alias] = members
        rows = f"unnest(%({alias})b::int[]) as {alias}(profile)"
        self.join(f"left join {rows} on {alias}.profile = profile.number")
        return alias

    def bounded(self, number: str, bounds: Bounds) -> exp.Expr:
        """The number, itself never null, within all the bounds. Whole numbers are compared as such;
        comparing as `numeric` costs more."""
        return exp.and_(
            *(
                self.fill(
                    f"{number} {SIGN[bound]} cast(:value as {_number_type(to)})", value=str(to)
                )
                for bound, to in bounds.bounds
            )
        )


def _number_type(number: float) -> str:
    return "bigint" if isinstance(number, int) else "numeric"


def joined(tree: Filter, rule: Callable[[Filter], exp.Expr]) -> exp.Expr:
    """The tree as a condition, each of its rules written by `rule`."""
    match tree:
        case AllOf(parts):
            return exp.and_(*(joined(part, rule) for part in parts))
        case AnyOf(parts):
            return exp.or_(*(joined(part, rule) for part in parts))
        case Not(part):
            return exp.not_(joined(part, rule))
    return rule(tree)


@lru_cache(maxsize=4096)
def parsed(fragment: str) -> exp.Expr:
    """The fragment as sqlglot's tree, which must be copied before it is changed."""
    return parse_one(fragment, read="postgres")
