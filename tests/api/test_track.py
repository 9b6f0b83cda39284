"""POST /users/track on the real app: bad inputs T01 to T54 one by one, and durability."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.api.conftest import calling, key_of

from towpath.api import track_body
from towpath.api.callers import Scope
from towpath.clock import Instant
from towpath.ids import WorkspaceId
from towpath.limits import TRACK_BODY_BYTES_MAX
from towpath.store import api_keys
from towpath.store.database import Db

WHEN = "2026-03-01T11:00:00Z"
JSON = {"Content-Type": "application/json"}
DEVICE = "6d92078a-8246-4ba4-ae5b-76104861e7dc"
HASH = "a" * 64


def did(**more: Any) -> dict[str, Any]:
    return {"external_id": "ana", "name": "viewed", "time": WHEN, **more}


def said(**more: Any) -> dict[str, Any]:
    return {"external_id": "ana", **more}


async def send(
    client: httpx.AsyncClient, body: bytes | dict[str, Any], **headers: str
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return await client.post("/users/track", content=content, headers={**JSON, **named})


def count(db: Db, table: str = "event") -> int:
    row = db.execute(f"select count(*) from {table}".encode()).fetchone()  # noqa: S608
    assert row is not None
    return int(row[0])


def raw_event(properties: str) -> bytes:
    event = json.dumps(did(properties=0)).replace('"properties": 0', f'"properties": {properties}')
    return f'{{"events": [{event}]}}'.encode()


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        pytest.param(b"", 400, "empty", id="T01"),
        pytest.param(b"null", 422, "object", id="T02"),
        pytest.param(b"[]", 422, "object", id="T03"),
        pytest.param(b'{"events": []}', 422, "no events", id="T03-no-events"),
        pytest.param(b'"text"', 422, "object", id="T04"),
        pytest.param(b'{"a":', 400, "byte 5", id="T05"),
        pytest.param(b'{"events": [1,]}', 400, "comma", id="T06"),
        pytest.param(raw_event('{"a": NaN}'), 400, "byte", id="T07"),
        pytest.param(raw_event('{"a": -Infinity}'), 400, "byte", id="T07-infinity"),
        pytest.param(raw_event('{"a": ' + "[" * 10_000 + "]" * 10_000 + "}"), 400, "deep",
                     id="T08"),
        pytest.param(raw_event('{"a": "\udcff"}'.replace("\udcff", "?")).replace(b"?", b"\xff"),
                     400, "UTF-8", id="T15"),
        pytest.param({"events": [did()] * 1_001}, 413, "1,000", id="T49"),
        pytest.param({"event": [did()]}, 422, "unknown", id="unknown-array"),
        pytest.param({"events": did()}, 422, "an array", id="no-list"),
    ],
)  # fmt: skip
async def test_a_call_that_is_refused_whole(
    client: httpx.AsyncClient, db: Db, body: Any, status: int, word: str
) -> None:
    begun = time.perf_counter()
    answer = await send(client, body)
    assert time.perf_counter() - begun < 2
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert word in problem["detail"]
    assert problem["request_id"]
    assert count(db) == count(db, "profile") == 0


@pytest.mark.parametrize(
    ("event", "field", "word"),
    [
        pytest.param({"name": "viewed", "time": WHEN}, "external_id", "missing", id="T17"),
        pytest.param(did(external_id=""), "external_id", "empty", id="T18"),
        pytest.param(did(external_id="x" * 10_000), "external_id", "256", id="T19"),
        pytest.param(did(external_id=123), "external_id", "must be a string", id="T20"),
        pytest.param(did(external_id={"$ne": None}), "external_id", "string", id="T21"),
        pytest.param(did(name=""), "name", "empty", id="T23"),
        pytest.param(did(name="x" * 1_000_000), "name", "256", id="T24"),
        pytest.param(did(name="a\n\x1b[31mb"), "name", "control", id="T25"),
        pytest.param(did(properties=["a"]), "properties", "object", id="T26"),
        pytest.param(
            did(properties={str(n): n for n in range(10_000)}), "properties", "larger", id="T27"
        ),
        pytest.param(
            did(properties={str(n): n for n in range(257)}), "properties", "256", id="T27-257"
        ),
        pytest.param(did(properties={"a": "\0"}), "properties", "NUL", id="T16"),
        pytest.param(did(properties={"a\0": 1}), "properties", "NUL", id="T16-key"),
        pytest.param(did(external_id="a\0"), "external_id", "control", id="T16-id"),
        pytest.param(did(properties={"a": "x" * 10_001}), "properties", "longer", id="long-text"),
        pytest.param(did(properties={"a": [[]] * 60_000}), "properties", "larger", id="100-KB"),
        pytest.param(did(time="yesterday"), "time", "ISO 8601", id="T32"),
        pytest.param(did(time="2026-03-01T11:00:00"), "time", "zone", id="T33"),
        pytest.param(did(time="2036-03-01T11:00:00Z"), "time", "24 hours", id="T35"),
        pytest.param(did(time="2027-03-01T11:00:00Z"), "time", "24 hours", id="T35-next-year"),
        pytest.param(did(time=1772362800000), "time", "milliseconds", id="T36"),
        pytest.param(did(time="1772362800000"), "time", "milliseconds", id="T36-text"),
        pytest.param(did(time=None), "time", "time", id="no-time"),
        pytest.param(did(workspace=3), "workspace", "unknown", id="I-66"),
        pytest.param(
            did(user_alias={"alias_label": "a", "alias_name": "b"}),
            "user_alias",
            "one",
            id="two-ids",
        ),
    ],
)
async def test_a_refused_event(
    client: httpx.AsyncClient, db: Db, event: dict[str, Any], field: str, word: str
) -> None:
    answer = await send(client, {"events": [event]})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["input_array"], error["index"], error["field"]) == ("events", 0, field)
    assert word in error["type"]
    assert answer.json()["field"] == f"events[0].{field}"
    assert count(db) == count(db, "profile") == 0


@pytest.mark.parametrize(
    ("properties", "word"),
    [
        pytest.param('{"a": 1e400}', "too large", id="T30"),
        pytest.param('{"a": -1e400}', "too large", id="T30-negative"),
        pytest.param('{"a": 1e-100000}', "decimals", id="T30-tiny"),
        pytest.param('{"a": ' + "[" * 40 + "]" * 40 + "}", "nested", id="T08-in-an-event"),
    ],
)
async def test_numbers_and_depths_that_cannot_be_kept(
    client: httpx.AsyncClient, properties: str, word: str
) -> None:
    answer = await send(client, raw_event(properties))
    assert answer.status_code == 422
    assert word in answer.json()["errors"][0]["type"]


@pytest.mark.parametrize(
    ("properties", "stored"),
    [
        pytest.param('{"n": 9223372036854775808}', '{"n": 9223372036854775808}', id="T31"),
        pytest.param('{"n": 0.10000000000000000001}', '{"n": 0.10000000000000000001}', id="exact"),
        pytest.param('{"__proto__": 1}', '{"__proto__": 1}', id="T28"),
        pytest.param('{"a.b": 1, "$c": {"$ne": 2}}', '{"$c": {"$ne": 2}, "a.b": 1}', id="T29"),
        pytest.param('{"u": "0e-9999", "w": "\\\\u0000"}', '{"u": "0e-9999", "w": "\\\\u0000"}',
                     id="looks-bad-and-is-not"),
        pytest.param('{"t": "a\\tb\\\\n",\n\t"x": "\u00e9"}', '{"t": "a\\tb\\\\n", "x": "\u00e9"}',
                     id="escapes"),
    ],
)  # fmt: skip
async def test_properties_are_kept_exactly(
    client: httpx.AsyncClient, db: Db, properties: str, stored: str
) -> None:
    assert (await send(client, raw_event(properties))).status_code == 201
    assert db.execute("select properties::text from event").fetchone() == (stored,)


@pytest.mark.parametrize(
    "external_id", [pytest.param("' OR 1=1--", id="T22"), "a\\b", "é", "\u202e", "<b>"]
)
async def test_any_text_is_an_id(client: httpx.AsyncClient, db: Db, external_id: str) -> None:
    body = {"attributes": [{"external_id": external_id, "a": 1}],
            "events": [did(external_id=external_id)]}  # fmt: skip
    assert (await send(client, body)).status_code == 201
    assert db.execute("select external_id from profile").fetchall() == [(external_id,)]


@pytest.mark.parametrize(
    "at", [pytest.param("1970-01-01T00:00:00Z", id="T34"), "0001-01-01T00:00:00Z"]
)
async def test_a_late_event_is_taken(client: httpx.AsyncClient, db: Db, at: str) -> None:
    assert (await send(client, {"events": [did(time=at)]})).status_code == 201
    assert count(db) == 1


async def test_a_clock_that_is_a_little_ahead(client: httpx.AsyncClient, db: Db) -> None:
    """Up to 24 hours ahead is now."""
    row = db.execute(
        "select to_char(clock_timestamp() + interval '23 h', 'YYYY-MM-DD\"T\"HH24:MI:SSOF')"
    )
    (ahead,) = row.fetchone() or ("",)
    assert (await send(client, {"events": [did(time=f"{ahead}:00")]})).status_code == 201
    assert db.execute("select at = received_at from event").fetchone() == (True,)


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        pytest.param({"email": "not an email"}, "email", id="T37"),
        pytest.param({"email": f"{'x' * 250}@ex.co"}, "email", id="T38"),
        pytest.param({"email": "a@b@ex.co"}, "email", id="T39"),
        pytest.param({"phone": "0"}, "phone", id="T42"),
        pytest.param({"phone": "11 98765-4321"}, "phone", id="T43"),
        pytest.param({"phone": "1-800-FLOWERS"}, "phone", id="T44"),
        pytest.param({"idfa": DEVICE[:-1]}, "idfa", id="T46"),
        pytest.param({"devices": [{"idfa": DEVICE[:-1]}]}, "devices[0].idfa", id="T46-device"),
        pytest.param({"email": HASH}, "email", id="T47"),
        pytest.param({"email_sha256": HASH[:-1]}, "email_sha256", id="T48-short"),
        pytest.param({"email_sha256": "z" * 64}, "email_sha256", id="T48-no-hex"),
        pytest.param({"email": 3}, "email", id="no-text"),
        pytest.param({"consent": "maybe"}, "consent.state", id="consent"),
        pytest.param({"is_admin": True}, "is_admin", id="reserved"),
        pytest.param({"x" * 300: True}, "x" * 256, id="long-name"),
        pytest.param({"tags": ["a"] * 501}, "tags", id="long-list"),
        pytest.param({"country": "UK"}, "country", id="country"),
        pytest.param({"time_zone": "Mars/Olympus"}, "time_zone", id="zone"),
        pytest.param({"points": {"inc": "x"}}, "points", id="inc"),
    ],
)
async def test_an_attribute_is_refused_alone(
    client: httpx.AsyncClient, db: Db, attributes: dict[str, Any], field: str
) -> None:
    body = {"attributes": [said(plan="gold", **attributes)], "events": [did()]}
    answer = await send(client, body)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["attributes_processed"], told["events_processed"]) == (1, 1)
    (error,) = told["errors"]
    assert (error["input_array"], error["index"], error["field"]) == ("attributes", 0, field)
    stored = "select email, phone, attributes from profile"
    assert db.execute(stored.encode()).fetchall() == [(None, None, {"plan": "gold"})]
    assert count(db) == 1
    assert count(db, "match_key") == count(db, "device") == 0


@pytest.mark.parametrize(
    ("attributes", "column", "value"),
    [
        pytest.param({"email": "ana maria@ex.co"}, "email", "anamaria@ex.co", id="T40"),
        pytest.param({"email": "  ANA@Ex.Co "}, "email", "ana@ex.co", id="T41"),
        pytest.param({"dob": "1990-01-02"}, "birth_date::text", "1990-01-02", id="dob"),
        pytest.param({"seen": "2026-03-01T08:00:00-03:00"}, "attributes->>'seen'",
                     "2026-03-01T11:00:00.000000Z", id="time"),
        pytest.param({"a": {"b": [1, {"c": None}]}}, "attributes->'a'",
                     {"b": [1, {"c": None}]}, id="nested"),
        pytest.param({"time_zone": "America/Bahia"}, "time_zone", "America/Bahia", id="zone"),
        pytest.param({"consent": {"state": "granted", "source": "web", "at": WHEN}},
                     "consent", 1, id="consent"),
    ],
)  # fmt: skip
async def test_attributes_are_normalised(
    client: httpx.AsyncClient, db: Db, attributes: dict[str, Any], column: str, value: object
) -> None:
    answer = await send(client, {"attributes": [said(**attributes)]})
    assert answer.json() == {"message": "success", "attributes_processed": 1}
    statement = f"select {column} from profile"  # noqa: S608 - a column of the test's own
    assert db.execute(statement.encode()).fetchone() == (value,)


@pytest.mark.parametrize("where", ["top", "device"])
async def test_an_id_of_zeros_is_none(client: httpx.AsyncClient, db: Db, where: str) -> None:
    """T45"""
    zeros = {"idfa": "00000000-0000-0000-0000-000000000000"}
    answer = await send(
        client, {"attributes": [said(**(zeros if where == "top" else {"devices": [zeros]}))]}
    )
    assert answer.json() == {"message": "success", "attributes_processed": 1}
    assert count(db, "device") == 0


async def test_a_hash_in_upper_case(client: httpx.AsyncClient, db: Db) -> None:
    """T48"""
    assert (await send(client, {"attributes": [said(email_sha256="AB" * 32)]})).status_code == 201
    assert db.execute("select encode(email, 'hex') from match_key").fetchone() == ("ab" * 32,)


async def test_one_bad_event_of_a_hundred(client: httpx.AsyncClient, db: Db) -> None:
    """T50"""
    events = [did(name=f"e{n}") for n in range(100)]
    events[37]["time"] = "yesterday"
    answer = await send(client, {"events": events})
    assert answer.status_code == 201
    assert answer.json()["events_processed"] == 99
    assert [one["index"] for one in answer.json()["errors"]] == [37]
    names = "select n.name from event e join event_name n on n.id = e.name order by e.id"
    rows = db.execute(names.encode()).fetchall()
    assert rows == [(f"e{n}",) for n in range(100) if n != 37]


async def test_a_body_that_is_too_large(client: httpx.AsyncClient) -> None:
    """T09: what is said to be too large is not read, and what turns out to be is not read whole."""
    answer = await send(client, b" " * (TRACK_BODY_BYTES_MAX + 1))
    assert answer.status_code == 413
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b" " * 65_536

    assert (await client.post("/users/track", content=endless(), headers=JSON)).status_code == 413
    assert read <= TRACK_BODY_BYTES_MAX // 65_536 + 2


async def test_four_megabytes_are_taken(client: httpx.AsyncClient) -> None:
    body = json.dumps({"events": [did()]}).encode().ljust(TRACK_BODY_BYTES_MAX)
    assert (await send(client, body)).status_code == 201


async def test_a_body_that_never_ends(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T10, T11: who is silent for too long is told so, and the worker is free."""
    monkeypatch.setattr(track_body, "TRACK_BODY_S_MAX", 0.2)

    async def silent() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    answer = await client.post("/users/track", content=silent(), headers=JSON)
    assert answer.status_code == 408


async def test_gzip(client: httpx.AsyncClient, db: Db) -> None:
    """T12"""
    packed = gzip.compress(json.dumps({"events": [did()]}).encode())
    assert (await send(client, packed, Content_Encoding="gzip")).status_code == 201
    bomb = gzip.compress(b" " * 2**28)
    begun = time.perf_counter()
    assert (await send(client, bomb, Content_Encoding="gzip")).status_code == 413
    assert time.perf_counter() - begun < 2
    for broken in (b"no gzip", packed[:-4], packed + b"more"):
        assert (await send(client, broken, Content_Encoding="gzip")).status_code == 400
    assert (await send(client, packed, Content_Encoding="br")).status_code == 415
    assert count(db) == 1


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        pytest.param("text/plain", 415, id="T13"),
        pytest.param("", 415, id="T13-nothing"),
        pytest.param("application/json; charset=latin-1", 415, id="T14"),
        ("application/json; charset=utf-8", 201),
        ('application/json; charset="UTF-8"', 201),
    ],
)
async def test_content_types(client: httpx.AsyncClient, kind: str, status: int) -> None:
    body = json.dumps({"events": [did(name="é")]}).encode()
    answer = await client.post("/users/track", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status


async def test_who_may_call(
    app: FastAPI, nobody: httpx.AsyncClient, db: Db, workspace: WorkspaceId, now: Instant
) -> None:
    """T51, T53"""
    body = {"events": [did()]}
    assert (await send(nobody, body)).status_code == 401
    async with calling(app, "tp_" + "x" * 40) as wrong:
        assert (await send(wrong, body)).status_code == 401
    async with calling(app, key_of(db, workspace, now, Scope.USERS_READ)) as reading:
        assert (await send(reading, body)).status_code == 403
    key, text = api_keys.create(db, workspace, "gone", (Scope.TRACK,), now)
    api_keys.revoke(db, workspace, key.id, now)
    async with calling(app, text) as revoked:
        assert (await send(revoked, body)).status_code == 401
    assert count(db) == 0


async def test_a_key_reaches_its_own_workspace_only(
    client: httpx.AsyncClient, other_client: httpx.AsyncClient, db: Db, workspace: WorkspaceId
) -> None:
    """T52"""
    await send(client, {"attributes": [said(plan="ours", email="ana@ex.co")]})
    await send(other_client, {"attributes": [said(plan="theirs"), {"email": "ana@ex.co", "a": 1}],
                              "events": [did(id="e")]})  # fmt: skip
    await send(client, {"events": [did(id="e")]})
    rows = db.execute(
        "select workspace, attributes->>'plan' from profile"
        " where external_id is not null order by 1"
    )
    assert [plan for _, plan in rows.fetchall()] == ["ours", "theirs"]
    assert count(db, "profile") == 3
    per_workspace = db.execute("select count(*) from event group by workspace").fetchall()
    assert per_workspace == [(1,), (1,)]
