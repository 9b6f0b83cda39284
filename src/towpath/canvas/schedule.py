"""Recurring schedules: daily, weekly, monthly or by a cron expression, in a zone's own time.

A schedule names minutes of the wall clock. In spring, when the clock jumps over such a minute, it
takes place at the next minute that there is (02:30 becomes 03:00); in autumn, when a minute comes
twice, the first time only. In `zone: local` it takes place once in every zone, and is for the
people of that zone; who has none is of `fallback`.
"""

import calendar
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice
from typing import Any, Self, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from towpath.canvas.fields import Fields
from towpath.canvas.step import written
from towpath.clock import Instant
from towpath.errors import InputError
from towpath.limits import SCHEDULE_TIMES_MAX
from towpath.people.filter_parse import one_of

LOCAL = "local"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FORMS = ("daily", "weekly", "monthly", "cron")
_CLOCK = re.compile("([01][0-9]|2[0-3]):([0-5][0-9])")
_CRON = re.compile(r"[0-9A-Za-z*/,#-]+( [0-9A-Za-z*/,#-]+){4}")
# Zones that are none of a place, or follow the machine.
_NO_PLACE = frozenset({"localtime", "Factory", "posixrules"})
# Before any minute of the wall clock comes round, no clock ever jumped further (Samoa, 2011).
_LONGEST_JUMP = timedelta(hours=25)
# A cron expression may name days that years go without: the 29th of February, on a Monday.
_CRON_MINUTES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Days:
    """At these times of the day, on the days of a week (0 is Monday) or of a month, or on all.

    A month that is too short has its 29th, 30th or 31st on its last day, as in Braze.
    """

    times: tuple[time, ...]
    weekdays: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()

    def on(self, day: date) -> bool:
        """Whether the schedule has this day."""
        if self.weekdays:
            return day.weekday() in self.weekdays
        if not self.month_days:
            return True
        last = calendar.monthrange(day.year, day.month)[1]
        return day.day in {min(wanted, last) for wanted in self.month_days}

    def minutes(self, after: datetime) -> Iterator[datetime]:
        """The minutes of the wall clock later than `after`, which has no zone."""
        day = after.date()
        while True:
            if self.on(day):
                moments = (datetime.combine(day, at) for at in self.times)
                yield from (moment for moment in moments if moment > after)
            if day == date.max:
                return
            day += timedelta(days=1)

    def to_data(self) -> dict[str, Any]:
        """As it is written."""
        at: Any = [f"{one:%H:%M}" for one in self.times]
        times = {"at": at[0] if len(at) == 1 else at}
        if self.weekdays:
            return {"weekly": {"on": [WEEKDAYS[day] for day in self.weekdays]} | times}
        if self.month_days:
            return {"monthly": {"on": list(self.month_days)} | times}
        return {"daily": times}


@dataclass(frozen=True, slots=True)
class Cron:
    """Whenever a cron expression of five fields says so (minute, hour, day, month, weekday)."""

    text: str

    def minutes(self, after: datetime) -> Iterator[datetime]:
        """The minutes of the wall clock later than `after`, which has no zone."""
        return islice(CronSim(self.text, after), _CRON_MINUTES_MAX)

    def to_data(self) -> dict[str, Any]:
        """As it is written."""
        return {"cron": self.text}


Rule: TypeAlias = Days | Cron


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rule, and whose time it goes by: `zone` is a zone's name or LOCAL; `fallback` is the zone
    of people who have none."""

    rule: Rule
    zone: str
    fallback: str = "UTC"

    @classmethod
    def parse(cls, data: object, where: str) -> Self:
        """Read `daily`, `weekly`, `monthly` or `cron`, with `zone` (without it: UTC) and
        `fallback`. Raises InputError."""
        fields = Fields(data, where, (*_FORMS, "zone", "fallback"))
        forms = [form for form in _FORMS if fields.raw(form) is not None]
        if len(forms) != 1:
            raise InputError(
                f"exactly one of {', '.join(_FORMS)} is needed.",
                remedy='Write daily: {at: "09:00"}.',
                field=where,
            )
        zone = fields.raw("zone")
        if zone != LOCAL:
            if fields.raw("fallback") is not None:
                raise InputError(
                    "a fallback goes with zone: local.",
                    remedy="Leave it out.",
                    field=fields.path("fallback"),
                )
            zone = "UTC" if zone is None else parse_zone(zone, fields.path("zone"))
        fallback = fields.raw("fallback")
        return cls(
            _rule(forms[0], fields.raw(forms[0]), fields.path(forms[0])),
            zone,
            "UTC" if fallback is None else parse_zone(fallback, fields.path("fallback")),
        )

    def to_data(self) -> dict[str, Any]:
        """The schedule as it is written."""
        fallback = self.fallback if self.zone == LOCAL else None
        return self.rule.to_data() | written(zone=self.zone, fallback=fallback)


def next_occurrence(schedule: Schedule, after: Instant) -> Instant | None:
    """The first occurrence later than `after`, in any zone when it is local; None: never again."""
    zones = all_zones() if schedule.zone == LOCAL else (schedule.zone,)
    found = (_next_in(schedule.rule, zone, after) for zone in zones)
    return min((one for one in found if one is not None), default=None)


def due_zones(schedule: Schedule, since: Instant, until: Instant) -> list[str]:
    """In which zones a local schedule takes place, from `since` to `until`, both included."""
    before = since - timedelta(microseconds=1)
    occurrences = ((zone, _next_in(schedule.rule, zone, before)) for zone in all_zones())
    return [zone for zone, at in occurrences if at is not None and at <= until]


@cache
def all_zones() -> tuple[str, ...]:
    """The names of all time zones, sorted (IANA's, as Python's zoneinfo knows them)."""
    return tuple(sorted(zone for zone in available_timezones() if zone not in _NO_PLACE))


def moment_of(minute: datetime, zone: str) -> Instant:
    """When the wall clock of a zone shows this minute, which has no zone: the first time of two,
    or the next minute that there is."""
    tz = ZoneInfo(zone)
    while True:
        moment = minute.replace(tzinfo=tz).astimezone(UTC)
        if moment.astimezone(tz).replace(tzinfo=None) == minute:
            return moment
        minute += timedelta(minutes=1)


def _next_in(rule: Rule, zone: str, after: Instant) -> Instant | None:
    begin = after.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - _LONGEST_JUMP
    try:
        moments = (moment_of(minute, zone) for minute in rule.minutes(begin))
        return next((moment for moment in moments if moment > after), None)
    except OverflowError:  # the end of the calendar
        return None


def parse_zone(data: object, where: str) -> str:
    """The name of a time zone, such as Europe/Lisbon. Raises InputError."""
    if not isinstance(data, str) or data not in all_zones():
        close = difflib.get_close_matches(str(data)[:100], all_zones(), 1)
        remedy = f"Did you mean {close[0]}?" if close else "Write Europe/Lisbon, or UTC."
        raise InputError("this is no time zone.", remedy=remedy, field=where)
    return data


def parse_clock(data: object, where: str) -> time:
    """A time of day, such as "09:00". Raises InputError."""
    found = _CLOCK.fullmatch(data) if isinstance(data, str) else None
    if found is None:
        raise InputError(
            "a time of day is needed.", remedy='Write "09:00", from 00:00 to 23:59.', field=where
        )
    return time(int(found[1]), int(found[2]))


def _rule(form: str, data: object, where: str) -> Rule:
    if form == "cron":
        return _cron(data, where)
    fields = Fields(data, where, ("at",) if form == "daily" else ("on", "at"))
    times = tuple(sorted({
        parse_clock(one, path) for one, path in _listed(fields, "at", SCHEDULE_TIMES_MAX)
    }))  # fmt: skip
    if form == "daily":
        return Days(times)
    if form == "weekly":
        words = [one_of(one, WEEKDAYS, path) for one, path in _listed(fields, "on", len(WEEKDAYS))]
        return Days(times, weekdays=tuple(sorted({WEEKDAYS.index(word) for word in words})))
    days = [_month_day(one, path) for one, path in _listed(fields, "on", 31)]
    return Days(times, month_days=tuple(sorted(set(days))))


def _listed(fields: Fields, key: str, most: int) -> list[tuple[object, str]]:
    """The values of a list, or the one that stands alone, each with its place."""
    data, path = fields.raw(key), fields.path(key)
    if not isinstance(data, list):
        return [(data, path)]
    if not 1 <= len(data) <= most:
        raise InputError(f"1 to {most} of them are needed.", field=path)
    return [(one, f"{path}[{place}]") for place, one in enumerate(data)]


def _month_day(data: object, where: str) -> int:
    if isinstance(data, bool) or not isinstance(data, int) or not 1 <= data <= 31:
        raise InputError(
            "a day of the month is needed.",
            remedy="Write 1 to 31; 31 is the last day of every month.",
            field=where,
        )
    return data


def _cron(data: object, where: str) -> Cron:
    remedy = 'Write minute, hour, day, month and weekday: "0 9 * * 1-5".'
    text = " ".join(data.split()) if isinstance(data, str) else ""
    if not _CRON.fullmatch(text):
        raise InputError("a cron expression of five fields is needed.", remedy=remedy, field=where)
    try:
        next(CronSim(text, datetime(2000, 1, 1)))  # noqa: DTZ001 - any day
    except StopIteration:
        raise InputError("this day never comes.", remedy=remedy, field=where) from None
    except (CronSimError, ValueError, RecursionError) as error:
        raise InputError(f"no cron expression: {error}.", remedy=remedy, field=where) from None
    return Cron(text)
