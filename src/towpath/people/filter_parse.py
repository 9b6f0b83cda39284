"""Reads the filter language from plain data (YAML or JSON, already parsed), strictly.

Whatever is not understood is refused with its place, as in `entry.filter.all[2].attribute`, and
with the word that was probably meant. Values are not repeated in messages: they may be personal.
"""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from towpath.clock import Instant, instant
from towpath.errors import InputError
from towpath.limits import (
    ATTRIBUTE_NAME_CHARS_MAX,
    ATTRIBUTE_TEXT_CHARS_MAX,
    FILTER_DEPTH_MAX,
    FILTER_LIST_MAX,
    FILTER_RULES_MAX,
)
from towpath.people.consent import ConsentState
from towpath.people.filter import (
    COLUMNS,
    AllOf,
    AnyOf,
    Attribute,
    ColumnType,
    ConsentIs,
    Filter,
    Has,
    Not,
    Op,
    Scalar,
)
from towpath.people.match_field import ALL_FIELDS, MatchField

_FORMS = ("all", "any", "not", "attribute", "consent", "has")
_CONSENTS = tuple(state.name.lower() for state in ConsentState)
_EQUAL = frozenset({Op.IS, Op.IS_NOT, Op.IN, Op.NOT_IN, Op.EXISTS})
_TIMES = frozenset({Op.BEFORE, Op.AFTER})
_OPS = {
    ColumnType.TEXT: _EQUAL | {Op.CONTAINS},
    ColumnType.DATE: _EQUAL | _TIMES,
    ColumnType.TIME: _TIMES | {Op.EXISTS},
    None: frozenset(Op),
}
_INSTEAD = {field.value: f"Write {{has: {field.value}}}." for field in ALL_FIELDS} | {
    "consent": "Write {consent: granted}."
}
_COUNTRY = re.compile("[A-Z]{2}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_EXACT_INTEGER = 2**53


def nearest(word: object, known: Iterable[str]) -> str:
    """A remedy for an unknown word: what was probably meant, else all that is possible."""
    choices = list(known)
    close = difflib.get_close_matches(str(word)[:100], choices, 1)
    return f"Did you mean {close[0]}?" if close else f"Possible: {', '.join(choices)}."


def parse_filter(data: object, where: str = "filter") -> Filter:
    """The filter written in `data`; `where` begins the place that errors name.

    Raises InputError for anything not understood and beyond FILTER_DEPTH_MAX, FILTER_RULES_MAX and
    FILTER_LIST_MAX.
    """
    return _Reader().filter(data, where, 1)


class _Reader:
    """One reading; counts the rules."""

    def __init__(self) -> None:
        self._rules = 0

    def filter(self, data: object, where: str, depth: int) -> Filter:
        if depth > FILTER_DEPTH_MAX:
            raise InputError(f"filters nest at most {FILTER_DEPTH_MAX} deep.", field=where)
        if not isinstance(data, Mapping):
            raise InputError(
                "a filter is a mapping.", remedy="Write {attribute: country, is: BR}.", field=where
            )
        form = _form(data, where)
        if form in {"all", "any"}:
            parts = self._parts(data[form], f"{where}.{form}", depth)
            return AllOf(parts) if form == "all" else AnyOf(parts)
        if form == "not":
            return Not(self.filter(data["not"], f"{where}.not", depth + 1))
        self._rules += 1
        if self._rules > FILTER_RULES_MAX:
            raise InputError(f"a filter has at most {FILTER_RULES_MAX} rules.", field=where)
        if form == "attribute":
            return _attribute(data, where)
        if form == "consent":
            state = one_of(data["consent"], _CONSENTS, f"{where}.consent")
            return ConsentIs(ConsentState[state.upper()])
        return Has(MatchField(one_of(data["has"], ALL_FIELDS, f"{where}.has")))

    def _parts(self, data: object, where: str, depth: int) -> tuple[Filter, ...]:
        if not isinstance(data, list) or not data:
            raise InputError("a list of at least one filter is needed.", field=where)
        if len(data) > FILTER_RULES_MAX:
            raise InputError(f"a filter has at most {FILTER_RULES_MAX} rules.", field=where)
        return tuple(
            self.filter(part, f"{where}[{place}]", depth + 1) for place, part in enumerate(data)
        )


def one_of(data: object, known: Iterable[str], where: str) -> str:
    """The word, when it is one of the known ones; else an InputError that says which was meant."""
    words = [str(word) for word in known]
    if data not in words:
        raise InputError(
            "this word is not known here." if isinstance(data, str) else "a word is needed.",
            remedy=nearest(data if isinstance(data, str) else "", words),
            field=where,
        )
    return str(data)


def _form(data: Mapping[Any, Any], where: str) -> str:
    forms = [key for key in _FORMS if key in data]
    if not forms:
        if not data:
            raise InputError("the filter is empty.", remedy=nearest("", _FORMS), field=where)
        key = next(iter(data))
        raise InputError(f"{key!r:.100} is unknown.", remedy=nearest(key, _FORMS), field=where)
    if len(forms) > 1:
        raise InputError(
            f"{forms[0]} and {forms[1]} stand together.",
            remedy="Join them: {all: [{...}, {...}]}.",
            field=where,
        )
    if forms[0] != "attribute" and len(data) > 1:
        key = next(key for key in data if key != forms[0])
        raise InputError(f"{key!r:.100} does not belong here.", field=where)
    return forms[0]


def _attribute(data: Mapping[Any, Any], where: str) -> Attribute:
    name = _name(data["attribute"], f"{where}.attribute")
    ops = [key for key in data if key != "attribute"]
    if len(ops) != 1:
        raise InputError(
            "an attribute is compared in exactly one way.",
            remedy=f"Choose one of {', '.join(Op)}." if not ops else "Join two by all: [...].",
            field=where,
        )
    column = COLUMNS.get(name)
    if ops[0] not in list(Op):
        raise InputError(f"{ops[0]!r:.100} is unknown.", remedy=nearest(ops[0], Op), field=where)
    op = Op(ops[0])
    if op not in _OPS[column]:
        possible = [other for other in Op if other in _OPS[column]]
        raise InputError(
            f"{name} is a {column} and cannot be compared by {op}.",
            remedy=f"Possible: {', '.join(possible)}.",
            field=where,
        )
    return Attribute(name, op, _value(name, op, data[ops[0]], f"{where}.{op}"))


def _name(data: object, where: str) -> str:
    if not isinstance(data, str) or not data.strip() or _UNSTORABLE.search(data):
        raise InputError("the name of an attribute is needed.", field=where)
    if len(data) > ATTRIBUTE_NAME_CHARS_MAX:
        raise InputError(f"a name has at most {ATTRIBUTE_NAME_CHARS_MAX} characters.", field=where)
    if data in _INSTEAD:
        raise InputError(f"{data} is no attribute.", remedy=_INSTEAD[data], field=where)
    return data


def _value(name: str, op: Op, data: object, where: str) -> Scalar | tuple[Scalar, ...]:
    if op in {Op.IN, Op.NOT_IN}:
        if not isinstance(data, list) or not data:
            raise InputError("a list of at least one value is needed.", field=where)
        if len(data) > FILTER_LIST_MAX:
            raise InputError(f"a list has at most {FILTER_LIST_MAX} values.", field=where)
        return tuple(
            _equal_to(name, value, f"{where}[{place}]") for place, value in enumerate(data)
        )
    if op is Op.EXISTS:
        if not isinstance(data, bool):
            raise InputError("true or false is needed.", field=where)
        return data
    if op is Op.CONTAINS:
        return _text(data, where)
    if op in _TIMES:
        return _date(data, where) if COLUMNS.get(name) is ColumnType.DATE else _time(data, where)
    if op in {Op.IS, Op.IS_NOT}:
        return _equal_to(name, data, where)
    return _number(data, where)


def _equal_to(name: str, data: object, where: str) -> Scalar:
    column = COLUMNS.get(name)
    if column is ColumnType.DATE:
        return _date(data, where)
    if column is None and isinstance(data, bool):
        return data
    if column is None and isinstance(data, int | float):
        return _number(data, where)
    if column is None and data is None:
        raise InputError("null is no value.", remedy="Write exists: false.", field=where)
    text = _text(data, where)
    if name == "country" and not _COUNTRY.fullmatch(text):
        raise InputError(
            "a country is two capital letters (ISO 3166).", remedy="Write BR or GB.", field=where
        )
    return text


def _text(data: object, where: str) -> str:
    if not isinstance(data, str):
        raise InputError("text is needed.", remedy='Quote it: "...".', field=where)
    if not data or len(data) > ATTRIBUTE_TEXT_CHARS_MAX or _UNSTORABLE.search(data):
        raise InputError(
            f"text has 1 to {ATTRIBUTE_TEXT_CHARS_MAX} characters, none of them NUL.", field=where
        )
    return data


def _number(data: object, where: str) -> int | float:
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise InputError("a number is needed.", field=where)
    if isinstance(data, int) and abs(data) > _EXACT_INTEGER:
        raise InputError(
            "beyond 2^53 numbers are not exact everywhere.", remedy="Quote ids.", field=where
        )
    if not math.isfinite(data):
        raise InputError("a finite number is needed.", field=where)
    return data


def _date(data: object, where: str) -> date:
    try:
        return date.fromisoformat(str(data))
    except ValueError:
        raise InputError(
            "a date is needed.", remedy="Write it as 1990-12-31.", field=where
        ) from None


def _time(data: object, where: str) -> Instant:
    text = str(data)
    try:
        if len(text) == len("1990-12-31"):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        return instant(text)
    except (ValueError, OverflowError):
        raise InputError(
            "a date, or a time with its zone, is needed.",
            remedy="Write 2026-01-31 or 2026-01-31T09:00:00Z.",
            field=where,
        ) from None
