"""Calls of /users/track, stored: who is meant, what stands afterwards, and what is answered."""

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from towpath.clock import Instant
from towpath.errors import ConflictError
from towpath.ids import WorkspaceId
from towpath.people.track import read_call
from towpath.store import tracking, workspaces
from towpath.store.database import Db
from towpath.store.idempotent_answers import Answer, Asked
from towpath.store.tracking import Received

WHEN = "2026-03-01T11:00:00Z"
ROUTE = "POST /users/track"
PHONE = "+5511987654321"


@pytest.fixture
def workspace(db: Db, now: Instant) -> WorkspaceId:
    return workspaces.ensure_default(db, now).id


class Desk:
    """Hands calls in and looks at what stands."""

    def __init__(self, db: Db, workspace: WorkspaceId, now: Instant) -> None:
        self.db, self.workspace, self.now = db, workspace, now

    def track(self, **arrays: list[dict[str, Any]]) -> dict[str, Any]:
        """The answer to one call."""
        (answer,) = self.track_all(arrays)
        return answer

    def track_all(self, *bodies: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """The answers to calls that were gathered."""
        calls = [Received(read_call(json.dumps(body).encode(), self.now), None) for body in bodies]
        found = tracking.store(self.db, self.workspace, calls, self.now)
        return [json.loads(one.body) for one in found if isinstance(one, Answer)]

    def person(self, external_id: str, column: str) -> Any:
        """A column of a person."""
        statement = f"select {column} from profile where external_id = %s"  # noqa: S608
        row = self.db.execute(statement.encode(), (external_id,)).fetchone()
        assert row is not None, external_id
        return row[0]

    def events(self) -> list[tuple[Any, ...]]:
        """All events in the order of their ids: whose, what, when."""
        return self.db.execute(
            "select coalesce(p.external_id, p.email), n.name, e.at from event e"
            " join event_name n on n.id = e.name join profile p on p.number = e.profile"
            " order by e.id"
        ).fetchall()

    def count(self) -> int:
        """How many people there are."""
        row = self.db.execute("select count(*) from profile").fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def desk(db: Db, workspace: WorkspaceId, now: Instant) -> Desk:
    return Desk(db, workspace, now)


def did(external_id: str = "ana", name: str = "viewed", **more: Any) -> dict[str, Any]:
    return {"external_id": external_id, "name": name, "time": WHEN, **more}


def test_attributes_then_events_then_purchases(desk: Desk) -> None:
    answer = desk.track(
        purchases=[
            {"external_id": "ana", "product_id": "shoe", "currency": "brl", "price": 10.10,
             "quantity": 3, "time": WHEN}
        ],
        events=[did(), did(name="left", properties={"n": 1})],
        attributes=[{"external_id": "ana", "email": "Ana@Ex.co", "plan": "gold", "points": 2**70}],
    )  # fmt: skip
    assert answer == {
        "message": "success",
        "attributes_processed": 1,
        "events_processed": 2,
        "purchases_processed": 1,
    }
    assert desk.person("ana", "email") == "ana@ex.co"
    assert desk.person("ana", "attributes->>'points'") == str(2**70)
    assert [name for _, name, _ in desk.events()] == ["viewed", "left", "shoe"]
    row = desk.db.execute(
        "select amount::text, currency, quantity from event where amount is not null"
    ).fetchone()
    assert row == ("30.300000", "BRL", 3)


def test_people_by_every_identifier(desk: Desk) -> None:
    desk.track(
        attributes=[
            {"external_id": "ana", "email": "ana@ex.co", "phone": PHONE},
            {"user_alias": {"alias_label": "crm", "alias_name": "7"}, "first_name": "Bia"},
        ]
    )
    number = str(desk.person("ana", "number"))
    alias = {"alias_label": "crm", "alias_name": "7"}
    answer = desk.track(
        attributes=[
            {"email": "ana@ex.co", "a": 1},
            {"phone": PHONE, "b": 2},
            {"profile_id": number, "c": 3},
            {"braze_id": number, "d": 4},
            {"user_alias": alias, "last_name": "Reis"},
            {"profile_id": "999999", "e": 5},
        ],
        events=[{"user_alias": alias, "name": "opened", "time": WHEN}],
    )
    assert desk.person("ana", "attributes") == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert desk.count() == 2
    assert answer["attributes_processed"] == 5
    assert answer["errors"] == [
        {"type": "profile_id is nobody's", "input_array": "attributes", "index": 5,
         "field": "profile_id"}
    ]  # fmt: skip
    (bia,) = desk.db.execute("select first_name, last_name from profile where first_name = 'Bia'")
    assert bia == ("Bia", "Reis")


def test_unknown_people_are_made_unless_unwanted(desk: Desk) -> None:
    alias = {"alias_label": "crm", "alias_name": "7"}
    answer = desk.track(
        attributes=[{"external_id": "nobody", "_update_existing_only": True, "a": 1}],
        events=[
            did("ana"),
            {"email": "bia@ex.co", "name": "viewed", "time": WHEN},
            {"email": "bia@ex.co", "name": "viewed", "time": WHEN},
            {"phone": PHONE, "name": "viewed", "time": WHEN},
            {"user_alias": alias, "name": "viewed", "time": WHEN},
            did("eva", _update_existing_only=True),
            did("ana", _update_existing_only=True),
        ],
    )
    assert (answer["events_processed"], "attributes_processed" in answer) == (6, False)
    assert [(one["input_array"], one["index"]) for one in answer["errors"]] == [
        ("attributes", 0),
        ("events", 5),
    ]
    assert desk.count() == 4
    assert len(desk.events()) == 6


def test_the_same_person_many_times_is_one_row_in_order(desk: Desk) -> None:
    desk.track(
        attributes=[
            {"external_id": "ana", "a": 1, "b": 1, "email": "one@ex.co"},
            {"external_id": "ana", "a": 2, "b": None, "email": "two@ex.co"},
            {"external_id": "ana", "c": {"inc": 2}},
            {"external_id": "ana", "c": {"inc": 2.5}, "tags": {"add": ["x", "y"]}},
            {"external_id": "ana", "tags": {"remove": ["x"]}},
        ]
    )
    assert desk.person("ana", "attributes::text") == '{"a": 2, "c": 4.5, "tags": ["y"]}'
    assert desk.person("ana", "email") == "two@ex.co"


def test_operations_on_what_is_stored(desk: Desk) -> None:
    desk.track(
        attributes=[{"external_id": "ana", "n": 0.1, "tags": ["a", "b"], "pets": [{"id": 1}],
                     "home": {"city": "Rio", "geo": {"x": 1}}, "plan": "gold"}]
    )  # fmt: skip
    answer = desk.track(
        attributes=[
            {
                "external_id": "ana",
                "n": {"inc": 0.2},
                "tags": {"add": ["a", "c"]},
                "pets": {
                    "$add": [{"id": 2}],
                    "$update": [
                        {"$identifier_key": "id", "$identifier_value": 1, "$new_object": {"n": "R"}}
                    ],
                },
                "plan": {"inc": 1},
            },
            {"external_id": "ana", "home": {"geo": {"y": 2}}, "_merge_objects": True},
            {"external_id": "ana", "pets": {"$remove": [
                {"$identifier_key": "id", "$identifier_value": 2}]}},
        ]
    )  # fmt: skip
    assert desk.person("ana", "attributes") == {
        "n": 0.3,
        "tags": ["b", "a", "c"],
        "pets": [{"id": 1, "n": "R"}],
        "home": {"city": "Rio", "geo": {"x": 1, "y": 2}},
        "plan": "gold",
    }
    assert [one["field"] for one in answer["errors"]] == ["plan"]
    assert answer["attributes_processed"] == 3


def test_a_phone_without_country_code_needs_a_country(desk: Desk) -> None:
    local = "11 98765-4321"
    assert desk.track(attributes=[{"external_id": "ana", "phone": local}])["errors"]
    desk.track(attributes=[{"external_id": "ana", "country": "BR"}])
    assert "errors" not in desk.track(attributes=[{"external_id": "ana", "phone": local}])
    assert desk.person("ana", "phone") == PHONE
    desk.track(attributes=[{"phone": local, "country": "BR", "external_id": "bia"}])
    assert desk.person("bia", "phone") == PHONE
    desk.db.execute("update workspace set default_country = 'BR'")
    desk.track(attributes=[{"external_id": "eva", "phone": local}])
    assert desk.person("eva", "phone") == PHONE


def test_every_device_is_kept(desk: Desk) -> None:
    ids = [f"6d92078a-8246-4ba4-ae5b-76104861e7d{n}" for n in range(4)]
    desk.track(
        attributes=[
            {
                "external_id": "ana",
                "devices": [
                    {"idfa": ids[0], "ad_tracking_enabled": True},
                    {"idfa": ids[1], "ad_tracking_enabled": False},
                    {"google_ad_id": ids[2].upper()},
                    {"idfa": "00000000-0000-0000-0000-000000000000"},
                ],
            }
        ]
    )
    rows = desk.db.execute("select kind, value, tracking_allowed from device order by value")
    assert rows.fetchall() == [
        ("idfa", ids[0], True),
        ("idfa", ids[1], False),
        ("gaid", ids[2], True),
    ]


def test_devices_of_several_objects_are_all_kept(desk: Desk) -> None:
    ids = [f"6d92078a-8246-4ba4-ae5b-76104861e7d{n}" for n in range(9)]
    devices = [{"idfa": one} for one in ids[:6]]
    first = {"external_id": "ana", "devices": devices[:4], "ad_tracking_enabled": False}
    desk.track_all(
        {"attributes": [{"external_id": "ana", "google_ad_id": ids[6]}, first]},
        {"attributes": [{"external_id": "ana", "devices": devices[2:]}]},
        {"attributes": [{"external_id": "bia", "google_ad_id": one} for one in ids[7:]]},
    )
    rows = desk.db.execute("select value, tracking_allowed from device order by value").fetchall()
    assert rows == [(one, one in ids[7:]) for one in ids]
    newest = desk.db.execute(
        "select distinct on (profile) value from device order by profile, kind desc, seen_at desc"
    )
    assert newest.fetchall() == [(ids[5],), (ids[8],)]
    keys = desk.db.execute("select idfa, gaid from match_key where profile = 1").fetchall()
    assert keys == [(None, sha256(ids[8].encode()).digest())]


def test_an_event_id_is_taken_once(desk: Desk) -> None:
    answer = desk.track(events=[did(id="e1"), did(id="e1"), did(id="e2")])
    assert answer["events_processed"] == 3
    one, two = desk.track_all({"events": [did(id="e2")]}, {"events": [did(id="e3")]})
    assert one["events_processed"] == two["events_processed"] == 1
    assert len(desk.events()) == 3


def test_gathered_calls_are_answered_each_for_itself(desk: Desk) -> None:
    first, second = desk.track_all(
        {"events": [did("ana"), did("bia", _update_existing_only=True)]},
        {"events": [did("eva"), {"external_id": 3, "name": "x", "time": WHEN}]},
    )
    assert [one["index"] for one in first["errors"]] == [1]
    assert [one["field"] for one in second["errors"]] == ["external_id"]
    assert [whose for whose, _, _ in desk.events()] == ["ana", "eva"]


def test_the_same_key_and_body_act_once(
    db: Db, workspace: WorkspaceId, now: Instant, desk: Desk
) -> None:
    def call(key: str, body: bytes) -> Received:
        return Received(read_call(body, now), Asked(ROUTE, key, body[:32].ljust(32)))

    body = json.dumps({"events": [did("ana")]}).encode()
    other = json.dumps({"events": [did("bia")]}).encode()
    differing = Received(read_call(other, now), Asked(ROUTE, "k", b"?"))
    first, again, clash = tracking.store(
        db, workspace, [call("k", body), call("k", body), differing], now
    )
    assert isinstance(first, Answer)
    assert again == first._replace(again=True)
    assert isinstance(clash, ConflictError)
    assert len(desk.events()) == 1
    later = now + timedelta(hours=1)
    assert tracking.store(db, workspace, [call("k", body)], later) == [again]
    assert tracking.store(db, workspace, [call("k", body)], later + timedelta(days=1)) != [again]


def test_nothing_is_half_stored(db: Db, workspace: WorkspaceId, now: Instant, desk: Desk) -> None:
    db.execute("alter table event add check (quantity is null)")
    call = read_call(
        json.dumps(
            {
                "attributes": [{"external_id": "ana"}],
                "purchases": [
                    {"external_id": "ana", "product_id": "x", "currency": "BRL", "price": 1,
                     "time": WHEN, "id": "e"}
                ],
            }
        ).encode(),
        now,
    )  # fmt: skip
    with pytest.raises(Exception, match="check"):
        tracking.store(db, workspace, [Received(call, Asked(ROUTE, "k", b""))], now)
    assert desk.count() == 0
    for table in ("event", "event_seen", "idempotent_answer"):
        assert db.execute(f"table {table}".encode()).fetchone() is None


OWN = ("email", "phone", "first_name", "last_name", "country", "language", "time_zone")


def test_null_takes_a_column_away(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    desk = Desk(db, workspace, now)
    said = {
        "email": "ana@example.com", "phone": PHONE, "first_name": "Ana", "last_name": "Lima",
        "country": "BR", "language": "pt-BR", "time_zone": "America/Sao_Paulo",
    }  # fmt: skip
    desk.track(attributes=[{"external_id": "ana", **said, "dob": "1990-02-03", "plan": "gold"}])
    gone = dict.fromkeys([*said, "dob"])
    assert "errors" not in desk.track(attributes=[{"external_id": "ana", **gone}])
    for column in (*OWN, "birth_date"):
        assert desk.person("ana", column) is None, column
    assert desk.person("ana", "attributes") == {"plan": "gold"}
    query = "select num_nonnulls(email, phone, idfa, gaid) from match_key"
    assert db.execute(query).fetchall() == [(0,)]


def test_of_a_value_and_null_the_later_row_holds(
    db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    desk = Desk(db, workspace, now)
    desk.track(
        attributes=[
            {"external_id": "ana", "email": "a@example.com", "country": None, "language": "pt"},
            {"external_id": "ana", "email": None, "country": "BR", "plan": "gold"},
            {"external_id": "new", "email": None, "dob": None, "birth_date": "1990-02-03"},
        ]
    )
    found = [desk.person("ana", one) for one in ("email", "country", "language", "attributes")]
    assert found == [None, "BR", "pt", {"plan": "gold"}]
    assert desk.person("new", "birth_date").isoformat() == "1990-02-03"
    assert desk.person("new", "attributes") == {}


def test_null_beside_a_hash_leaves_the_hash(db: Db, workspace: WorkspaceId, now: Instant) -> None:
    desk = Desk(db, workspace, now)
    desk.track(attributes=[{"external_id": "ana", "email": "ana@example.com"}])
    desk.track(attributes=[{"external_id": "ana", "email": None, "email_sha256": "ab" * 32}])
    assert desk.person("ana", "email") is None
    assert db.execute("select encode(email, 'hex') from match_key").fetchall() == [("ab" * 32,)]
