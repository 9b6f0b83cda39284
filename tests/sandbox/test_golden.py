"""Golden files: documented requests and their answers, played in order.

In a file `$name` stands for what the sandbox or an earlier answer gave, `*` for any value but none.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from towpath.sandbox import Rules, Sandbox, SettableClock
from towpath.sandbox.caller import Caller, envelope_of

FILES = sorted((Path(__file__).parent / "golden").glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_golden(file: Path, clock: SettableClock) -> None:
    caller = Caller(Sandbox(7, clock, Rules()))
    world = caller.sandbox.world
    codes = [world.new_auth_code(caller.advertisers[:1], (1, 3), clock()) for _ in range(2)]
    names = {
        "advertiser": caller.advertisers[0],
        "app": world.app_id,
        "secret": world.secret,
        "token": world.token,
        "auth_code": codes[0],
        "second_code": codes[1],
    }
    golden = json.loads(file.read_text())
    assert golden["source"]
    for step in golden["steps"]:
        clock.advance(step.get("advance", 0))
        asked = _filled(step, names)
        caller.token = asked.get("token", world.token)
        query = asked.get("query", {})
        call = caller.call(asked["method"], asked["path"], asked.get("body"), **query)
        reply = caller.sandbox.handle(call)
        told = envelope_of(reply)
        assert reply.headers["X-TT-LOGID"] == told["request_id"]
        assert not [name for name in reply.headers if "limit" in name.lower()]
        assert _masked(told, asked["answer"]) == asked["answer"], step["path"]
        for name, field in step.get("keep", {}).items():
            names[name] = told["data"][field]


def _filled(given: Any, names: dict[str, str]) -> Any:
    if isinstance(given, dict):
        return {key: _filled(value, names) for key, value in given.items()}
    if isinstance(given, list):
        return [_filled(value, names) for value in given]
    if isinstance(given, str):
        for name in sorted(names, key=len, reverse=True):
            given = given.replace(f"${name}", names[name])
    return given


def _masked(told: Any, wanted: Any) -> Any:
    """What was told, with a star wherever a star is wanted and something is there."""
    if wanted == "*":
        return "*" if told is not None else None
    if isinstance(told, dict) and isinstance(wanted, dict):
        return {key: _masked(value, wanted.get(key)) for key, value in told.items()}
    if isinstance(told, list) and isinstance(wanted, list) and len(told) == len(wanted):
        return [_masked(*pair) for pair in zip(told, wanted, strict=True)]
    return told
