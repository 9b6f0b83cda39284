"""Untils beside a clock that is watched minute by minute, where it changes at any hour of the day;
and everything that can be written is read and said back (D27)."""

# ruff: noqa: DTZ001 - the zone of a drawn moment is said beside it

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from towpath.canvas.delays import span_text
from towpath.canvas.graph import from_data, to_data
from towpath.canvas.schedule import WEEKDAYS
from towpath.canvas.untils import UntilClock, UntilDate, parse_until, until_data
from towpath.clock import Instant

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "Africa/Cairo",  # at midnight
    "America/Santiago",  # the night is 23:59, then 01:00
    "Asia/Kathmandu",
    "Pacific/Chatham",
)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
zones = st.sampled_from(ZONES)
times = st.times().map(lambda one: one.replace(second=0, microsecond=0, fold=0))
moments = st.datetimes(datetime(2023, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
spans = st.integers(1, 700).map(lambda days: timedelta(days=days)) | st.integers(1, 86_399).map(
    lambda count: timedelta(seconds=count)
)


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, Instant]:
    """A zone, and a moment within a day of a change of its clock, when it has any."""
    zone, day = draw(zones), draw(moments)
    for ahead in range(370):
        then, later = day + ahead * DAY, day + (ahead + 1) * DAY
        if (
            then.astimezone(ZoneInfo(zone)).utcoffset()
            != later.astimezone(ZoneInfo(zone)).utcoffset()
        ):
            return zone, then - draw(st.integers(0, 1)) * DAY
    return zone, day


def watched(start: Instant, zone: str, at: time, days: int) -> list[Instant]:
    """Every minute from `start` on at which the clock reaches `at`: shows it for the first time on
    that day, or jumps over it."""
    here = ZoneInfo(zone)
    minute = start.replace(second=0, microsecond=0)
    found = []
    before = (minute - MINUTE).astimezone(here).replace(tzinfo=None)
    for _ in range(days * 1440):
        local = minute.astimezone(here)
        naive = local.replace(tzinfo=None, fold=0)
        if local.fold == 0 and before < datetime.combine(naive, at) <= naive and minute >= start:
            found.append(minute)
        before, minute = naive, minute + MINUTE
    return found


@settings(max_examples=60, deadline=None)
@given(changes(), times)
@example(("Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC)), time(2, 30))
@example(("Europe/Berlin", datetime(2026, 10, 25, 0, 45, tzinfo=UTC)), time(2, 30))
@example(("Africa/Cairo", datetime(2026, 4, 23, 12, tzinfo=UTC)), time(0, 15))
def test_the_next_time_the_clock_shows_it(change: tuple[str, Instant], at: time) -> None:
    zone, now = change
    assert UntilClock(at).due(now, zone) == watched(now, zone, at, 3)[0]


@settings(max_examples=15, deadline=None)
@given(changes(), times, st.integers(0, 6))
def test_the_next_weekday(change: tuple[str, Instant], at: time, weekday: int) -> None:
    zone, now = change
    wanted = [
        one
        for one in watched(now, zone, at, 9)
        if one.astimezone(ZoneInfo(zone)).weekday() == weekday
    ]
    assert UntilClock(at, weekday=weekday).due(now, zone) == wanted[0]


@settings(max_examples=60, deadline=None)
@given(changes(), times, st.integers(0, 31))
def test_days_on_are_days_of_the_calendar(change: tuple[str, Instant], at: time, days: int) -> None:
    zone, now = change
    due = UntilClock(at, days=days).due(now, zone)
    assert due >= now
    here = ZoneInfo(zone)
    day = now.astimezone(here).date() + days * DAY
    assert due == now or due.astimezone(here).date() == day
    if due == now:
        assert days == 0
    else:
        assert due in watched(due - 3 * MINUTE, zone, at, 1)


@settings(max_examples=60, deadline=None)
@given(changes(), times, st.integers(-700, 700))
def test_a_date_of_ones_own_keeps_its_time_of_the_day(
    change: tuple[str, Instant], at: time, days: int
) -> None:
    zone, now = change
    day: date = now.date()
    due = UntilDate("renewal", days * DAY, at).due_of_day(day, zone)
    local = due.astimezone(ZoneInfo(zone))
    assert local.date() == day + days * DAY
    assert due in watched(due - 3 * MINUTE, zone, at, 1)


written = (
    times.map(lambda at: f"{at:%H:%M}")
    | moments.map(lambda at: at.isoformat().replace("+00:00", "Z"))
    | st.fixed_dictionaries({"weekday": st.sampled_from(WEEKDAYS), "at": st.just("09:05")})
    | st.fixed_dictionaries({"days": st.integers(0, 31), "at": times.map(lambda at: f"{at:%H:%M}")})
    | st.fixed_dictionaries(
        {"attribute": st.sampled_from(["renewal", "birth_date", "created_at", "ação 🎉"])},
        optional={"at": st.just("23:59")},
    )
    | st.tuples(st.sampled_from(["plus", "minus"]), spans).map(
        lambda one: {"attribute": "renewal", one[0]: span_text(one[1])}
    )
)


@given(written)
def test_what_is_written_is_read_and_said_back(text: Any) -> None:
    found = parse_until(text, "until")
    assert parse_until(until_data(found), "until") == found
    assert until_data(found) == text


names = st.from_regex(r"[a-z][a-z0-9_]{0,15}", fullmatch=True).filter(
    lambda name: name not in {"else", "control", "next", "missing", "left", "published"}
)


@given(
    st.lists(names, min_size=1, max_size=7, unique=True),
    st.sampled_from(["audience_paths", "action_paths"]),
    st.data(),
)
def test_paths_keep_their_order_and_their_edges(
    found: list[str], kind: str, data: st.DataObject
) -> None:
    """Whatever their names: each is an edge, where it leads is kept, and `else` comes last."""
    ends = ["end", None]
    leads = [data.draw(st.sampled_from(ends)) for _ in found]
    ask: dict[str, Any] = (
        {"if": {"has": "email"}} if kind == "audience_paths" else {"on": [{"purchase": "any"}]}
    )
    paths = [
        {"name": name} | ask | ({"next": to} if to else {})
        for name, to in zip(found, leads, strict=True)
    ]
    step = {"kind": kind, "paths": paths, "else": "end"}
    draft = {"canvas": "X", "entry": {"at": "launch", "first": "step"}}
    graph = from_data(draft | {"steps": {"step": step, "end": {"kind": "exit"}}})
    assert from_data(to_data(graph)) == graph
    edges = next(one for one in graph.steps.values() if one.kind == kind).edges()
    assert list(edges.items()) == [*zip(found, leads, strict=True), ("else", "end")]
