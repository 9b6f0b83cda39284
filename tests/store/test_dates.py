"""Dates: PostgreSQL makes the groups that Python makes of one person after another."""

# ruff: noqa: DTZ001 - dates are stored as text, in UTC

from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.people import Person, batch

from towpath.clock import Instant
from towpath.people.filter import moment_key, time_key
from towpath.people.people_set import people
from towpath.store import dates, profiles, workspaces
from towpath.store.database import Db

OVER, FAR = timedelta(days=4), timedelta(days=4)

near = st.datetimes(datetime(2026, 2, 20), datetime(2026, 3, 12))
texts = st.one_of(
    near.map(lambda one: f"{one:%Y-%m-%dT%H:%M:%S}.{one.microsecond:06}Z"),
    near.map(lambda one: f"{one:%Y-%m-%dT%H:%M}Z"),
    near.map(lambda one: f"{one:%Y-%m-%dT%H:%M:%S}Z"),
    near.map(lambda one: f"{one:%Y-%m-%d}"),
    st.sampled_from(["", "soon", "2026-03-01T09:00", "2026-03-01\n", "9999-12-31", "0001-01-01"]),
)
values = st.one_of(texts, st.integers(), st.booleans(), st.none())
zones = st.sampled_from([None, "Europe/Berlin", "Asia/Tokyo"])


def model(
    held: dict[int, tuple[object, str | None]], over: str, far: str
) -> dict[tuple[str, bool, bool, bool, str | None], set[int]]:
    found: dict[tuple[str, bool, bool, bool, str | None], set[int]] = {}
    for number, (value, zone) in held.items():
        key = time_key(value) if isinstance(value, str) else None
        if key is None:
            continue
        is_over, is_far = key < over, key >= far
        text = "" if is_over else key[:10] if is_far else key[:16]
        later = not is_over and key[16:] > ":00.000000"
        group = (text, is_far, len(str(value)) == 10, later, None if is_over or is_far else zone)
        found.setdefault(group, set()).add(number)
    return found


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(values, zones, st.booleans()), min_size=1, max_size=40))
def test_groups(db: Db, now: Instant, told: list[tuple[object, str | None, bool]]) -> None:
    workspace = workspaces.ensure_default(db, now).id
    db.execute("delete from match_key")
    db.execute("delete from profile")
    given_people = [
        Person(f"p{place}", attributes={"when": one[0]}) for place, one in enumerate(told)
    ]
    profiles.upsert(db, workspace, batch(*given_people), now)
    rows = db.execute("select number, external_id from profile").fetchall()
    numbers = {int(external[1:]): number for number, external in rows}
    held: dict[int, tuple[object, str | None]] = {}
    for place, (value, zone, gone) in enumerate(told):
        db.execute(
            "update profile set time_zone = %s, gone_at = %s where number = %s",
            (zone, now if gone else None, numbers[place]),
        )
        if not gone:
            held[numbers[place]] = (value, zone)
    over, far = now - OVER, now + FAR
    everyone = people(numbers.values())
    found = dates.groups(db, everyone, "when", over, far)
    shown = {(one.text, one.far, one.bare, one.later, one.zone): set(one.members) for one in found}
    assert shown == model(held, moment_key(over), moment_key(far))
    by_zone: dict[str | None, set[int]] = {}
    for number, (_, zone) in held.items():
        by_zone.setdefault(zone, set()).add(number)
    assert {zone: set(members) for zone, members in dates.zones(db, everyone)} == by_zone
