"""Match keys follow identifiers; shared keys follow match keys, whatever the order of changes."""

from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.people import Person, batch

from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.people.consent import Consent, ConsentState
from towpath.people.match_field import ALL_FIELDS, MatchField
from towpath.people.people_set import numbers, people
from towpath.people.profile import Device
from towpath.store import match_keys, profiles, shared_keys, workspaces
from towpath.store.database import Db, int4_array

EMAIL, PHONE, IDFA, GAID = ALL_FIELDS
ONE, TWO = (f"{n}" * 8 + "-0000-4000-8000-000000000000" for n in (1, 2))


@pytest.fixture
def workspace(db: Db, now: Instant) -> WorkspaceId:
    return workspaces.ensure_default(db, now).id


def digest(value: str) -> bytes:
    return sha256(value.encode()).digest()


def key_of(db: Db, field: MatchField) -> bytes | None:
    """The key of the first person."""
    found = match_keys.read_digests(db, people([0]), (field,))
    return found[0].digests[field] if found else None


def test_the_key_is_that_of_the_newest_device_that_allows_tracking(
    db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    hours = iter(range(100))

    def hand_in(person: Person) -> bytes | None:
        moment = now + timedelta(hours=next(hours))
        profiles.upsert(db, workspace, batch(person), moment)
        return key_of(db, IDFA)

    assert hand_in(Person("u", idfa=Device(ONE, None))) == digest(ONE)
    assert hand_in(Person("u", idfa=Device(TWO, True))) == digest(TWO)
    assert hand_in(Person("u", mail="a@b.co")) == digest(TWO)
    assert hand_in(Person("u", idfa=Device(TWO, False))) == digest(ONE)
    assert hand_in(Person("u", idfa=Device(TWO, None))) == digest(ONE)
    assert hand_in(Person("u", idfa=Device(TWO, True))) == digest(TWO)
    assert hand_in(Person("u", idfa=Device(ONE, None))) == digest(ONE)
    assert hand_in(Person("u", tracking=False)) is None
    assert hand_in(Person("u", tracking=True)) == digest(ONE)
    assert key_of(db, GAID) is None


def test_presence_and_digests_by_shape(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    shapes = [(n & 1, n & 2, n & 4, n & 8) for n in range(16)] * 3
    given_people = [
        Person(
            f"u{n}",
            mail=f"u{n}@b.co" if mail else None,
            number=f"+55119{n:08}" if number else None,
            idfa=Device(f"{n:08}{ONE[8:]}", None) if idfa else None,
            gaid=Device(f"{n:08}{TWO[8:]}", None) if gaid else None,
        )
        for n, (mail, number, idfa, gaid) in enumerate(shapes)
    ]
    profiles.upsert(db, workspace, batch(*given_people), now)
    everybody = people(range(48))
    presence = match_keys.key_presence(db, int4_array(people(range(60))))
    for place, field in enumerate(ALL_FIELDS):
        assert presence[field] == people(n for n in range(48) if n >> place & 1)
    for members in (everybody, everybody - people([7, 20])):
        for fields in ((EMAIL,), (EMAIL, PHONE), (PHONE, GAID), ALL_FIELDS):
            pairs = set()
            for group in match_keys.read_digests(db, members, fields):
                columns = [group.digests.get(field) for field in fields]
                assert {len(column) for column in columns if column} == {32 * group.people}
                for n in range(group.people):
                    at = slice(32 * n, 32 * n + 32)
                    pairs.add(tuple(column[at] if column else None for column in columns))
            assert pairs == {
                row
                for n in numbers(members)
                if any(row := tuple(_expected(int(n), shapes[n], field) for field in fields))
            }
    assert match_keys.read_digests(db, people(), ALL_FIELDS) == []
    assert match_keys.read_digests(db, people([0, 16]), ALL_FIELDS) == []


def _expected(n: int, shape: tuple[int, ...], field: MatchField) -> bytes | None:
    values = (f"u{n}@b.co", f"+55119{n:08}", f"{n:08}{ONE[8:]}", f"{n:08}{TWO[8:]}")
    place = ALL_FIELDS.index(field)
    return digest(values[place]) if shape[place] else None


def test_holders_with_those_who_withdrew(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    no = Consent(ConsentState.WITHDRAWN, None, None)
    given_people = [
        Person("u0", mail="a@b.co", number="+5511912345678"),
        Person("u1", mail="a@b.co", consent=no),
        Person("u2", mail="a@b.co", idfa=Device(ONE, None)),
        Person("u3", number="+5511912345678"),
        Person("u4", mail="own@b.co", gaid=Device(ONE, None)),
    ]
    profiles.upsert(db, workspace, batch(*given_people), now)
    mail, number = shared_keys.holders(db, workspace, people([0]))
    assert (mail.field, mail.digest) == (EMAIL, digest("a@b.co"))
    assert (mail.holders, mail.withdrawn) == (people([0, 1, 2]), people([1]))
    assert (number.field, number.holders, number.withdrawn) == (PHONE, people([0, 3]), people())
    assert shared_keys.holders(db, workspace, people([3, 4])) == [number]
    assert shared_keys.holders(db, workspace, people([4])) == []
    assert shared_keys.holders(db, workspace, people()) == []


_CHANGES = st.lists(
    st.dictionaries(
        st.integers(0, 5),
        st.tuples(
            st.sampled_from([None, "a@b.co", "c@d.co"]),
            st.sampled_from([None, "+5511912345678"]),
            st.sampled_from([None, ONE, TWO]),
            st.sampled_from([None, True, False]),
        ),
        min_size=1,
    ),
    max_size=5,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rounds=_CHANGES)
def test_shared_keys_are_those_that_two_hold(
    db: Db,
    workspace: WorkspaceId,
    now: Instant,
    rounds: list[dict[int, tuple[str, str, str, bool]]],
) -> None:
    db.execute("truncate profile, device, match_key, shared_key")
    for count, change in enumerate(rounds):
        handed_in = [
            Person(
                f"u{n}",
                mail=mail,
                number=number,
                idfa=Device(device, allowed) if device else None,
                tracking=None if device else allowed,
            )
            for n, (mail, number, device, allowed) in change.items()
        ]
        moment = now + timedelta(seconds=count)
        profiles.upsert(db, workspace, batch(*handed_in), moment)
        assert shared(db) == held_by_two(db)


def shared(db: Db) -> set[tuple[object, ...]]:
    return set(db.execute("select field, digest, profile from shared_key").fetchall())


def held_by_two(db: Db) -> set[tuple[object, ...]]:
    held: dict[tuple[int, object], set[object]] = {}
    for profile, *keys in db.execute("select profile, email, phone, idfa, gaid from match_key"):
        for place, key in enumerate(keys):
            if key is not None:
                held.setdefault((1 << place, key), set()).add(profile)
    return {(*key, profile) for key, who in held.items() if len(who) > 1 for profile in who}
