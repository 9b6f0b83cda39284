"""Spans of time as people write them: 30s, 10m, 2h, 7d (a day is 24 hours)."""

import re
from datetime import timedelta

from towpath.errors import InputError

_SPAN = re.compile("([0-9]{1,9})([smhd])")
_UNIT = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}


def read_span(data: object, where: str, *, most: timedelta) -> timedelta:
    """A span from nothing (0s, 0d) up to `most`. Raises InputError naming the place."""
    found = _SPAN.fullmatch(data) if isinstance(data, str) else None
    if found is None or int(found[1]) * _UNIT[found[2]] > most:
        raise InputError(
            f"a time from 0s to {span_text(most)} is needed.",
            remedy="Write 30s, 10m, 2h or 7d.",
            field=where,
        )
    return int(found[1]) * _UNIT[found[2]]


def span_text(span: timedelta) -> str:
    """Whole seconds as they are written, in the greatest unit that fits evenly."""
    unit = next(unit for unit, size in _UNIT.items() if not span % size)
    return f"{span // _UNIT[unit]}{unit}"
