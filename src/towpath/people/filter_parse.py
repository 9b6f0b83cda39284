"""Reads the filter language from plain data (YAML or JSON, already parsed), strictly.

Whatever is not understood is refused with its place, as in `entry.filter.all[2].attribute`, and
with the word that was probably meant. Values are not repeated in messages: they may be personal.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from towpath.errors import InputError
from towpath.limits import FILTER_DEPTH_MAX, FILTER_PATH_MAX, FILTER_RULES_MAX
from towpath.people.buckets import BUCKETS
from towpath.people.consent import ConsentState
from towpath.people.filter import (
    COLUMNS,
    AllOf,
    AnyOf,
    Attribute,
    ColumnType,
    ConsentIs,
    DaysAgo,
    Filter,
    FromNow,
    Has,
    InBucket,
    InSegment,
    Not,
    Op,
    Scalar,
)
from towpath.people.filter_parse_events import read_audience, read_canvas, read_did
from towpath.people.filter_values import (
    check_whole,
    nearest,
    one_of,
    read_date,
    read_list,
    read_moment,
    read_name,
    read_number,
    read_only_bounds,
    read_relative,
    read_text,
    unknown,
)
from towpath.people.match_field import ALL_FIELDS, MatchField

__all__ = ["nearest", "one_of", "parse_filter", "parse_properties"]

_JOINS = ("all", "any", "not")
_OF_PROPERTIES = (*_JOINS, "attribute", "path")
_LONE = ("consent", "has", "bucket", "segment")
_FORMS = (*_OF_PROPERTIES, *_LONE, "event", "purchase", "canvas", "audience")
_CONSENTS = tuple(state.name.lower() for state in ConsentState)
_EQUAL = frozenset({Op.IS, Op.IS_NOT, Op.IN, Op.NOT_IN, Op.EXISTS})
_TIMES = frozenset({Op.BEFORE, Op.AFTER, Op.ANNIVERSARY})
_TEXTS = frozenset({Op.CONTAINS, Op.STARTS_WITH, Op.ENDS_WITH})
_SEVERAL = frozenset({Op.IN, Op.NOT_IN, Op.INCLUDES_ANY, Op.INCLUDES_NONE})
_OPS = {
    ColumnType.TEXT: _EQUAL | _TEXTS,
    ColumnType.DATE: _EQUAL | _TIMES,
    ColumnType.TIME: _TIMES | {Op.EXISTS},
    None: frozenset(Op),
}
_PATTERNS = frozenset({"matches", "regex", "regexp", "like", "pattern"})
_INSTEAD = {field.value: f"Write {{has: {field.value}}}." for field in ALL_FIELDS} | {
    "consent": "Write {consent: granted}."
}
_COUNTRY = re.compile("[A-Z]{2}")
_YEAR = timedelta(days=365)


def parse_filter(data: object, where: str = "filter") -> Filter:
    """The filter written in `data`; `where` begins the place that errors name.

    Raises InputError for anything not understood and beyond FILTER_DEPTH_MAX, FILTER_RULES_MAX and
    FILTER_LIST_MAX. Whether the segments, Canvases and audiences that it names exist, the store
    knows (filter_names.names_of says which they are).
    """
    return _Reader().filter(data, where, 1)


def parse_properties(data: object, where: str = "where") -> Filter:
    """A filter of one mapping's own values, such as an event's properties: only `all`, `any`,
    `not`, `attribute` and `path`, and no attribute has a column. Raises InputError."""
    return _Reader().filter(data, where, 1, of_properties=True)


class _Reader:
    """One reading; counts the rules."""

    def __init__(self) -> None:
        self._rules = 0

    def filter(
        self, data: object, where: str, depth: int, *, of_properties: bool = False
    ) -> Filter:
        if depth > FILTER_DEPTH_MAX:
            raise InputError(f"filters nest at most {FILTER_DEPTH_MAX} deep.", field=where)
        if not isinstance(data, Mapping):
            raise InputError(
                "a filter is a mapping.", remedy="Write {attribute: country, is: BR}.", field=where
            )
        form = _form(data, where, _OF_PROPERTIES if of_properties else _FORMS)
        if form in {"all", "any"}:
            parts = self._parts(data[form], f"{where}.{form}", depth, of_properties)
            return AllOf(parts) if form == "all" else AnyOf(parts)
        if form == "not":
            return Not(
                self.filter(data["not"], f"{where}.not", depth + 1, of_properties=of_properties)
            )
        return self._rule(form, data, where, depth, typed=not of_properties)

    def _rule(
        self, form: str, data: Mapping[Any, Any], where: str, depth: int, *, typed: bool
    ) -> Filter:
        self._rules += 1
        if self._rules > FILTER_RULES_MAX:
            raise InputError(f"a filter has at most {FILTER_RULES_MAX} rules.", field=where)

        def inner(part: object, place: str) -> Filter:
            return self.filter(part, place, depth + 1, of_properties=True)

        match form:
            case "attribute" | "path":
                return _attribute(data, where, inner, typed=typed)
            case "event" | "purchase":
                return read_did(data, where, inner)
            case "canvas":
                return read_canvas(data, where)
            case "audience":
                return read_audience(data, where)
        return _lone(form, data[form], f"{where}.{form}")

    def _parts(
        self, data: object, where: str, depth: int, of_properties: bool
    ) -> tuple[Filter, ...]:
        if not isinstance(data, list) or not data:
            raise InputError("a list of at least one filter is needed.", field=where)
        if len(data) > FILTER_RULES_MAX:
            raise InputError(f"a filter has at most {FILTER_RULES_MAX} rules.", field=where)
        return tuple(
            self.filter(part, f"{where}[{place}]", depth + 1, of_properties=of_properties)
            for place, part in enumerate(data)
        )


def _form(data: Mapping[Any, Any], where: str, possible: tuple[str, ...]) -> str:
    forms = [key for key in possible if key in data]
    if not forms:
        if not data:
            raise InputError("the filter is empty.", remedy=nearest("", possible), field=where)
        raise unknown(next(iter(data)), possible, where)
    if len(forms) > 1:
        raise InputError(
            f"{forms[0]} and {forms[1]} stand together.",
            remedy="Join them: {all: [{...}, {...}]}.",
            field=where,
        )
    if forms[0] in (*_JOINS, *_LONE) and len(data) > 1:
        key = next(key for key in data if key != forms[0])
        raise InputError(f"{key!r:.100} does not belong here.", field=where)
    return forms[0]


def _lone(form: str, data: object, where: str) -> Filter:
    if form == "consent":
        return ConsentIs(ConsentState[one_of(data, _CONSENTS, where).upper()])
    if form == "has":
        return Has(MatchField(one_of(data, ALL_FIELDS, where)))
    if form == "bucket":
        bounds = read_only_bounds(data, where)
        check_whole(bounds, where, BUCKETS)
        return InBucket(bounds)
    return InSegment(read_name(data, where, "a segment"))


def _attribute(data: Mapping[Any, Any], where: str, inner: Any, *, typed: bool) -> Attribute:
    name, *path = _path(data, where)
    if typed and not path and name in _INSTEAD:
        place = f"{where}.attribute" if "attribute" in data else f"{where}.path"
        raise InputError(f"{name} is no attribute.", remedy=_INSTEAD[name], field=place)
    column = COLUMNS.get(name) if typed else None
    if column is not None and path:
        raise InputError(f"{name} is a {column} and holds nothing inside.", field=f"{where}.path")
    ops = [key for key in data if key not in {"attribute", "path"}]
    if len(ops) != 1:
        raise InputError(
            "an attribute is compared in exactly one way.",
            remedy=f"Choose one of {', '.join(Op)}." if not ops else "Join two by all: [...].",
            field=where,
        )
    if ops[0] in _PATTERNS:
        raise InputError(
            "patterns are not offered: one of them can take an hour.",
            remedy="Use starts_with, ends_with, contains or in.",
            field=where,
        )
    if ops[0] not in list(Op):
        raise unknown(ops[0], Op, where)
    op = Op(ops[0])
    if op not in _OPS[column]:
        possible = [other for other in Op if other in _OPS[column]]
        raise InputError(
            f"{name} is a {column} and cannot be compared by {op}.",
            remedy=f"Possible: {', '.join(possible)}.",
            field=where,
        )
    place = f"{where}.{op}"
    if op is Op.ANY_ITEM:
        return Attribute(name, op, inner(data[op], place), tuple(path))
    country = typed and name == "country"
    return Attribute(name, op, _value(column, op, data[op], place, country), tuple(path))


def _path(data: Mapping[Any, Any], where: str) -> list[str]:
    if "attribute" in data:
        return [read_name(data["attribute"], f"{where}.attribute", "an attribute")]
    steps, place = data["path"], f"{where}.path"
    if not isinstance(steps, list) or not 0 < len(steps) <= FILTER_PATH_MAX:
        raise InputError(
            f"a list of 1 to {FILTER_PATH_MAX} names is needed.",
            remedy="Write path: [address, city].",
            field=place,
        )
    return [
        read_name(step, f"{place}[{index}]", "an attribute") for index, step in enumerate(steps)
    ]


def _value(  # noqa: PLR0911 a line a family of operators
    column: ColumnType | None, op: Op, data: object, where: str, country: bool
) -> Any:
    if op in _SEVERAL:
        return tuple(
            _equal_to(column, value, f"{where}[{place}]", country)
            for place, value in enumerate(read_list(data, where))
        )
    if op is Op.EXISTS:
        if not isinstance(data, bool):
            raise InputError("true or false is needed.", field=where)
        return data
    if op in _TEXTS:
        return read_text(data, where)
    if op is Op.ITEMS:
        bounds = read_only_bounds(data, where)
        check_whole(bounds, where)
        return bounds
    if op is Op.ANNIVERSARY:
        return _anniversary(data, where)
    if op in _TIMES:
        if column is ColumnType.DATE and not isinstance(data, Mapping):
            return read_date(data, where)
        return read_moment(data, where)
    if op in {Op.IS, Op.IS_NOT, Op.INCLUDES}:
        return _equal_to(column, data, where, country)
    return read_number(data, where)


def _anniversary(data: object, where: str) -> FromNow:
    found = read_relative(data, where) if isinstance(data, Mapping) else None
    if found is None or isinstance(found, DaysAgo) or abs(found.by) > _YEAR or found.by % _DAY:
        raise InputError(
            "how many days ahead or ago is needed, at most 365d.",
            remedy="Write anniversary: {ahead: 7d}; {ahead: 0d} is today.",
            field=where,
        )
    return found


_DAY = timedelta(days=1)


def _equal_to(column: ColumnType | None, data: object, where: str, country: bool) -> Scalar:
    if column is ColumnType.DATE:
        return read_date(data, where)
    if column is None and isinstance(data, bool):
        return data
    if column is None and isinstance(data, int | float):
        return read_number(data, where)
    if column is None and data is None:
        raise InputError("null is no value.", remedy="Write exists: false.", field=where)
    text = read_text(data, where)
    if country and not _COUNTRY.fullmatch(text):
        raise InputError(
            "a country is two capital letters (ISO 3166).", remedy="Write BR or GB.", field=where
        )
    return text
