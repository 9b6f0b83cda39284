"""The API against its own document: no input gives a 500, and no answer is undocumented (I-72).

Every operation is called over HTTP on a real database with what schemathesis makes of the
document: right, nearly right and wrong requests, the same ones each time.
"""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks
from tests.api.conftest import key_of, unreachable

from towpath.api.app import ApiParts, document
from towpath.cli.answering import address_of, answering, listen
from towpath.clock import Instant
from towpath.settings import Settings
from towpath.store import database, embedded, workspaces

EXAMPLES = 10
CHECKS: list[Any] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.ignored_auth,
    checks.allow_header_conformance,
]
ONE_BY_ONE = "/users/track"
"""Refuses what is wrong object by object, and takes the others with 201, as Braze does."""
STREAMS = "/live$"
"""Answers that do not end by themselves are tested where they are made."""
OWN_KEY = 987_654_321
"""The id of the key that calls: none that a small number revokes."""

_CONFIG = SchemathesisConfig(seed=7)
_CONFIG.projects.default.generation.update(deterministic=True, with_security_parameters=False)
_CONFIG.projects.default.checks.negative_data_rejection.expected_statuses = ["4xx"]
SCHEMA = schemathesis.openapi.from_dict(document().openapi(), config=_CONFIG).exclude(
    path_regex=STREAMS
)


@pytest.fixture(scope="module")
def served(
    server: embedded.Server, template: str, now: Instant
) -> Iterator[tuple[str, dict[str, str]]]:
    """The API on a port of its own; its address, and headers with a key of all scopes."""
    with psycopg.connect(server.url, autocommit=True) as db:
        db.execute(f"create database contract template {template}".encode())
    url = server.url_of("contract")
    with database.connect(url) as db:
        db.execute(f"alter table api_key alter id restart with {OWN_KEY}".encode())
        key = key_of(db, workspaces.ensure_default(db, now).id, now)
    listening = listen(Settings(listen_port=0))
    loop, stop, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def answer() -> None:
        parts = ApiParts(database.open_pool(url, 4), reach=unreachable)
        async with answering(Settings(), parts, listening, stop):
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(answer()))
    address = address_of(listening)
    thread.start()
    assert ready.wait(10)
    yield address, {"Authorization": f"Bearer {key}"}
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    loop.close()


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_in_the_document(
    case: schemathesis.Case[Any], served: tuple[str, dict[str, str]]
) -> None:
    address, headers = served
    checked = [one for one in CHECKS if one is not checks.negative_data_rejection]
    case.call_and_validate(
        base_url=address,
        headers=headers,
        checks=checked if case.path == ONE_BY_ONE else CHECKS,
        allow_redirects=False,
        timeout=20,
    )
