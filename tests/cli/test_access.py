"""Keys, workspaces and members from the terminal, and `towpath serve` that answers."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest
from tests.cli.office import Office

SERVE = [sys.executable, "-m", "towpath.cli.main", "serve"]


@pytest.fixture
def api(desk: Office) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`towpath serve --role api`, and its address."""
    process = subprocess.Popen(
        [*SERVE, "--role", "api"], stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stderr is not None
    address = ""
    while not address:
        line = process.stderr.readline()
        assert line, "it ended"
        if found := re.search(r"Serving without a worker on (http://[\d.:]+)\.", line):
            address = found[1]
    yield process, address
    process.kill()
    process.wait(10)
    process.stderr.close()


def test_a_key_opens_the_api_until_it_is_revoked(
    desk: Office, api: tuple[subprocess.Popen[str], str]
) -> None:
    process, address = api
    desk.run("workspace", "create", "acme")
    told, noted = desk.run(
        "key", "create", "--name", "till", "--scope", "track", "--workspace", "acme"
    )
    key = told.strip()
    assert re.fullmatch(r"tp_[0-9A-Za-z]{43}", key)
    assert "not shown again" in noted
    headers = {"Authorization": f"Bearer {key}"}
    me = httpx.get(f"{address}/v1/me", headers=headers).json()
    assert (me["workspace"], me["scopes"]) == ("acme", ["track"])
    assert httpx.get(f"{address}/readyz").json() == {"status": "ok"}
    assert desk.json("key", "list") == []
    (listed,) = desk.json("key", "list", "--workspace", "acme")
    assert key not in str(listed)
    desk.run("key", "revoke", str(listed["id"]), code=1)  # it is not the default workspace's
    desk.run("key", "revoke", str(listed["id"]), "--workspace", "acme")
    time.sleep(1)  # what is promised
    assert httpx.get(f"{address}/v1/me", headers=headers).status_code == 401
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_workspaces_are_made_set_and_named(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.run("workspace", "create", "acme")
    assert "already" in desk.run("workspace", "create", "acme", code=1)[1]
    desk.run("workspace", "set", "acme", "--country", "br", "--unknown-consent-is-sent")
    (found,) = desk.json("workspace", "list")
    assert (found["default_country"], found["unknown_consent_is_sent"]) == ("BR", True)
    desk.run("workspace", "set", "acme", "--country", "")
    assert desk.json("workspace", "list")[0]["default_country"] is None
    people = desk.file("people.csv", "external_id,email\nana,ana@example.com\n")
    assert "mean acme" in desk.run("import", "people", people, "--workspace", "acne", code=1)[1]
    desk.run("import", "people", people, "--workspace", "acme")
    monkeypatch.setenv("TOWPATH_WORKSPACE", "acme")
    assert desk.json("import", "people", people)["new"] == 0
    assert desk.json("import", "people", people, "--workspace", "default")["new"] == 1


def test_an_owner_is_made_and_signs_in_by_a_link(
    desk: Office, api: tuple[subprocess.Popen[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, address = api
    monkeypatch.setenv("TOWPATH_PUBLIC_URL", address)
    ana = ("--email", "Ana@example.com")
    told, noted = desk.run("member", "create", *ana, "--name", "Ana", "--owner", "--link")
    assert "within 15 minutes" in noted
    assert told.startswith(address)
    answer = httpx.post(told.strip())
    assert answer.status_code == 303
    session = answer.headers["set-cookie"].partition(";")[0]
    me = httpx.get(f"{address}/v1/me", headers={"Cookie": session}).json()
    assert (me["email"], me["role"]) == ("ana@example.com", "owner")
    (listed,) = desk.json("member", "list")
    assert (listed["email"], listed["has_password"]) == ("ana@example.com", False)
    again = desk.json("member", "link", *ana)["link"]
    assert again != told.strip()
    desk.run("member", "link", "--email", "nobody@example.com", code=1)
    desk.run("member", "create", "--email", "nobody", "--name", "N", code=1)


def test_the_document_needs_no_server(desk: Office) -> None:
    told = json.loads(desk.run("api", "openapi")[0])
    assert told["openapi"].startswith("3.1")
    assert "/v1/me" in told["paths"]


def test_wrong_scopes_and_a_port_that_is_taken(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = desk.run("key", "create", "--name", "x", "--scope", "user:read", code=1)[1]
    assert "Did you mean users:read?" in said
    desk.run("key", "create", "--name", "x", code=1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [*SERVE, "--port", port], capture_output=True, text=True, check=False, timeout=30
        )
    assert ended.returncode == 1
    assert f"port {port}: Address already in use" in ended.stderr
    assert "--port" in ended.stderr
