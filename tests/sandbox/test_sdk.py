"""TikTok's official SDK, from npm, works against the sandbox on every endpoint that both have."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from towpath.sandbox import Rules, Sandbox, SettableClock
from towpath.sandbox.server import running

HERE = Path(__file__).parent / "sdk"
FILES = ("package.json", "package-lock.json", "walk.mjs")
PEOPLE = [f"{number:064x}" for number in range(1_500)]


def installed() -> Path:
    """A folder outside the tree with the SDK in it, made once for each lock."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no node and npm here")
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "towpath" / f"tiktok-sdk-{lock}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(HERE / name, folder / name)
    if not (folder / "installed").exists():
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        told = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )
        if told.returncode:
            if "TOWPATH_TEST_BROWSER" in os.environ:  # CI installs whatever it needs
                pytest.fail(told.stderr)
            pytest.skip("npm could not install TikTok's SDK")
        (folder / "installed").touch()
    return folder


async def test_the_official_sdk_walks_through_it() -> None:
    folder = installed()
    sandbox = Sandbox(3, SettableClock(time.time), Rules(match_rate=1.0))
    world = sandbox.world
    mine = next(iter(world.advertisers))
    group = next(each for each in world.adgroups.values() if each.advertiser_id == mine)
    async with running(sandbox) as address:
        given = {
            "address": address,
            "app_id": world.app_id,
            "secret": world.secret,
            "auth_code": world.new_auth_code(list(world.advertisers), (1, 3), sandbox.clock()),
            "people": PEOPLE,
            "adgroup_id": group.adgroup_id,
        }
        node = await asyncio.create_subprocess_exec(
            "node",
            "walk.mjs",
            cwd=folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = await asyncio.wait_for(node.communicate(json.dumps(given).encode()), 30)
    assert node.returncode == 0, error.decode()
    told = json.loads(out)
    assert {each["name"]: each["code"] for each in told if each["code"]} == {}
    said = {each["name"]: each["data"] for each in told}
    assert len(said) == 17
    assert len(said["advertiser_get"]["list"]) == 3
    assert said["advertiser_info"]["list"][0]["name"] == "River Shop"
    assert said["list"]["list"][0]["cover_num"] == len(PEOPLE)
    kinds = [each["audience_details"]["type"] for each in said["get"]["list"]]
    assert kinds == ["Customer File Audience", "Lookalike Audience"]
    assert said["share_log"]["list"][0]["action"] == "SHARE"
    assert said["apply_log"]["list"][0]["adgroup_name"] == group.name
    assert sandbox.world.audiences == {}
