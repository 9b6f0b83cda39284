"""The filter language: which people, as a tree. Segments, entries and splits all speak it.

Written as YAML or JSON (docs/canvas.md), read by `filter_parse`, compiled to SQL by
`store/filter_sql.py`; `filter_eval` says in plain Python what it means.

What a missing value means, once for all: a rule is true or false, never neither. A person without
the attribute (or with null there) matches no rule on it but `is_not`, `not_in` and `exists: false`.
So does a value of another type: the text "3" is not the number 3 and is never above 2. `not` turns
true and false around, whatever made them so. Text is compared exactly, capitals included.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from towpath.clock import Instant
from towpath.people.consent import ConsentState
from towpath.people.match_field import MatchField


class Op(StrEnum):
    """How an attribute is compared."""

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    NOT_IN = "not_in"
    ABOVE = "above"
    AT_LEAST = "at_least"
    BELOW = "below"
    AT_MOST = "at_most"
    BEFORE = "before"
    AFTER = "after"
    CONTAINS = "contains"
    EXISTS = "exists"


class ColumnType(StrEnum):
    """The type of an attribute that every profile has as a column."""

    TEXT = "text"
    DATE = "date"
    TIME = "time"


COLUMNS = {
    "country": ColumnType.TEXT,
    "language": ColumnType.TEXT,
    "first_name": ColumnType.TEXT,
    "last_name": ColumnType.TEXT,
    "external_id": ColumnType.TEXT,
    "birth_date": ColumnType.DATE,
    "created_at": ColumnType.TIME,
}
"""Attributes with a column; every other name is a free attribute, typed by its value."""

Scalar: TypeAlias = str | int | float | bool | date | datetime


@dataclass(frozen=True, slots=True)
class AllOf:
    """Everything in it must match."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them must match."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """Matches whoever the part does not match."""

    part: "Filter"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute compared with one value, or with several for `in` and `not_in`."""

    name: str
    op: Op
    value: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class ConsentIs:
    """The person's consent to advertising stands so."""

    state: ConsentState


@dataclass(frozen=True, slots=True)
class Has:
    """The person has a usable match key of this kind: an e-mail address that can be hashed, say."""

    field: MatchField


Filter: TypeAlias = AllOf | AnyOf | Not | Attribute | ConsentIs | Has


def to_data(tree: Filter) -> dict[str, Any]:
    """The filter as plain data, as it is written and stored; `parse_filter` reads it back equal."""
    match tree:
        case AllOf(parts):
            return {"all": [to_data(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [to_data(part) for part in parts]}
        case Not(part):
            return {"not": to_data(part)}
        case ConsentIs(state):
            return {"consent": state.name.lower()}
        case Has(field):
            return {"has": field.value}
        case Attribute(name, op, value):
            return {"attribute": name, op.value: _plain(value)}


def _plain(value: Scalar | tuple[Scalar, ...]) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


# A free attribute holds a time as text in UTC: a day, or a day with a time of day and Z. Such text,
# filled up to one length, sorts as time does, so comparing needs no cast that could fail on a row.
TIME_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?Z)?$"
TIME_FILLING = "0000-00-00T00:00:00.000000"
_TIME = re.compile(TIME_PATTERN)


def time_key(text: str) -> str | None:
    """A free attribute's text as a time that sorts, 26 characters; None when it is no time."""
    if not _TIME.match(text) or text.endswith("\n"):
        return None
    bare = text.removesuffix("Z")
    return bare + TIME_FILLING[len(bare) :]


def moment_key(moment: Instant) -> str:
    """The same for a moment."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
