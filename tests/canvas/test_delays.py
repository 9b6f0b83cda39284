"""Spans of time as they are written, and the buckets in which people go on."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from towpath.canvas.delays import bucket_width, due_bucket, parse_span, span_text

MOST = timedelta(days=400)
SPANS = st.integers(1, 400 * 86_400).map(lambda count: timedelta(seconds=count))
MOMENTS = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001 hypothesis adds the zone
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=-30))]),
)


@given(SPANS)
def test_a_span_is_read_back_equal(span: timedelta) -> None:
    assert parse_span(span_text(span), "for", most=MOST) == span


def test_spans_are_written_in_their_greatest_unit() -> None:
    written = [span_text(timedelta(seconds=count)) for count in (1, 90, 120, 7200, 172_800)]
    assert written == ["1s", "90s", "2m", "2h", "2d"]


@given(MOMENTS, SPANS)
def test_nobody_is_early_and_nobody_a_bucket_late(arrived_at: datetime, delay: timedelta) -> None:
    late = due_bucket(arrived_at, delay) - (arrived_at + delay)
    assert timedelta() <= late < bucket_width(delay)
    assert late < max(delay / 1440, timedelta(seconds=1))
    assert timedelta(seconds=1) <= bucket_width(delay) <= timedelta(minutes=1)


@given(MOMENTS, MOMENTS, SPANS)
def test_who_comes_later_never_goes_on_earlier(
    one: datetime, other: datetime, delay: timedelta
) -> None:
    first, second = sorted((one, other))
    assert due_bucket(first, delay) <= due_bucket(second, delay)


@given(MOMENTS, SPANS)
def test_a_bucket_holds_at_its_own_edge(arrived_at: datetime, delay: timedelta) -> None:
    due = due_bucket(arrived_at, delay)
    assert due_bucket(due - delay, delay) == due
    assert due_bucket(due - delay + timedelta(microseconds=1), delay) == due + bucket_width(delay)


def test_widths() -> None:
    widths = {
        timedelta(seconds=5): 1,
        timedelta(seconds=59): 1,
        timedelta(hours=1): 2,
        timedelta(hours=12): 30,
        timedelta(days=1): 60,
        timedelta(days=31): 60,
    }
    assert {delay: bucket_width(delay).seconds for delay in widths} == widths


def test_without_a_delay_people_go_on_at_once() -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)
    assert due_bucket(moment, timedelta()) == moment
