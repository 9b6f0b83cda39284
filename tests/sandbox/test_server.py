"""A story over real HTTP for each ending of a reply, and for the witness' own surface."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from typer import Typer
from typer.testing import CliRunner

from towpath.cli.sandbox import sandbox_command
from towpath.sandbox import Rules, Sandbox, SettableClock
from towpath.sandbox.caller import Caller
from towpath.sandbox.core import MAPPING, PREFIX
from towpath.sandbox.server import running

KEY = "0f" * 32
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
async def sandbox() -> Sandbox:
    clock = SettableClock(time.time)
    clock.stop()
    return Sandbox(1, clock, Rules(processing_s=5, acceptance_s=5))


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Access-Token": sandbox.world.token}
    async with (
        running(sandbox) as address,
        aiohttp.ClientSession(address, headers=headers) as session,
    ):
        yield session


@pytest.fixture
async def witness(http: aiohttp.ClientSession) -> Ask:
    async def ask(method: str, path: str, status: int = 200, **given: object) -> Any:
        sent = {"json": given} if method == "POST" else {"params": given}
        async with http.request(method, f"/sandbox/{path}", **sent) as answer:  # type: ignore[arg-type]
            assert answer.status == status, await answer.text()
            return await answer.json()

    return ask


async def send(http: aiohttp.ClientSession, body: bytes, **options: Any) -> dict[str, Any]:
    async with http.post(f"{PREFIX}{MAPPING}", data=body, **options) as answer:
        told: dict[str, Any] = await answer.json()
        return told


async def test_whole(sandbox: Sandbox, http: aiohttp.ClientSession, witness: Ask) -> None:
    audience = Caller(sandbox).create()
    told = await send(http, Caller(sandbox).mapping("add", audience, [{"EMAIL_SHA256": KEY}]).body)
    assert told["code"] == 0
    await witness("POST", "clock", advance=5)
    shown = await witness("GET", f"audiences/{audience}")
    assert shown["members"] == {"email": 1}
    assert shown["digest"] == hashlib.sha256(f"email:{KEY}".encode()).hexdigest()
    async with http.get(f"{PREFIX}user/info") as answer:
        assert (answer.status, await answer.text()) == (404, "404 page not found")


@pytest.mark.parametrize("fate", ["applied", "dropped"])
@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("reset", aiohttp.ClientConnectionError),
        ("truncated", aiohttp.ClientPayloadError),
        ("hang", TimeoutError),
    ],
)
async def test_broken_endings(
    sandbox: Sandbox,
    http: aiohttp.ClientSession,
    witness: Ask,
    what: str,
    fate: str,
    error: type[Exception],
) -> None:
    audience = Caller(sandbox).create()
    await witness("POST", "faults", next=[f"{what}_{fate}"])
    body = Caller(sandbox).mapping("add", audience, [{"EMAIL_SHA256": KEY}]).body
    with pytest.raises(error) as raised:
        await send(http, body, timeout=aiohttp.ClientTimeout(total=0.2))
    if what == "reset":
        assert isinstance(raised.value, ConnectionResetError | aiohttp.ClientOSError)
    await witness("POST", "clock", advance=5)
    shown = await witness("GET", f"audiences/{audience}")
    assert shown["total"] == (fate == "applied")
    assert (await witness("GET", "counters"))["answers"][MAPPING] == {what: 1}
    assert (await send(http, body))["code"] == 0
    await asyncio.sleep(0.05)
    rows = (await witness("GET", "requests"))["requests"]
    assert [row["finished"] is not None for row in rows] == [True] * 3
    assert (await witness("GET", "overlaps"))["found"] == 0


async def test_a_hanging_request_is_in_flight_until_its_caller_leaves(
    sandbox: Sandbox, http: aiohttp.ClientSession, witness: Ask
) -> None:
    audience = Caller(sandbox).create()
    body = Caller(sandbox).mapping("add", audience, [{"EMAIL_SHA256": KEY}]).body
    await witness("POST", "faults", next=["hang_applied"])
    hanging = asyncio.create_task(send(http, body))
    await asyncio.sleep(0.05)
    await send(http, body)
    told = await witness("GET", "overlaps")
    assert (told["found"], told["overlaps"][0]["hash"]) == (1, KEY)
    hanging.cancel()
    await asyncio.sleep(0.05)
    await send(http, body)
    assert (await witness("GET", "overlaps"))["found"] == 1


async def test_slow_and_html(sandbox: Sandbox, http: aiohttp.ClientSession, witness: Ask) -> None:
    audience = Caller(sandbox).create()
    body = Caller(sandbox).mapping("add", audience, [{"EMAIL_SHA256": KEY}]).body
    await witness("POST", "rules", slow_s=0.05)
    await witness("POST", "faults", next=["slow", "502_late"])
    assert (await send(http, body))["code"] == 0
    async with http.post(f"{PREFIX}{MAPPING}", data=body) as answer:
        assert (answer.status, answer.content_type) == (502, "text/html")


async def test_the_witness_turns_every_knob(
    sandbox: Sandbox, http: aiohttp.ClientSession, witness: Ask
) -> None:
    audience = Caller(sandbox).create()
    seen = await witness("GET", "")
    account = seen["advertisers"][0]["advertiser_id"]
    body = Caller(sandbox).mapping("add", audience, [{"EMAIL_SHA256": KEY}]).body

    async def code() -> int:
        return int((await send(http, body))["code"])

    await witness("POST", "token", alive=False)
    assert await code() == 40105
    await witness("POST", "token", alive=True)
    await witness("POST", "allowlist", on=False)
    assert await code() == 40118
    await witness("POST", "allowlist", on=True)
    await witness("POST", f"advertisers/{account}", enabled=False)
    assert await code() == 40300
    await witness("POST", f"advertisers/{account}", enabled=True, role=False)
    assert await code() == 40001
    await witness("POST", f"advertisers/{account}", role=True)
    assert await code() == 0
    assert await witness("POST", "auth_codes", advertisers=[account])
    await witness("POST", "clock", set=sandbox.clock() + 5)
    page = await witness("GET", f"audiences/{audience}/members", limit=1)
    assert page == {"lines": [f"email:{KEY}"], "next": None}
    planted = await witness(
        "POST", "audiences", advertiser_id=account, name="Like", kind="Lookalike Audience", count=2
    )
    assert len(planted["audience_ids"]) == 2
    assert len((await witness("GET", "audiences"))["audiences"]) == 3
    await witness("DELETE", f"audiences/{audience}")
    assert await code() == 40007
    counted = await witness("GET", "counters")
    assert counted["answers"][MAPPING] == dict.fromkeys(
        ("0", "40001", "40007", "40105", "40118", "40300"), 1
    )
    assert (counted["overlaps"], counted["broken"]) == (0, {})
    first = await witness("GET", "requests", limit=2)
    rest = await witness("GET", "requests", after=first["next"])
    assert [row["number"] for row in first["requests"] + rest["requests"]] == list(range(1, 8))
    await witness("POST", "reset")
    assert (await witness("GET", "audiences"))["audiences"] == []
    assert (await witness("GET", ""))["token"] == seen["token"]


@pytest.mark.parametrize(
    ("method", "path", "given", "status"),
    [
        ("GET", "nothing", {}, 404),
        ("GET", "audiences/1", {}, 404),
        ("GET", "requests", {"limit": 0}, 400),
        ("POST", "faults", {"rate": 2}, 400),
        ("POST", "faults", {"next": ["bang"]}, 400),
        ("POST", "faults", {"rates": 0.1}, 400),
        ("POST", "rules", {"no_such_rule": 1}, 400),
        ("POST", "rules", {"processing_s": -1}, 400),
        ("POST", "token", {}, 400),
        ("POST", "token", {"alive": "no"}, 400),
        ("POST", "advertisers/1", {"role": True}, 404),
        ("POST", "clock", {"set": "noon"}, 400),
    ],
)
async def test_the_witness_refuses(
    witness: Ask, method: str, path: str, given: dict[str, object], status: int
) -> None:
    assert "error" in await witness(method, path, status, **given)


async def test_it_serves_only_this_machine(sandbox: Sandbox) -> None:
    for host in ("0.0.0.0", "::", "example.com", "192.168.1.2"):  # noqa: S104
        with pytest.raises(ValueError, match="reached from outside"):
            async with running(sandbox, host):
                pass


def test_the_command_refuses_other_hosts() -> None:
    app = Typer()
    app.command()(sandbox_command)
    told = CliRunner().invoke(app, ["--host", "0.0.0.0"])  # noqa: S104
    assert told.exit_code == 2
    assert "--i-know" in told.output
