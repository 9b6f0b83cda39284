"""Schedules, against an oracle that looks at every minute."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from towpath.canvas.schedule import (
    LOCAL,
    WEEKDAYS,
    Cron,
    Days,
    Rule,
    Schedule,
    all_zones,
    due_zones,
    next_occurrence,
)
from towpath.clock import Instant, instant
from towpath.errors import InputError

MINUTE = timedelta(minutes=1)
# With jumps of 60 and 30 minutes, at midnight, and of a whole day (Apia left out 2011-12-30).
ZONES = st.one_of(
    st.sampled_from(["Europe/Lisbon", "America/Sao_Paulo", "America/Asuncion", "UTC"]),
    st.sampled_from(["Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia", "Asia/Kathmandu"]),
)
TIMES = st.lists(
    st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59])), min_size=1, max_size=3
).map(lambda found: tuple(sorted(set(found))))
SOME = st.lists(st.integers(0, 6), min_size=1, max_size=3).map(
    lambda some: tuple(sorted(set(some)))
)
MONTH_DAYS = st.lists(st.integers(26, 31), min_size=1, max_size=2).map(
    lambda some: tuple(sorted(set(some)))
)
RULES: st.SearchStrategy[Rule] = st.one_of(
    st.builds(Days, TIMES),
    st.builds(Days, TIMES, SOME),
    st.builds(Days, TIMES, st.just(()), MONTH_DAYS),
    st.sampled_from(["*/15 * * * *", "30 2 * * *", "0 9 * * 1-5", "59 23 L * *"]).map(Cron),
)


def transitions() -> list[Instant]:
    """Hours around which clocks change in the zones above."""
    return [
        instant(text)
        for text in (
            "2026-03-29T00:00:00Z",
            "2026-10-25T00:00:00Z",
            "2011-12-29T12:00:00Z",
            "2026-04-04T12:00:00Z",
            "2026-10-03T12:00:00Z",
            "2024-03-24T00:00:00Z",
            "2024-10-06T00:00:00Z",
            "2026-02-28T00:00:00Z",
            "2018-11-04T00:00:00Z",
        )
    ]


MOMENTS = st.builds(
    lambda base, minutes: base + minutes * MINUTE,
    st.sampled_from(transitions()),
    st.integers(-1500, 1500),
)


def wanted(rule: Rule, minute: datetime) -> bool:
    """Does the rule name this minute of the wall clock?"""
    if isinstance(rule, Days):
        tomorrow = minute.date() + timedelta(days=1)
        last = tomorrow.day == 1
        day = minute.day in rule.month_days or (
            last and max(rule.month_days, default=0) > minute.day
        )
        on = minute.weekday() in rule.weekdays if rule.weekdays else day or not rule.month_days
        return on and minute.time() in rule.times
    return next(CronSim(rule.text, minute - MINUTE)) == minute


def oracle(rule: Rule, zone: str, after: Instant, until: Instant) -> Instant | None:
    """Looks at every minute that passes, and at those of the wall clock that it jumps over."""
    tz = ZoneInfo(zone)
    moment = after.replace(second=0, microsecond=0) - timedelta(hours=2)
    shown = moment.astimezone(tz).replace(tzinfo=None)
    highest = shown
    while (moment := moment + MINUTE) <= until:
        shown = moment.astimezone(tz).replace(tzinfo=None)
        passed = []
        while highest < shown:
            highest += MINUTE
            passed.append(highest)
        if moment > after and any(wanted(rule, one) for one in passed):
            return moment
    return None


@given(RULES, ZONES, MOMENTS)
def test_the_next_occurrence_is_the_oracles(rule: Rule, zone: str, after: Instant) -> None:
    until = after + timedelta(hours=30)
    found = next_occurrence(Schedule(rule, zone), after)
    assert (found if found and found <= until else None) == oracle(rule, zone, after, until)


@given(RULES, ZONES, MOMENTS)
def test_occurrences_follow_one_another(rule: Rule, zone: str, after: Instant) -> None:
    schedule = Schedule(rule, zone)
    first = next_occurrence(schedule, after)
    assert first is not None
    assert first > after
    assert next_occurrence(schedule, first - MINUTE) == first
    second = next_occurrence(schedule, first)
    assert second is not None
    assert second > first


@pytest.mark.parametrize(
    ("data", "after", "expected"),
    [
        # D27: Lisbon's clock jumps from 01:00 to 02:00, Berlin's from 02:00 to 03:00.
        ({"daily": {"at": "02:30"}, "zone": "Europe/Berlin"}, "2026-03-28T12", "2026-03-29T01:00"),
        ({"daily": {"at": "02:30"}, "zone": "Europe/Berlin"}, "2026-03-29T12", "2026-03-30T00:30"),
        # In autumn 02:30 comes at 00:30 and at 01:30 UTC.
        ({"daily": {"at": "02:30"}, "zone": "Europe/Berlin"}, "2026-10-24T12", "2026-10-25T00:30"),
        ({"daily": {"at": "02:30"}, "zone": "Europe/Berlin"}, "2026-10-25T01", "2026-10-26T01:30"),
        ({"monthly": {"on": 31, "at": "09:00"}}, "2026-02-01T00", "2026-02-28T09:00"),
        ({"monthly": {"on": [1, 31], "at": "09:00"}}, "2026-03-31T10", "2026-04-01T09:00"),
        ({"weekly": {"on": ["mon", "thu"], "at": "09:00"}}, "2026-03-03T00", "2026-03-05T09:00"),
        ({"cron": "0 9 * * 1-5", "zone": "Europe/Lisbon"}, "2026-07-04T00", "2026-07-06T08:00"),
        ({"cron": "0 9 29 2 *"}, "2026-03-01T00", "2028-02-29T09:00"),
    ],
)
def test_examples(data: dict[str, object], after: str, expected: str) -> None:
    schedule = Schedule.parse(data, "entry.schedule")
    assert next_occurrence(schedule, instant(f"{after}:00Z")) == instant(f"{expected}Z")
    assert Schedule.parse(schedule.to_data(), "again") == schedule


def test_a_local_schedule_reaches_every_zone_once_a_day() -> None:
    schedule = Schedule(Days((time(9),)), LOCAL, "Europe/Lisbon")

    def occurrence(schedule: Schedule, after: Instant) -> Instant:
        found = next_occurrence(schedule, after)
        assert found is not None
        return found

    at, reached = instant("2026-03-28T12:00:00Z"), dict.fromkeys(all_zones(), 0)
    moments = 0
    while (at := occurrence(schedule, at)) <= instant("2026-03-29T12:00:00Z"):
        for zone in due_zones(schedule, at, at):
            assert at.astimezone(ZoneInfo(zone)).strftime("%H:%M") == "09:00"
            reached[zone] += 1
        moments += 1
    assert set(reached.values()) == {1}
    assert moments < 60
    day = timedelta(days=1)
    assert len(due_zones(schedule, at, at + day)) == len(all_zones())


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        ({}, "s", "exactly one of daily"),
        ({"daily": {"at": "09:00"}, "cron": "0 9 * * *"}, "s", "exactly one of"),
        ({"daily": {"at": "9:00"}}, "s.daily.at", "09:00"),
        ({"daily": {"at": ["09:00", "24:00"]}}, "s.daily.at[1]", "23:59"),
        ({"daily": {}}, "s.daily.at", "time of day"),
        ({"daily": {"at": "09:00"}, "zone": "Mars/Base"}, "s.zone", "no time zone"),  # D26
        ({"daily": {"at": "09:00"}, "zone": "Europe/Lisboa"}, "s.zone", "Europe/Lisbon"),
        ({"daily": {"at": "09:00"}, "fallback": "UTC"}, "s.fallback", "zone: local"),
        ({"weekly": {"on": ["moon"], "at": "09:00"}}, "s.weekly.on[0]", "mon"),
        ({"weekly": {"on": [], "at": "09:00"}}, "s.weekly.on", "1 to 7"),
        ({"monthly": {"on": 0, "at": "09:00"}}, "s.monthly.on", "1 to 31"),
        ({"monthly": {"on": 32, "at": "09:00"}}, "s.monthly.on", "1 to 31"),
        ({"cron": "0 9 * *"}, "s.cron", "five fields"),
        ({"cron": "0 25 * * *"}, "s.cron", "hour"),
        ({"cron": "0 9 30 2 *"}, "s.cron", "day"),
        ({"cron": 5}, "s.cron", "five fields"),
        ({"dayly": {"at": "09:00"}}, "s.dayly", "daily"),
    ],
)
def test_what_is_refused(data: dict[str, object], field: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        Schedule.parse(data, "s")
    assert error.value.field == field
    assert said in str(error.value)


def test_weekdays_begin_on_monday() -> None:
    assert WEEKDAYS[datetime(2026, 3, 2, tzinfo=UTC).weekday()] == "mon"
