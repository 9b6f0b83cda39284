"""Problems: one shape, a request id in and out, nothing of what failed inside, limits, headers."""

import asyncio
import logging

import httpx
import psycopg
import psycopg_pool
import pytest
from fastapi import FastAPI
from psycopg import errors
from tests.api.conftest import ADDRESS

from towpath.api.problems import MEDIA_TYPE, ProblemAnswer
from towpath.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    PartnerError,
    StoreError,
    TowpathError,
)
from towpath.limits import BODY_BYTES_MAX
from towpath.store import api_keys, database
from towpath.store.database import Hitch

KEYS = "/v1/api-keys"


def _problem(answer: httpx.Response, status: int) -> ProblemAnswer:
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    told = ProblemAnswer.model_validate(answer.json())
    assert told.status == status
    assert told.request_id == answer.headers["x-request-id"]
    return told


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("wrong", field="f", remedy="r"), 422),
        (NotFoundError("gone", field="f", remedy="r"), 404),
        (ConflictError("late", field="f", remedy="r"), 409),
        (PartnerError("no", field="f", remedy="r"), 502),
        (StoreError("damaged", field="f", remedy="r"), 500),
    ],
)
async def test_the_error_tree(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, error: TowpathError, status: int
) -> None:
    monkeypatch.setattr(api_keys, "create", _raising(error))
    answer = await client.post(KEYS, json={"name": "x", "scopes": ["track"]})
    told = _problem(answer, status)
    assert (told.detail, told.field, told.remedy) == (error.message, "f", "r")


async def test_what_failed_inside_is_told_by_nothing_but_an_id(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(api_keys, "create", _raising(KeyError("ana@example.com")))
    with caplog.at_level(logging.INFO, "towpath"):
        answer = await client.post(KEYS, json={"name": "x", "scopes": ["track"]})
    told = _problem(answer, 500)
    assert "ana" not in answer.text
    assert "Traceback" not in answer.text
    (record,) = caplog.records
    fields = record.towpath_fields  # type: ignore[attr-defined]
    assert (fields["error"], fields["request_id"]) == ("KeyError", told.request_id)
    assert fields["place"].startswith("api/api_keys.py:")
    assert "ana" not in caplog.text


async def test_a_lost_database_is_a_503(app: FastAPI, client: httpx.AsyncClient) -> None:
    assert (await client.get("/readyz")).status_code == 200
    app.state.parts.pool.close()
    answer = await client.get("/readyz")
    assert _problem(answer, 503).detail == "The database cannot be reached."
    assert answer.headers["retry-after"]
    assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("error", "status", "hitch"),
    [
        (errors.AdminShutdown, 503, Hitch.LOST),
        (errors.CannotConnectNow, 503, Hitch.LOST),
        (errors.ConnectionFailure, 503, Hitch.LOST),
        (psycopg.OperationalError, 503, Hitch.LOST),
        (errors.TooManyConnections, 503, Hitch.CROWDED),
        (psycopg_pool.PoolTimeout, 503, Hitch.CROWDED),
        (errors.DeadlockDetected, 503, Hitch.COLLIDED),
        (errors.SerializationFailure, 503, Hitch.COLLIDED),
        (errors.LockNotAvailable, 503, Hitch.COLLIDED),
        (errors.QueryCanceled, 503, Hitch.SLOW),
        (errors.DiskFull, 507, Hitch.FULL),
        (errors.OutOfMemory, 500, Hitch.FAILED),
        (errors.IoError, 500, Hitch.FAILED),
    ],
)
async def test_what_ails_the_database_is_told_apart(
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: type[psycopg.OperationalError],
    status: int,
    hitch: Hitch,
) -> None:
    """A 503 may be sent again soon; no time mends a 500 or a 507, and our log says so."""
    found = error("ana@example.com")
    assert database.hitch_of(found) is hitch
    assert database.is_lost(found) is (hitch in {Hitch.LOST, Hitch.CROWDED})
    monkeypatch.setattr(api_keys, "create", _raising(found))
    with caplog.at_level(logging.INFO, "towpath"):
        answer = await client.post(KEYS, json={"name": "x", "scopes": ["track"]})
    _problem(answer, status)
    assert ("retry-after" in answer.headers) is (status == 503)
    assert "ana" not in answer.text + caplog.text
    assert bool(caplog.records) is (hitch in {Hitch.FULL, Hitch.FAILED, Hitch.SLOW})


async def test_connections_that_were_cut_are_replaced(
    client: httpx.AsyncClient, database_url: str
) -> None:
    assert (await client.get("/readyz")).status_code == 200
    with database.connect(database_url) as db:
        db.execute(
            b"select pg_terminate_backend(pid) from pg_stat_activity"
            b" where datname = current_database() and pid <> pg_backend_pid()"
        )
    await asyncio.sleep(0.1)
    assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize(
    ("given", "kept"), [("a-b.c:1_2", True), ("", False), ("x" * 129, False), ("a b", False)]
)
async def test_a_request_id_is_taken_if_it_can_be_logged(
    client: httpx.AsyncClient, given: str, kept: bool
) -> None:
    answer = await client.get("/healthz", headers={"X-Request-Id": given})
    assert (answer.headers["x-request-id"] == given) is kept
    assert answer.headers["x-request-id"]


async def test_what_is_no_request_of_ours(client: httpx.AsyncClient) -> None:
    assert _problem(await client.get("/v1/nowhere"), 404).remedy
    answer = await client.delete(KEYS)
    _problem(answer, 405)
    assert answer.headers["allow"] == "GET, POST"
    as_text = await client.post(KEYS, content=b"x", headers={"Content-Type": "text/plain"})
    assert _problem(as_text, 415).field == "Content-Type"
    as_json = {"Content-Type": "application/json"}
    assert _problem(await client.post(KEYS, content=b"{", headers=as_json), 400).field == "body"
    _problem(await client.post(KEYS, content=b"\xff", headers=as_json), 400)
    nul = await client.patch("/v1/workspaces/%00", json={})
    _problem(nul, 404)
    deep = b'{"name":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    answer = await client.post(KEYS, content=deep, headers=as_json)
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"scopes": ["track"]}, "name"),
        ({"name": 7, "scopes": ["track"]}, "name"),
        ({"name": "", "scopes": ["track"]}, "name"),
        ({"name": "a\nb", "scopes": ["track"]}, "name"),
        ({"name": "x" * 201, "scopes": ["track"]}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": "track"}, "scopes"),
        ({"name": "x", "scopes": ["track", 3]}, "scopes[1]"),
        ({"name": "x", "scopes": ["track"], "workspace": 2}, "workspace"),
        ([], "body"),
    ],
)
async def test_a_fault_is_named_by_its_field(
    client: httpx.AsyncClient, given: object, field: str
) -> None:
    assert _problem(await client.post(KEYS, json=given), 422).field == field


@pytest.mark.parametrize("told", [True, False])
async def test_a_body_too_large(client: httpx.AsyncClient, told: bool) -> None:
    """Whether its length is said before, or found out."""

    async def pieces() -> object:
        for _ in range(BODY_BYTES_MAX // 65_536 + 1):
            yield b" " * 65_536

    content = b" " * (BODY_BYTES_MAX + 1) if told else pieces()
    headers = {"Content-Type": "application/json"}
    answer = await client.post(KEYS, content=content, headers=headers)  # type: ignore[arg-type]
    _problem(answer, 413)


async def test_what_keeps_a_browser_safe(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/v1/me")).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


async def test_cursors_of_others_are_refused(client: httpx.AsyncClient) -> None:
    for cursor in ("x", "IngiCg", "LTE", "bnVsbA", "eyJhIjoxfQ", "MTAwMDAwMDAwMDAwMDAwMDAwMDAwMA"):
        answer = await client.get(KEYS, params={"cursor": cursor})
        assert _problem(answer, 422).field == "cursor"
    assert _problem(await client.get(KEYS, params={"limit": 0}), 422).field == "limit"


async def test_get_changes_nothing_for_other_sites(client: httpx.AsyncClient) -> None:
    """A key in a header is no cookie: no page makes a browser send it."""
    answer = await client.post(
        KEYS,
        json={"name": "x", "scopes": ["track"]},
        headers={"Origin": "https://evil.test", "Host": ADDRESS.removeprefix("http://")},
    )
    assert answer.status_code == 201


def _raising(error: Exception) -> object:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


async def test_faults_are_told_in_our_words(client: httpx.AsyncClient) -> None:
    recipients = [{"external_user_id": "ana"}] * 51
    body = {"canvas_id": 1, "recipients": recipients}
    told = _problem(await client.post("/canvas/trigger/send", json=body), 422)
    assert (told.field, told.detail) == ("recipients", "It must have at most 50 items, not 51.")


async def test_a_method_that_only_a_neighbour_has(client: httpx.AsyncClient) -> None:
    """`validate` is no id of a Canvas."""
    answer = await client.get("/v1/canvases/validate")
    assert _problem(answer, 405).remedy == "It has POST."
    assert answer.headers["allow"] == "POST"
    _problem(await client.get("/v1/canvases/nonsense"), 422)
