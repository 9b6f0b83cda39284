"""`towpath sandbox`: the TikTok that ships with Towpath, on this machine's own address."""

import asyncio
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from msgspec.structs import replace

from towpath.cli.ending import heard_endings
from towpath.sandbox.clock import SettableClock
from towpath.sandbox.core import Sandbox
from towpath.sandbox.furniture import furnish
from towpath.sandbox.kept import Folder
from towpath.sandbox.rules import STREAMING_TIMES, TIERS, Rules
from towpath.sandbox.server import is_loopback, running


def sandbox_command(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 8900,
    seed: Annotated[int, typer.Option(help="Ids, token, delays and faults come from it.")] = 1,
    fault_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of mapping calls that go wrong.")
    ] = 0.0,
    processing: Annotated[
        float, typer.Option(min=0, help="Seconds within which an accepted call takes effect.")
    ] = 0.0,
    acceptance: Annotated[
        float, typer.Option(min=0, help="Seconds within which a failed call may be accepted.")
    ] = 0.0,
    ids_per_request: Annotated[
        int, typer.Option(min=1, help="TikTok allows 1000; the demo uses 40000.")
    ] = 1_000,
    rows_per_request: Annotated[int, typer.Option(min=1, help="People in a request.")] = 10_000,
    tier: Annotated[
        Literal["basic", "advanced", "premium", "ultimate"] | None,
        typer.Option(help="TikTok's own limits of this tier, for mappings too."),
    ] = None,
    host_mode: Annotated[
        Literal["production", "sandbox"],
        typer.Option("--play", help="TikTok itself, or its own sandbox host without audiences."),
    ] = "production",
    data: Annotated[
        Path | None, typer.Option(help="Folder to keep the state in; without, it is forgotten.")
    ] = None,
    furnished: Annotated[
        bool, typer.Option("--furnished", help="Over 100 audiences of five kinds to begin with.")
    ] = False,
    i_know: Annotated[
        bool, typer.Option("--i-know", help="Listen where others can reach it. It has no secrets.")
    ] = False,
) -> None:
    """Serve a believable TikTok to connect to, with faults on request."""
    _check_host(host, i_know)
    rules = Rules(
        processing_s=processing,
        acceptance_s=acceptance,
        ids_per_request=ids_per_request,
        rows_per_request=rows_per_request,
        host=host_mode,
    )
    sandbox = Sandbox(seed, SettableClock(time.time), _in_tier(rules, tier))
    sandbox.faults.set(fault_rate)
    folder = _folder(data, sandbox)
    if furnished:
        furnish(sandbox.world, sandbox.clock())
    try:
        with heard_endings():
            asyncio.run(_serve(sandbox, host, port, i_know, folder))
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
    except OSError as wrong:
        typer.echo(f"Cannot listen on {host}:{port}: {wrong.strerror}. Try --port 0.", err=True)
        raise typer.Exit(1) from None


def _check_host(host: str, i_know: bool) -> None:
    if not (i_know or is_loopback(host)):
        raise typer.BadParameter(
            f"{host} can be reached from outside, and the sandbox shows its members to whoever "
            "asks. Use 127.0.0.1, or add --i-know.",
            param_hint="--host",
        )


def _in_tier(rules: Rules, tier: str | None) -> Rules:
    if tier is None:
        return rules
    return replace(rules, other_per_s=TIERS[tier], mapping_per_s=STREAMING_TIMES * TIERS[tier])


def _folder(data: Path | None, sandbox: Sandbox) -> Folder | None:
    if data is None:
        return None
    try:
        folder = Folder(data)
        if folder.load(sandbox):
            typer.echo(f"Goes on with the state in {data}.", err=True)
    except (ValueError, OSError) as wrong:
        typer.echo(f"Cannot keep the state: {wrong}. Take another --data.", err=True)
        raise typer.Exit(1) from None
    return folder


async def _serve(
    sandbox: Sandbox, host: str, port: int, open_to_all: bool, folder: Folder | None
) -> None:
    async with running(sandbox, host, port, open_to_all=open_to_all) as address:
        world = sandbox.world
        typer.echo(f"TikTok sandbox  {address}/open_api/v1.3/")
        typer.echo(f"witness         {address}/sandbox/")
        typer.echo(f"console         {address}/console")
        typer.echo(f"ads manager     {address}/ads-manager")
        typer.echo(f"app id          {world.app_id}")
        typer.echo(f"secret          {world.secret}")
        typer.echo(f"token           {world.token}")
        for account in world.advertisers.values():
            typer.echo(f"ad account      {account.advertiser_id}  {account.name}")
        typer.echo("\n# To connect to it from another terminal, with `towpath connect tiktok`:")
        for name, value in {
            "BASE_URL": address,
            "APP_ID": world.app_id,
            "APP_SECRET": world.secret,
            "TOKEN": world.token,
        }.items():
            typer.echo(f"export TOWPATH_TIKTOK_{name}={shlex.quote(value)}")
        sys.stdout.flush()
        await (folder.keep(sandbox) if folder is not None else asyncio.Event().wait())
