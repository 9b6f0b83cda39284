"""Stories of what was answered: over HTTP, by real processes that are killed while people call.

`towpath serve` has an embedded PostgreSQL of its own that waits for the disk. Whatever got a 2xx is
there afterwards, and works once.
"""

import re
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
from tests.stories.terminals import Terminals, until

CALLERS = 4
ANSWERED_BEFORE = 100
ORDERS = {
    "canvas": "Orders",
    "entry": {"on": [{"event": "order"}], "reentry": "always", "first": "wait"},
    "steps": {"wait": {"kind": "delay", "for": "1d"}},
}
SCOPES = ("track", "users:read", "canvases:read", "canvases:write", "canvases:launch")


def serve(terminals: Terminals) -> tuple[subprocess.Popen[str], str]:
    """Start it; gives the process and its address."""
    process = terminals.start("serve")
    where = r"Serving with 1 worker\(s\) on (http://[\d.:]+)\."
    found: re.Match[str] = until(lambda: re.search(where, terminals.log("serve")), 30)
    return process, found[1]


def order(name: str) -> dict[str, Any]:
    """A call of somebody new who orders; its event bears their name."""
    event = {
        "external_id": name,
        "name": "order",
        "id": name,
        "time": datetime.now(UTC).isoformat(),
    }
    attributes = {"external_id": name, "email": f"{name}@example.com"}
    return {"attributes": [attributes], "events": [event]}


def test_what_was_answered_survives_kill_9_and_lets_in_once(terminals: Terminals) -> None:
    """I-73, I-74: the server is killed while four callers call. Everything that got a 2xx is there;
    everybody says what they were not answered for again, under the same event ids; and each event
    lets in exactly once."""
    process, address = serve(terminals)
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    key = terminals.run("key", "create", "--name", "till", *scopes).strip()
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=address, headers=headers) as client:
        place = f"/v1/canvases/{client.post('/v1/canvases', json={'draft': ORDERS}).json()['id']}"
        done = client.post(f"{place}/launch", json={"revision": 1, "people": 0})
        assert done.status_code == 201
    answered: set[str] = set()
    unanswered: list[str] = []
    enough = threading.Event()

    def call(caller: int) -> None:
        with httpx.Client(headers=headers, timeout=10) as client:
            for place in range(10_000):
                name = f"u{caller}-{place}"
                try:
                    answer = client.post(f"{address}/users/track", json=order(name))
                except httpx.TransportError:
                    unanswered.append(name)
                    return
                assert (answer.status_code, answer.json().get("errors")) == (201, None)
                answered.add(name)
                if len(answered) >= ANSWERED_BEFORE:
                    enough.set()

    with ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(call, caller) for caller in range(CALLERS)]
        assert enough.wait(30)
        process.kill()
        assert process.wait(10) == -signal.SIGKILL
    assert [one.result() for one in calls] == [None] * CALLERS
    assert len(unanswered) == CALLERS

    _, address = serve(terminals)
    names = sorted(answered)[:50]
    everybody = len(answered) + CALLERS
    with httpx.Client(base_url=address, headers=headers) as client:
        for name in [*unanswered, *names]:
            assert client.post("/users/track", json=order(name)).status_code == 201
        until(lambda: entered(client, place) >= everybody)
        asked = {"external_ids": names, "fields_to_export": ["external_id", "email"]}
        people = client.post("/users/export/ids", json=asked).json()["users"]
        assert {one["external_id"]: one["email"] for one in people} == {
            name: f"{name}@example.com" for name in names
        }
        terminals.run("audit")
        assert entered(client, place) == everybody
    assert "example.com" not in terminals.log("serve")


def entered(client: httpx.Client, place: str) -> int:
    """How many have entered the Canvas."""
    counters = client.get(place).json()["counters"]
    return int(counters.get("wait", {}).get("entered", 0))
