"""Reading calls of /users/track: whatever comes, each object is taken or refused, and told once."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.errors import InputError
from towpath.people.columns import Refusal
from towpath.people.json_text import read_json
from towpath.people.track import TrackCall, read_call
from towpath.people.track_answer import answer, told
from towpath.people.whose import WhoKind

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHEN = "2026-03-01T11:00:00Z"

texts = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e307, 1e307) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from([
    "external_id", "user_alias", "profile_id", "email", "phone", "name", "time", "properties", "id",
    "product_id", "currency", "price", "quantity", "first_name", "country", "dob", "consent",
    "devices", "idfa", "ad_tracking_enabled", "time_zone", "email_sha256", "_merge_objects",
    "_update_existing_only", "plan",
])  # fmt: skip
objects = st.dictionaries(
    keys, values | st.sampled_from([WHEN, "ana", "BR", {"inc": 1}]), max_size=6
)
arrays = st.lists(objects | values, max_size=4)


def read(**body: Any) -> TrackCall:
    return read_call(json.dumps(body).encode(), NOW)


@given(st.fixed_dictionaries({"attributes": arrays, "events": arrays, "purchases": arrays}))
def test_each_object_is_taken_or_refused_once(body: dict[str, list[Any]]) -> None:
    if not any(body.values()):
        with pytest.raises(InputError):
            read(**body)
        return
    call = read(**body)
    taken = [("attributes", row.index) for row in call.people]
    taken += [(row.array, row.index) for row in call.events]
    refused = [(one.input_array, one.index) for one in call.errors if one.whole]
    there = [(array, place) for array, found in body.items() for place in range(len(found))]
    assert sorted(taken + refused) == sorted(there)
    assert [index for array, index in taken if array == "attributes"] == sorted(
        row.index for row in call.people
    )
    counted = json.loads(answer(call, []))
    processed = sum(counted.get(f"{array}_processed", 0) for array in body)
    assert processed == len(call)
    assert all(one["type"] for one in told(call.errors))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    with suppress(InputError):
        read_call(body, NOW)


@given(values)
def test_json_is_kept_as_it_came(value: Any) -> None:
    raw = json.dumps(value).encode()
    try:
        found = read_json(raw)
    except msgspec.DecodeError:  # half a surrogate pair is no text
        assert b"\\ud" in raw
        return
    assert isinstance(found, Refusal) == (b"\\u0000" in raw and _has_nul(value))


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_nul(one) for one in (*value, *value.values()))
    if isinstance(value, list):
        return any(_has_nul(one) for one in value)
    return isinstance(value, str) and "\0" in value


@given(st.integers(0, 48 * 3600))
def test_times_ahead_are_now_for_a_day(ahead_s: int) -> None:
    at = NOW + timedelta(seconds=ahead_s)
    call = read(events=[{"external_id": "ana", "name": "x", "time": at.isoformat()}])
    if ahead_s > 24 * 3600:
        assert [one.field for one in call.errors] == ["time"]
    else:
        assert call.events[0].happening.at == NOW


@given(st.sampled_from(["Z", "-03:00", "+05:30"]), st.integers(0, 10**6))
def test_times_are_moments(zone: str, before_s: int) -> None:
    local = (NOW - timedelta(days=30, seconds=before_s)).replace(tzinfo=None).isoformat()
    call = read(events=[{"external_id": "ana", "name": "x", "time": local + zone}])
    assert call.events[0].happening.at == datetime.fromisoformat(local + zone)


def test_an_email_names_whom_only_when_nothing_else_does() -> None:
    call = read(
        attributes=[
            {"external_id": "ana", "email": "ana@ex.co"},
            {"email": "ana@ex.co", "phone": "+5511987654321"},
            {"phone": "+5511987654321"},
            {"email": "no address"},
        ]
    )
    assert [row.who.kind for row in call.people] == [
        WhoKind.EXTERNAL_ID,
        WhoKind.EMAIL,
        WhoKind.PHONE,
    ]
    assert [(one.index, one.field) for one in call.errors] == [(3, "email")]


def test_an_id_without_a_permission_that_can_be_read_is_dropped() -> None:
    device = {"idfa": "6d92078a-8246-4ba4-ae5b-76104861e7dc", "ad_tracking_enabled": "maybe"}
    call = read(attributes=[{"external_id": "ana", **device}])
    assert "idfa" not in call.people[0].cells
    assert [one.field for one in call.errors] == ["ad_tracking_enabled"]


def test_a_consent_without_a_time_that_can_be_read_is_dropped_unless_withdrawn() -> None:
    for state, kept in (("granted", False), ("withdrawn", True)):
        consent = {"state": state, "at": "2027-01-01T00:00:00Z"}
        call = read(attributes=[{"external_id": "ana", "consent": consent}])
        assert ("consent" in call.people[0].cells) is kept
        assert [one.field for one in call.errors] == ["consent.at"]
