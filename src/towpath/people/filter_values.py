"""Reads the values of filters: texts, numbers, moments, spans, windows and bounds, strictly.

Values are not repeated in messages: they may be personal.
"""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from towpath.clock import Instant, instant
from towpath.errors import InputError
from towpath.limits import (
    ATTRIBUTE_NAME_CHARS_MAX,
    ATTRIBUTE_TEXT_CHARS_MAX,
    FILTER_LIST_MAX,
    FILTER_SPAN_DAYS_MAX,
)
from towpath.people.filter import EVER, Bound, Bounds, DaysAgo, FromNow, Moment, Window
from towpath.people.spans import read_span

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_EXACT_INTEGER = 2**53
_RELATIVE = ("ago", "ahead", "days_ago")
WINDOW = ("within", "since", "before")
"""The fields of a window."""


def nearest(word: object, known: Iterable[str]) -> str:
    """A remedy for an unknown word: what was probably meant, else all that is possible."""
    choices = list(known)
    close = difflib.get_close_matches(str(word)[:100], choices, 1)
    return f"Did you mean {close[0]}?" if close else f"Possible: {', '.join(choices)}."


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


def unknown(key: object, known: Iterable[str], where: str) -> InputError:
    """The error for a word that has no meaning in its place."""
    return InputError(f"{key!r:.100} is unknown.", remedy=nearest(key, known), field=where)


def read_name(data: object, where: str, what: str) -> str:
    """The name of something: 1 to 256 characters, not all of them spaces."""
    if not isinstance(data, str) or not data.strip() or _UNSTORABLE.search(data):
        raise InputError(f"the name of {what} is needed.", field=where)
    if len(data) > ATTRIBUTE_NAME_CHARS_MAX:
        raise InputError(f"a name has at most {ATTRIBUTE_NAME_CHARS_MAX} characters.", field=where)
    return data


def read_list(data: object, where: str) -> list[Any]:
    """A list of 1 to FILTER_LIST_MAX values, unread."""
    if not isinstance(data, list) or not data:
        raise InputError("a list of at least one value is needed.", field=where)
    if len(data) > FILTER_LIST_MAX:
        raise InputError(f"a list has at most {FILTER_LIST_MAX} values.", field=where)
    return data


def read_text(data: object, where: str) -> str:
    """Text that an attribute may hold."""
    if not isinstance(data, str):
        raise InputError("text is needed.", remedy='Quote it: "...".', field=where)
    if not data or len(data) > ATTRIBUTE_TEXT_CHARS_MAX or _UNSTORABLE.search(data):
        raise InputError(
            f"text has 1 to {ATTRIBUTE_TEXT_CHARS_MAX} characters, none of them NUL.", field=where
        )
    return data


def read_number(data: object, where: str) -> int | float:
    """A number that is the same in JSON, Python and PostgreSQL."""
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise InputError("a number is needed.", field=where)
    if isinstance(data, int) and abs(data) > _EXACT_INTEGER:
        raise InputError(
            "beyond 2^53 numbers are not exact everywhere.", remedy="Quote ids.", field=where
        )
    if not math.isfinite(data):
        raise InputError("a finite number is needed.", field=where)
    return data


def read_date(data: object, where: str) -> date:
    """A day of the calendar."""
    try:
        return date.fromisoformat(str(data))
    except ValueError:
        raise InputError(
            "a date is needed.", remedy="Write it as 1990-12-31.", field=where
        ) from None


def read_moment(data: object, where: str) -> Moment:
    """A moment: a date or a time with its zone, or {ago: 30d}, {ahead: 7d}, {days_ago: 7}."""
    if isinstance(data, Mapping):
        return read_relative(data, where)
    text = str(data)
    try:
        if len(text) == len("1990-12-31"):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        found: Instant = instant(text)
    except (ValueError, OverflowError):
        raise InputError(
            "a date, or a time with its zone, is needed.",
            remedy="Write 2026-01-31, 2026-01-31T09:00:00Z or {ago: 30d}.",
            field=where,
        ) from None
    return found


def read_relative(data: Mapping[Any, Any], where: str) -> FromNow | DaysAgo:
    """A moment counted from the time of asking."""
    if len(data) != 1:
        raise InputError("one of ago, ahead or days_ago is needed.", field=where)
    ((key, value),) = data.items()
    if key not in _RELATIVE:
        raise unknown(key, _RELATIVE, where)
    place = f"{where}.{key}"
    if key == "days_ago":
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError("a whole number of days is needed.", field=place)
        if not 0 <= value <= FILTER_SPAN_DAYS_MAX:
            raise InputError(f"0 to {FILTER_SPAN_DAYS_MAX} days are possible.", field=place)
        return DaysAgo(value)
    span = read_span(value, place, most=timedelta(days=FILTER_SPAN_DAYS_MAX))
    return FromNow(-span if key == "ago" else span)


def read_window(data: Mapping[Any, Any], where: str) -> Window:
    """The window that `within`, or `since` and `before`, say; without them it is open."""
    if "within" in data:
        if "since" in data or "before" in data:
            raise InputError(
                "within stands alone.", remedy="Write since: {ago: 7d} and before.", field=where
            )
        most = timedelta(days=FILTER_SPAN_DAYS_MAX)
        return Window(since=FromNow(-read_span(data["within"], f"{where}.within", most=most)))
    said = {
        key: read_moment(data[key], f"{where}.{key}") for key in ("since", "before") if key in data
    }
    return Window(**said) if said else EVER


def read_bounds(data: Mapping[Any, Any], where: str) -> Bounds | None:
    """The bounds in a mapping, whatever else it holds; None without any."""
    bounds = [
        (bound, read_number(data[bound], f"{where}.{bound}")) for bound in Bound if bound in data
    ]
    if not bounds:
        return None
    _check_possible(dict(bounds), where)
    return Bounds(tuple(bounds))


def _check_possible(bounds: Mapping[Bound, float], where: str) -> None:
    """Refuses bounds that no number can meet together, such as a switched at_least and at_most."""
    exactly = bounds.get(Bound.EXACTLY)
    lows = [bounds.get(one, exactly) for one in (Bound.AT_LEAST, Bound.ABOVE)]
    highs = [bounds.get(one, exactly) for one in (Bound.AT_MOST, Bound.BELOW)]
    low = max((one for one in lows if one is not None), default=None)
    high = min((one for one in highs if one is not None), default=None)
    if low is None or high is None or low < high:
        return
    if low == high and low not in {bounds.get(Bound.ABOVE), bounds.get(Bound.BELOW)}:
        return
    raise InputError(
        "nobody can meet these bounds together.",
        remedy="Write the smaller number at at_least or above, the greater at at_most or below.",
        field=where,
    )


def check_whole(bounds: Bounds, where: str, most: int | None = None) -> None:
    """Refuses bounds of a count that are not whole numbers of 0 or more, and at most `most`."""
    for bound, number in bounds.bounds:
        if number < 0 or number != int(number) or (most is not None and number > most):
            raise InputError(
                "a whole number of 0 or more is needed."
                if most is None
                else f"a whole number from 0 to {most} is needed.",
                field=f"{where}.{bound}",
            )


def read_only_bounds(data: object, where: str) -> Bounds:
    """A mapping of nothing but bounds, at least one."""
    if not isinstance(data, Mapping):
        raise InputError("a comparison is needed.", remedy="Write {at_least: 3}.", field=where)
    for key in data:
        if key not in list(Bound):
            raise unknown(key, Bound, where)
    found = read_bounds(data, where)
    if found is None:
        raise InputError("a comparison is needed.", remedy="Write {at_least: 3}.", field=where)
    return found
