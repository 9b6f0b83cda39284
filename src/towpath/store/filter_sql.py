"""The filter language as parameterised SQL: a condition on a profile, and what it is joined with.

What does not stand in the profile is left joined, a row a person at most: match keys, what events
add up to, sets that Towpath knows (docs/decisions/0012). The fragments are in the files beside:
`filter_sql_attributes.py`, `filter_sql_events.py`; `filter_sql_parts.py` says what they must keep.
"""

from sqlglot import exp

from towpath.people.buckets import BUCKETS, FACTOR, MASK
from towpath.people.filter import (
    Attribute,
    ConsentIs,
    Did,
    EnteredCanvas,
    Filter,
    Has,
    InAudience,
    InBucket,
    InSegment,
    InsideCanvas,
)
from towpath.store.filter_sql_attributes import attribute_condition
from towpath.store.filter_sql_events import did_condition
from towpath.store.filter_sql_parts import Compiled, joined

_BUCKET = f"((cast(profile.number as bigint) * {FACTOR} & {MASK}) * {BUCKETS} >> 32)"
_KEYS = "left join match_key on match_key.profile = profile.number and "


def condition(tree: Filter | None, into: Compiled) -> exp.Expr:
    """The filter as a condition that is never null, None being everybody; what it needs joined, and
    its parameters, are added to `into`. The statement around it must name `profile`."""

    def rule(found: Filter) -> exp.Expr:  # noqa: PLR0911 a line a kind
        match found:
            case Attribute():
                return attribute_condition(found, into)
            case ConsentIs(state):
                return into.fill("profile.consent = :value", value=state.value)
            case Has(match_field):
                into.join(_KEYS + into.keys)
                return into.fill(f"match_key.{match_field.value} is not null")
            case InBucket(bounds):
                return into.bounded(_BUCKET, bounds)
            case InSegment(name):
                return condition(into.known.segments[name], into)
            case Did():
                return did_condition(found, into)
            case EnteredCanvas() | InsideCanvas() | InAudience():
                alias = into.join_set(into.known.members[found])
                return into.fill(f"{alias}.profile is not null")
        raise AssertionError(found)

    return exp.true() if tree is None else joined(tree, rule)
