"""Until when people wait: a moment, a time of day, a weekday, some days on, or a date of theirs.

    until: "2026-03-01T09:00:00Z"
    until: "09:00"
    until: {weekday: mon, at: "09:00"}
    until: {days: 2, at: "09:00"}
    until: {attribute: renewal, minus: 3d, at: "09:00"}

Times of the day are the wall clock of a zone, or of everybody's own. In spring, a minute that the
clock jumps over is the next minute that there is; in autumn, one that comes twice is the first.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from towpath.canvas.delays import parse_span, span_text
from towpath.canvas.fields import Fields
from towpath.canvas.schedule import WEEKDAYS, moment_of, parse_clock
from towpath.canvas.step import written
from towpath.clock import Instant, instant
from towpath.errors import InputError
from towpath.limits import ATTRIBUTE_NAME_CHARS_MAX, DELAY_S_MAX, DELAY_UNTIL_DAYS_MAX
from towpath.people.filter import COLUMNS, ColumnType
from towpath.people.filter_parse import one_of

_DAYS_MAX = DELAY_S_MAX // 86_400
_FORMS = ("weekday", "days", "attribute")
_MIDNIGHT = time()
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class UntilClock:
    """The next time the clock shows `at`; on that weekday (0 is Monday); or `days` calendar days
    on, 0 being today."""

    at: time
    weekday: int | None = None
    days: int | None = None

    def due(self, now: Instant, zone: str) -> Instant:
        """When that is, for people who come at `now` and live in `zone`; `now` when it is over
        already, which only `days: 0` can be."""
        today = now.astimezone(ZoneInfo(zone)).date()
        if self.days is not None:
            return max(now, moment_of(datetime.combine(today + self.days * _DAY, self.at), zone))
        for ahead in range(8):
            day = today + ahead * _DAY
            moment = moment_of(datetime.combine(day, self.at), zone)
            if moment >= now and self.weekday in (None, day.weekday()):
                return moment
        raise AssertionError("a week has every weekday")

    def to_data(self) -> Any:
        """As it is written."""
        at = f"{self.at:%H:%M}"
        if self.weekday is not None:
            return {"weekday": WEEKDAYS[self.weekday], "at": at}
        return at if self.days is None else {"days": self.days, "at": at}


@dataclass(frozen=True, slots=True)
class UntilDate:
    """A date or time that stands in an attribute, moved by `plus` (negative: before it); with `at`
    at that time of the day."""

    attribute: str
    plus: timedelta = timedelta()
    at: time | None = None

    def due_of_day(self, day: date, zone: str) -> Instant:
        """When that is, if the attribute is a day, or a time and `at` is said: then the day on
        which it falls in `zone`. Raises OverflowError at the end of the calendar."""
        moved = day + timedelta(days=self.plus.days)
        at = moment_of(datetime.combine(moved, self.at or _MIDNIGHT), zone)
        return at + (self.plus - timedelta(days=self.plus.days))

    def due_of_time(self, moment: Instant, zone: str) -> Instant:
        """When that is, if the attribute is a time."""
        if self.at is not None:
            return self.due_of_day(moment.astimezone(ZoneInfo(zone)).date(), zone)
        return moment + self.plus

    def to_data(self) -> dict[str, Any]:
        """As it is written."""
        zero = timedelta()
        return written(
            attribute=self.attribute,
            plus=span_text(self.plus) if self.plus > zero else None,
            minus=span_text(-self.plus) if self.plus < zero else None,
            at=None if self.at is None else f"{self.at:%H:%M}",
        )


Until: TypeAlias = Instant | UntilClock | UntilDate


def parse_until(data: object, where: str) -> Until:
    """Read what a delay's `until` says. Raises InputError naming the place."""
    if isinstance(data, str) and len(data) <= len("09:00"):
        return UntilClock(parse_clock(data, where))
    if isinstance(data, str):
        return _moment(data, where)
    fields = Fields(data, where, (*_FORMS, "at", "plus", "minus"))
    forms = [form for form in _FORMS if fields.raw(form) is not None]
    if len(forms) != 1:
        raise InputError(
            f"exactly one of {', '.join(_FORMS)} is needed.",
            remedy='Write until: {weekday: mon, at: "09:00"}.',
            field=where,
        )
    if forms[0] == "attribute":
        return _date(fields)
    for key in ("plus", "minus"):
        if fields.raw(key) is not None:
            raise InputError("this goes only with attribute.", field=fields.path(key))
    at = parse_clock(fields.raw("at"), fields.path("at"))
    if forms[0] == "weekday":
        word = one_of(fields.raw("weekday"), WEEKDAYS, fields.path("weekday"))
        return UntilClock(at, weekday=WEEKDAYS.index(word))
    days = fields.raw("days")
    if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= _DAYS_MAX:
        raise InputError(f"0 to {_DAYS_MAX} days are needed.", field=fields.path("days"))
    return UntilClock(at, days=days)


def until_data(until: Until) -> Any:
    """The same as it is written."""
    if isinstance(until, datetime):
        return until.isoformat().replace("+00:00", "Z")
    return until.to_data()


def _moment(text: str, where: str) -> Instant:
    try:
        return instant(text)
    except (ValueError, OverflowError):
        raise InputError(
            "a time of day, or a time with its zone, is needed.",
            remedy='Write "09:00" or "2026-03-01T09:00:00Z".',
            field=where,
        ) from None


def _date(fields: Fields) -> UntilDate:
    name, where = fields.raw("attribute"), fields.path("attribute")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= ATTRIBUTE_NAME_CHARS_MAX:
        raise InputError("the name of an attribute is needed.", field=where)
    if COLUMNS.get(name) is ColumnType.TEXT:
        raise InputError(f"{name} is text and no date.", field=where)
    spans = {}
    for key, sign in (("plus", 1), ("minus", -1)):
        if fields.raw(key) is not None:
            most = timedelta(days=DELAY_UNTIL_DAYS_MAX)
            spans[key] = sign * parse_span(fields.raw(key), fields.path(key), most=most)
    if len(spans) > 1:
        raise InputError("plus and minus stand together.", remedy="Keep one.", field=where)
    at = fields.raw("at")
    return UntilDate(
        name,
        next(iter(spans.values()), timedelta()),
        None if at is None else parse_clock(at, fields.path("at")),
    )


def moment_in_utc(text: str) -> Instant:
    """A stored time, `2026-03-01T09:00`, which is UTC. Raises ValueError."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
