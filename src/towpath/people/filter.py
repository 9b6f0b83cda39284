"""The filter language: which people, as a tree. Segments, entries and splits all speak it.

Written as YAML or JSON (docs/segments.md), read by `filter_parse`, compiled
to SQL by `store/filter_sql.py`; `filter_eval` says in plain Python what it means.

What a missing value means, once for all: a rule is true or false, never neither. A person without
the attribute (or with null there) matches no rule on it but `is_not`, `not_in`, `includes_none` and
`exists: false`. So does a value of another type: the text "3" is not the number 3 and is never
above 2. Nobody's count or sum is missing: it is 0. `not` turns true and false around, whatever made
them so. Text is compared exactly, capitals included.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from towpath.clock import Instant
from towpath.people.consent import ConsentState
from towpath.people.events import EventKind
from towpath.people.match_field import MatchField
from towpath.people.spans import span_text


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
    ANNIVERSARY = "anniversary"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    INCLUDES = "includes"
    INCLUDES_ANY = "includes_any"
    INCLUDES_NONE = "includes_none"
    ITEMS = "items"
    ANY_ITEM = "any_item"
    EXISTS = "exists"


class Bound(StrEnum):
    """How a count or a sum is compared."""

    EXACTLY = "exactly"
    ABOVE = "above"
    AT_LEAST = "at_least"
    BELOW = "below"
    AT_MOST = "at_most"


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
    "time_zone": ColumnType.TEXT,
    "external_id": ColumnType.TEXT,
    "birth_date": ColumnType.DATE,
    "created_at": ColumnType.TIME,
}
"""Attributes with a column; every other name is a free attribute, typed by its value."""

Scalar: TypeAlias = str | int | float | bool | date | datetime


@dataclass(frozen=True, slots=True)
class FromNow:
    """A moment reckoned from the time of asking; `by` is negative before it."""

    by: timedelta


@dataclass(frozen=True, slots=True)
class DaysAgo:
    """The midnight (UTC) at which a day began: 0 is today, 1 yesterday."""

    days: int


Moment: TypeAlias = Instant | FromNow | DaysAgo


def resolve(moment: Moment, now: Instant) -> Instant:
    """The moment that is meant when asked at `now`."""
    if isinstance(moment, FromNow):
        return now + moment.by
    if isinstance(moment, DaysAgo):
        today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=moment.days)
    return moment


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` on, up to but not including `before`; None is open."""

    since: Moment | None = None
    before: Moment | None = None


EVER = Window()


@dataclass(frozen=True, slots=True)
class Bounds:
    """A number held against one bound or more; all must hold."""

    bounds: tuple[tuple[Bound, int | float], ...]


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
    """One attribute compared with one value; `inner` leads on from it into nested objects.

    The value is as the operator wants it: several values for `in`, `not_in` and `includes_…`, a
    moment for `before` and `after`, bounds for `items`, a filter of an item's own attributes for
    `any_item`, and for `anniversary` how far from today, before or after it.
    """

    name: str
    op: Op
    value: "Scalar | tuple[Scalar, ...] | FromNow | DaysAgo | Bounds | Filter"
    inner: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentIs:
    """The person's consent to advertising stands so."""

    state: ConsentState


@dataclass(frozen=True, slots=True)
class Has:
    """The person has a usable match key of this kind: an e-mail address that can be hashed, say."""

    field: MatchField


@dataclass(frozen=True, slots=True)
class InBucket:
    """The person's random bucket (people/buckets.py) lies within these bounds."""

    bounds: Bounds


@dataclass(frozen=True, slots=True)
class InSegment:
    """The person matches the filter that has this name."""

    name: str


class Measure(StrEnum):
    """What is reckoned of somebody's events."""

    COUNT = "count"
    ITEMS = "items"
    SUM = "sum"
    TOTAL = "total"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Did:
    """Events or purchases of one person: those that are meant, measured, compared.

    Meant are events of one of the `names` (no name: any purchase) that happened in `window` and
    whose properties match `where`. `test` is a window for FIRST and LAST (never true without any
    event), bounds for the others. `of` is the property of a SUM, the currency of a TOTAL.
    """

    kind: EventKind
    names: tuple[str, ...]
    measure: Measure
    test: Bounds | Window
    of: str = ""
    window: Window = EVER
    where: "Filter | None" = None


@dataclass(frozen=True, slots=True)
class EnteredCanvas:
    """The person entered the Canvas of this name within the window."""

    canvas: str
    window: Window


@dataclass(frozen=True, slots=True)
class InsideCanvas:
    """The person is inside the Canvas of this name now, at this step of it, or anywhere."""

    canvas: str
    step: str | None


class Standing(StrEnum):
    """How somebody stands in an audience, in at least one match field."""

    WANTED = "wanted"
    SYNCED = "synced"
    PENDING = "pending"
    ERRORED = "errored"


@dataclass(frozen=True, slots=True)
class InAudience:
    """The person stands so in an audience, which is known by `name`, or by the partner's `ref`;
    `ad_account` (the partner's id) tells two of one name apart."""

    name: str | None
    ref: str | None
    ad_account: str | None
    standing: Standing


Member: TypeAlias = EnteredCanvas | InsideCanvas | InAudience
"""Rules that Towpath's own sets answer."""

Rule: TypeAlias = Attribute | ConsentIs | Has | InBucket | InSegment | Did | Member
Filter: TypeAlias = AllOf | AnyOf | Not | Rule


def to_data(tree: Filter) -> dict[str, Any]:
    """The filter as plain data, as it is written and stored; `parse_filter` reads it back equal."""
    match tree:
        case AllOf(parts):
            return {"all": [to_data(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [to_data(part) for part in parts]}
        case Not(part):
            return {"not": to_data(part)}
        case Attribute(name, op, value, inner):
            place = {"path": [name, *inner]} if inner else {"attribute": name}
            return place | {op.value: _value_data(op, value)}
        case Did():
            return _did_data(tree)
    return _member_data(tree)


def _member_data(  # noqa: PLR0911 a line a kind
    tree: Filter,
) -> dict[str, Any]:
    match tree:
        case ConsentIs(state):
            return {"consent": state.name.lower()}
        case Has(field):
            return {"has": field.value}
        case InBucket(bounds):
            return {"bucket": _bounds_data(bounds)}
        case InSegment(name):
            return {"segment": name}
        case EnteredCanvas(canvas, window):
            return {"canvas": canvas, "entered": _window_data(window) or "ever"}
        case InsideCanvas(canvas, step):
            return {"canvas": canvas, "inside": step or True}
        case InAudience(name, ref, account, standing):
            said = {"name": name, "id": ref, "ad_account": account}
            audience = {key: value for key, value in said.items() if value is not None}
            return {"audience": audience, "is": standing.value}
    raise AssertionError(tree)


def _did_data(did: Did) -> dict[str, Any]:
    data: dict[str, Any]
    if did.kind is EventKind.EVENT:
        data = {"event": did.names[0]}
    else:
        data = {"purchase": "any"} | ({"product": list(did.names)} if did.names else {})
    if did.measure is Measure.ITEMS:
        data["count"] = "items"
    elif did.measure in {Measure.SUM, Measure.TOTAL}:
        data[did.measure.value] = did.of
    test = did.test
    if isinstance(test, Window):
        data[did.measure.value] = _window_data(test)
    else:
        data |= _bounds_data(test)
    data |= _window_data(did.window)
    return data if did.where is None else data | {"where": to_data(did.where)}


def _window_data(window: Window) -> dict[str, Any]:
    since, before = window.since, window.before
    if isinstance(since, FromNow) and since.by <= timedelta() and before is None:
        return {"within": span_text(-since.by)}
    said = {"since": since, "before": before}
    return {key: _plain(moment) for key, moment in said.items() if moment is not None}


def _bounds_data(bounds: Bounds) -> dict[str, Any]:
    return {bound.value: number for bound, number in bounds.bounds}


def _value_data(op: Op, value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Bounds):
        return _bounds_data(value)
    return to_data(value) if op is Op.ANY_ITEM else _plain(value)


def _plain(value: Scalar | Moment) -> Any:
    if isinstance(value, FromNow):
        word = "ago" if value.by < timedelta() else "ahead"
        return {word: span_text(abs(value.by))}
    if isinstance(value, DaysAgo):
        return {"days_ago": value.days}
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
