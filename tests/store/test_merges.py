"""Merges: what goes over to the survivor, and what stays of the absorbed."""

from datetime import timedelta
from functools import partial
from operator import and_
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.people import BORN, Person, batch

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.consent import Consent, ConsentState
from towpath.people.events import EventKind, EventName, Happening
from towpath.people.people_set import people
from towpath.people.profile import Device
from towpath.store import aliases, events, merges, profiles, shared_keys, workspaces
from towpath.store.database import Db, int4_array
from towpath.store.events import Event

BOUGHT = EventName(EventKind.EVENT, "bought")
IDFA = "0123abcd-0123-4567-89ab-0123456789ab"


@pytest.fixture
def workspace(db: Db, now: Instant) -> WorkspaceId:
    """The workspace."""
    return workspaces.ensure_default(db, now).id


def stored(db: Db, number: int, columns: str) -> tuple[Any, ...]:
    """Columns of a profile."""
    row = db.execute(
        f"select {columns} from profile where number = {number}".encode()  # noqa: S608
    ).fetchone()
    assert row is not None
    return row


def test_blanks_are_filled_and_nothing_else(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """The survivor keeps what it has; events, devices and aliases move; the absorbed is blank."""
    absorbed = Person(
        "old", mail="old@example.com", number="+5511912345678", country="BR", language="pt",
        birth_date=BORN, idfa=Device(IDFA, None), attributes={"points": 3, "vip": True},
    )  # fmt: skip
    kept = Person("new", mail="new@example.com", country="PT", attributes={"points": 1.5})
    profiles.upsert(db, workspace, batch(absorbed, kept), now)
    aliases.add(db, workspace, {("shop", "a"): 0, ("shop", "b"): 1})
    with db.transaction():
        events.append(db, workspace, [Event(0, Happening(BOUGHT, now))], now)
    merges.merge(db, workspace, [(0, 1)], now + timedelta(hours=1))
    found = stored(db, 1, "external_id, email, phone, country, language, birth_date, attributes")
    assert found == (
        "new", "new@example.com", "+5511912345678", "PT", "pt", BORN, {"points": 1.5, "vip": True}
    )  # fmt: skip
    gone = stored(db, 0, "external_id, email, phone, birth_date, attributes, gone_at, merged_into")
    assert gone == (None, None, None, None, {}, now + timedelta(hours=1), 1)
    assert aliases.resolve(db, workspace, [("shop", "a"), ("shop", "b")]) == {
        ("shop", "a"): 1, ("shop", "b"): 1
    }  # fmt: skip
    assert db.execute("select profile from event").fetchall() == [(1,)]
    assert db.execute("select profile, value from device").fetchall() == [(1, IDFA)]
    keys = db.execute("select idfa is not null, phone is not null from match_key order by profile")
    assert keys.fetchall() == [(True, True), (True, True)]


def test_keys_that_went_over_are_shared_with_the_number_that_is_gone(
    db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    """So the survivor shields them from a removal; the survivor's consent is asked of both."""
    granted = Consent(ConsentState.GRANTED, "shop", now)
    absorbed = Person("old", mail="ana@example.com", consent=granted)
    profiles.upsert(db, workspace, batch(absorbed, Person("new")), now)
    merges.merge(db, workspace, [(0, 1)], now)
    (key,) = shared_keys.holders(db, workspace, people([1]))
    assert (key.holders, key.withdrawn) == (people([0, 1]), people())
    out = Consent(ConsentState.WITHDRAWN, None, now + timedelta(hours=1))
    profiles.upsert(db, workspace, batch(Person("new", consent=out)), now)
    (key,) = shared_keys.holders(db, workspace, people([1]))
    assert key.withdrawn == people([0, 1])


@pytest.mark.parametrize(
    ("first", "second", "stricter"),
    [
        (ConsentState.WITHDRAWN, ConsentState.GRANTED, 2),
        (ConsentState.GRANTED, ConsentState.WITHDRAWN, 2),
        (ConsentState.GRANTED, ConsentState.UNKNOWN, 1),
        (ConsentState.UNKNOWN, ConsentState.GRANTED, 1),
    ],
)
@pytest.mark.parametrize("data", [True, False])
def test_the_stricter_consent_wins(
    db: Db,
    workspace: WorkspaceId,
    now: Instant,
    first: ConsentState,
    second: ConsentState,
    stricter: int,
    *,
    data: bool,
) -> None:
    """Whenever each was said, and whether or not data goes over."""
    old = Consent(first, "old", now - timedelta(days=9))
    new = Consent(second, "new", now - timedelta(days=1))
    profiles.upsert(
        db, workspace, batch(Person("old", consent=old), Person("new", consent=new)), now
    )
    merges.merge(db, workspace, [(0, 1)], now, data=data)
    assert stored(db, 1, "consent") == (stricter,)
    sets = profiles.consent_sets(db, int4_array(people([0, 1])))
    assert sets.granted | sets.withdrawn | sets.unknown == people([1])


def test_without_data_only_the_name_goes_over(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """Events and devices of the absorbed are dropped."""
    absorbed = Person("old", mail="old@example.com", idfa=Device(IDFA, None))
    profiles.upsert(db, workspace, batch(absorbed, Person("new")), now)
    aliases.add(db, workspace, {("shop", "a"): 0})
    with db.transaction():
        events.append(db, workspace, [Event(0, Happening(BOUGHT, now))], now)
    merges.merge(db, workspace, [(0, 1)], now, data=False)
    assert stored(db, 1, "email") == (None,)
    assert aliases.resolve(db, workspace, [("shop", "a")]) == {("shop", "a"): 1}
    assert db.execute("select (select count(*) from event), (select count(*) from device)"
    ).fetchone() == (0, 0)  # fmt: skip


def test_many_into_one_and_a_chain(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """The one changed last fills a blank; who was absorbed before follows the survivor, who takes
    the external id that it lacked."""
    for place, (name, country) in enumerate([("a", "BR"), ("b", "PT"), ("c", None)]):
        at = now + timedelta(minutes=place)
        profiles.upsert(db, workspace, batch(Person(name, country=country)), at)
    nameless = batch(Person("x", attributes={"n": 1}))
    nameless.external_id[0] = None
    profiles.upsert(db, workspace, nameless, now)
    merges.merge(db, workspace, [(0, 2), (1, 2)], now + timedelta(hours=1))
    assert stored(db, 2, "country") == ("PT",)
    merges.merge(db, workspace, [(2, 3)], now + timedelta(hours=2))
    assert stored(db, 3, "external_id, country, attributes") == ("c", "PT", {"n": 1})
    rows = db.execute("select number, merged_into from profile order by number").fetchall()
    assert rows == [(0, 3), (1, 3), (2, 3), (3, None)]
    for members, entered, both in (
        ([3, 9], [1, 7], [3]),
        ([3, 9], [9, 0], [3, 9]),
        ([3, 9], [7], []),
        ([9], [1], []),
        ([], [1], []),
    ):
        found = merges.as_one(db, people(members), partial(and_, people(entered)))
        assert found == people(both)


PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12)


@given(PAIRS)
def test_everybody_ends_in_one_who_survives(pairs: list[tuple[int, int]]) -> None:
    """Nobody is merged into somebody absorbed, and whoever was named together ends together."""
    into = merges.settled(pairs)
    assert not into.keys() & set(into.values())
    for first, second in pairs:
        assert into.get(first, first) == into.get(second, second)
    named = {number for pair in pairs for number in pair}
    groups = {into.get(number, number) for number in named}
    assert len(groups) + len(into) == len(named)
