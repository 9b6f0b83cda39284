"""How long people wait, and in which bucket of time they go on."""

import re
from datetime import UTC, datetime, timedelta

from towpath.clock import Instant
from towpath.errors import InputError

_SPAN = re.compile("([0-9]{1,9})([smhd])")
_UNIT = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_span(data: object, where: str, *, most: timedelta) -> timedelta:
    """A span of time such as 5s, 10m, 2h or 7d (a day is 24 hours), from 1 s up to `most`."""
    found = _SPAN.fullmatch(data) if isinstance(data, str) else None
    span = int(found[1]) * _UNIT[found[2]] if found else timedelta()
    if not timedelta(seconds=1) <= span <= most:
        raise InputError(
            f"a time from 1s to {span_text(most)} is needed.",
            remedy="Write 30s, 10m, 2h or 7d.",
            field=where,
        )
    return span


def span_text(span: timedelta) -> str:
    """Whole seconds as they are written, in the greatest unit that fits evenly."""
    unit = next(unit for unit, size in _UNIT.items() if not span % size)
    return f"{span // _UNIT[unit]}{unit}"


def bucket_width(delay: timedelta) -> timedelta:
    """How wide the buckets of a delay are: a 1440th of it in whole seconds, from 1 s to 1 minute.

    So a minute's delay ends at most a second late and a day's at most a minute, never by more than
    0.07 % beyond that second, and people who trickle into a step leave it in few, large waves.
    """
    return timedelta(seconds=min(max(delay // timedelta(minutes=24), 1), 60))


def due_bucket(arrived_at: Instant, delay: timedelta) -> Instant:
    """When people who came at `arrived_at` go on: the end of the bucket in which their delay ends.

    Never early, less than a width late; everybody of one bucket has the same moment, so their waves
    can merge (architecture 4). Buckets are counted from 1970 and depend on the delay alone. Without
    a delay people go on at once.
    """
    if not delay:
        return arrived_at
    exact = (arrived_at + delay).astimezone(UTC)
    return exact + (_EPOCH - exact) % bucket_width(delay)
