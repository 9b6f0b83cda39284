"""Upserting people: only what differs is written, numbers stay dense, the later word holds."""

from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from tests.store.people import BORN, Person, batch

from towpath.clock import Instant
from towpath.errors import NotFoundError
from towpath.ids import WorkspaceId
from towpath.people.consent import Consent, ConsentState
from towpath.people.people_set import people
from towpath.people.profile import Device, merge_same
from towpath.store import profiles, workspaces
from towpath.store.database import Db, connect, int4_array

TABLES = ("profile", "device", "match_key", "shared_key")


@pytest.fixture
def workspace(db: Db, now: Instant) -> WorkspaceId:
    return workspaces.ensure_default(db, now).id


def contents(db: Db) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the people tables, with the transaction that wrote each."""
    return {
        name: sorted(
            db.execute(SQL("select xmin, t::text from {} t").format(Identifier(name))).fetchall(),
            key=str,
        )
        for name in TABLES
    }


def column(db: Db, name: str) -> list[object]:
    """A column of all profiles in the order of their numbers."""
    ask = SQL("select {} from profile order by number").format(Identifier(name))
    return [row[0] for row in db.execute(ask)]


def test_everything_is_stored(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    said = Consent(ConsentState.GRANTED, "a\tform\\N", now)
    full = Person(
        "ü\\1", mail="a@b.co", number="+5511912345678", idfa=Device("d" * 36, None), consent=said,
        country="BR", language="pt-BR", first_name="A\nb", last_name="\\N", birth_date=BORN,
        attributes={"plan": 'p"r\\o', "points": Decimal("1.50"), "big": 2**53 + 1, "vip": True},
    )  # fmt: skip
    done = profiles.upsert(db, workspace, batch(full), now)
    assert (done.people, done.new, done.changed, done.keys_changed) == (1, 1, 0, people([0]))
    row = db.execute(
        "select number, external_id, email, phone, country, language, first_name, last_name,"
        " birth_date, attributes::text, consent, consent_source, consent_at, created_at, updated_at"
        " from profile"
    ).fetchone()
    assert row is not None
    assert row[:9] == (
        0, "ü\\1", "a@b.co", "+5511912345678", "BR", "pt-BR", "A\nb", "\\N", BORN
    )  # fmt: skip
    assert '"points": 1.50' in str(row[9])
    assert f'"big": {2**53 + 1}' in str(row[9])
    assert row[10:] == (1, "a\tform\\N", now, now, now)


def test_the_same_again_writes_nothing(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    given = batch(
        Person("u1", mail="a@b.co", idfa=Device("d" * 36, True), attributes={"points": 1}),
        Person("u2", mail="a@b.co", consent=Consent(ConsentState.GRANTED, "form", None)),
        Person("u3", tracking=False, consent=Consent(ConsentState.WITHDRAWN, None, now)),
        Person("u4", mail_hash=b"h" * 32),
    )
    profiles.upsert(db, workspace, given, now)
    before = contents(db)
    assert len(before["shared_key"]) == 2
    done = profiles.upsert(db, workspace, given, now + timedelta(days=1))
    assert (done.new, done.changed, len(done.keys_changed)) == (0, 0, 0)
    assert contents(db) == before


def test_numbers_are_dense_and_follow_the_rows(
    db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    profiles.upsert(db, workspace, batch(*(Person(f"z{n}") for n in range(9, 0, -1))), now)
    again = [Person(f"z{n}") for n in range(9)]
    profiles.upsert(db, workspace, batch(*again, Person("a"), Person("b")), now)
    assert column(db, "number") == list(range(12))
    assert column(db, "external_id") == [f"z{n}" for n in range(9, 0, -1)] + ["z0", "a", "b"]


def test_empty_leaves_as_it_is(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    first = Person("u", mail="a@b.co", country="BR", attributes={"plan": "pro", "city": "Rio"})
    profiles.upsert(db, workspace, batch(first), now)
    later = now + timedelta(hours=1)
    second = Person("u", number="+5511912345678", attributes={"plan": "free"})
    done = profiles.upsert(db, workspace, batch(second), later)
    assert (done.new, done.changed, done.keys_changed) == (0, 1, people([0]))
    assert (column(db, "email"), column(db, "country")) == (["a@b.co"], ["BR"])
    assert column(db, "attributes") == [{"plan": "free", "city": "Rio"}]
    assert (column(db, "created_at"), column(db, "updated_at")) == ([now], [later])


def test_workspaces_do_not_mix(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    db.execute("insert into workspace (name, created_at) values ('other', %b)", (now,))
    profiles.upsert(db, workspace, batch(Person("u", mail="a@b.co")), now)
    profiles.upsert(db, WorkspaceId(workspace + 1), batch(Person("u", mail="a@b.co")), now)
    assert column(db, "workspace") == [workspace, workspace + 1]
    assert contents(db)["shared_key"] == []
    with pytest.raises(NotFoundError):
        profiles.upsert(db, WorkspaceId(9), batch(Person("u")), now)


def test_consent_said_later_holds(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    def say(state: ConsentState, at: Instant | None, handed_in: Instant) -> list[object]:
        spoken = Consent(state, None, at)
        profiles.upsert(db, workspace, batch(Person("u", consent=spoken)), handed_in)
        return column(db, "consent") + column(db, "consent_at")

    hour = timedelta(hours=1)
    assert say(ConsentState.GRANTED, now, now) == [1, now]
    assert say(ConsentState.WITHDRAWN, now - hour, now) == [1, now]
    assert say(ConsentState.WITHDRAWN, now, now) == [2, now]
    assert say(ConsentState.GRANTED, now, now) == [2, now]
    assert say(ConsentState.GRANTED, None, now + hour) == [1, now + hour]
    assert say(ConsentState.GRANTED, None, now + 2 * hour) == [1, now + hour]
    assert say(ConsentState.UNKNOWN, None, now + 2 * hour) == [0, now + 2 * hour]


def test_a_hash_alone_keeps_only_the_clear_value_it_belongs_to(
    db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    known = Person("u", mail="a@b.co")
    profiles.upsert(db, workspace, batch(known), now)
    digest = known.cells["email"][1]  # type: ignore[index]
    assert profiles.upsert(db, workspace, batch(Person("u", mail_hash=digest)), now).changed == 0
    assert column(db, "email") == ["a@b.co"]
    profiles.upsert(db, workspace, batch(Person("u", mail_hash=b"x" * 32)), now)
    assert column(db, "email") == [None]


def test_a_failed_batch_leaves_nothing(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    with pytest.raises(psycopg.Error):
        profiles.upsert(db, workspace, batch(Person("good"), Person("x" * 300)), now)
    assert contents(db) == {name: [] for name in TABLES}


def test_consent_sets_and_countries(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    given = [
        Person("u0", consent=Consent(ConsentState.GRANTED, None, None)),
        Person("u1", consent=Consent(ConsentState.WITHDRAWN, None, None), country="BR"),
        Person("u2", consent=Consent(ConsentState.UNKNOWN, None, None)),
        Person("u3"),
    ]
    profiles.upsert(db, workspace, batch(*given), now)
    found = profiles.consent_sets(db, int4_array(people([0, 1, 2, 3, 9])))
    assert found.granted == people([0])
    assert found.withdrawn == people([1])
    assert found.unknown == people([2, 3])
    assert profiles.countries(db, workspace, ["u0", "u1", "none"]) == {"u1": "BR"}
    assert profiles.countries(db, workspace, []) == {}


def test_two_writers_wait_for_each_other(
    db: Db, database_url: str, workspace: WorkspaceId, now: Instant
) -> None:
    with connect(database_url) as other:
        other.execute("set lock_timeout = '50ms'")
        with db.transaction():
            profiles.upsert(db, workspace, batch(Person("u1")), now)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                profiles.upsert(other, workspace, batch(Person("u1")), now)
        profiles.upsert(other, workspace, batch(Person("u1"), Person("u2")), now)
    assert column(db, "number") == [0, 1]


def test_rows_by_number_and_rows_of_nobody_known(
    db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    profiles.upsert(db, workspace, batch(Person("u", country="BR"), Person("gone")), now)
    db.execute("update profile set gone_at = %b, external_id = null where number = 1", (now,))
    given = batch(
        Person(None, known=0, time_zone="America/Sao_Paulo"),
        Person(None, country="PT"),
        Person(None, known=1, country="FR"),
        Person("new", country="US"),
    )
    done = profiles.upsert(db, workspace, given, now)
    assert (done.new, done.changed, list(done.numbers)) == (2, 1, [0, 2, 1, 3])
    assert column(db, "external_id") == ["u", None, None, "new"]
    assert column(db, "country") == ["BR", None, "PT", "US"]
    assert column(db, "time_zone") == ["America/Sao_Paulo", None, None, None]


def test_numbers_of_another_workspace_are_nobody(
    db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    db.execute("insert into workspace (name, created_at) values ('other', %b)", (now,))
    profiles.upsert(db, WorkspaceId(workspace + 1), batch(Person("u")), now)
    done = profiles.upsert(db, workspace, batch(Person(None, known=0, country="BR")), now)
    assert (done.new, done.changed, column(db, "country")) == (0, 0, [None])


def test_an_attribute_that_is_none_goes(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    profiles.upsert(db, workspace, batch(Person("u", attributes={"plan": "pro", "n": [1]})), now)
    done = profiles.upsert(db, workspace, batch(Person("u", attributes={"plan": None})), now)
    assert (done.changed, column(db, "attributes")) == (1, [{"n": [1]}])
    both = Person("u", attributes={"n": None, "none": None, "map": {"a": None}})
    profiles.upsert(db, workspace, batch(both, Person("v", attributes={"x": None})), now)
    assert column(db, "attributes") == [{"map": {"a": None}}, {}]


def test_same_people_are_merged_by_number_too() -> None:
    given = merge_same(
        batch(
            Person(None, known=7, country="BR"),
            Person(None, country="PT"),
            Person(None, known=7, language="pt"),
            Person(None, country="FR"),
            Person("7", country="US"),
        )
    )
    assert given.number == [7, None, None, None]
    assert given.country == ["BR", "PT", "FR", "US"]
    assert given.language == ["pt", None, None, None]


def test_all_new_people_end_as_merged_ones_do(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    """The short way for people of whom nobody is stored writes what the long way would."""
    other = WorkspaceId(workspace + 1)
    db.execute("insert into workspace (name, created_at) values ('other', %b)", (now,))
    old = batch(Person("old", mail="a@b.co"))
    people_given = (
        Person("u1", mail="a@b.co", number="+5511912345678", attributes={"a": 1, "b": None}),
        Person("u2", number="+5511912345678", consent=Consent(ConsentState.GRANTED, "x", None)),
        Person("u3", mail_hash=b"h" * 32, country="BR", birth_date=BORN, time_zone="UTC"),
        Person("u4"),
    )
    with_device = Person("u5", idfa=Device("d" * 36, True))  # so that the long way is taken
    for one in (workspace, other):
        profiles.upsert(db, one, old, now)
    short = profiles.upsert(db, workspace, batch(*people_given), now)
    done = profiles.upsert(db, other, batch(*people_given, with_device), now)
    assert (short.new, done.new, len(short.keys_changed), len(done.keys_changed)) == (4, 5, 3, 4)
    rows = (
        "select external_id, email, phone, country, birth_date, time_zone, attributes, consent,"
        " consent_source, consent_at, created_at, updated_at,"
        " (select array[k.email, k.phone] from match_key k where k.profile = p.number),"
        " (select array_agg(s.digest order by s.digest) from shared_key s"
        " where s.profile = p.number)"
        " from profile p where workspace = %b and external_id <> 'u5' order by number"
    )
    assert db.execute(rows, (workspace,)).fetchall() == db.execute(rows, (other,)).fetchall()
    assert len(db.execute("select from shared_key").fetchall()) == 8
