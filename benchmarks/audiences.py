"""How long 400 audiences of an ad account take to be shown, and to be searched, from our copy.

    ./dev bench audiences [--rounds 50]

Over HTTP inside the process, so what is counted is the API with its database. Prints JSON.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from towpath.api.app import ApiParts, build
from towpath.api.callers import Scope
from towpath.clock import seconds
from towpath.ids import PartnerRef
from towpath.store import (
    api_keys,
    apps,
    audience_listings,
    connections,
    database,
    embedded,
    migrations,
    workspaces,
)
from towpath.store.audience_listings import Line

AUDIENCES = 400
SEARCHES = ("", "winback 1", "spring", "7000000000000000399", "nothing")


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        Path(folder).chmod(0o711)
        with embedded.running(Path(folder) / "postgresql") as server:
            print(json.dumps(asyncio.run(_run(server.url, asked.rounds))))


async def _run(url: str, rounds: int) -> dict[str, object]:
    account, key = _fill(url)
    pool = database.open_pool(url, 4, name="bench")
    transport = httpx.ASGITransport(build(ApiParts(pool)))
    headers = {"Authorization": f"Bearer {key}"}
    found: dict[str, list[float]] = {search: [] for search in SEARCHES}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://bench", headers=headers
    ) as client:
        for _ in range(rounds):
            for search, took in found.items():
                began = time.perf_counter()
                query: dict[str, str | int] = {"search": search, "limit": 500}
                place = f"/v1/ad-accounts/{account}/audiences"
                answer = await client.get(place, params=query)
                took.append((time.perf_counter() - began) * 1_000)
                assert answer.status_code == 200, answer.text
                assert search or len(answer.json()["items"]) == AUDIENCES
    pool.close()
    return {
        "audiences": AUDIENCES,
        "rounds": rounds,
        "ms": {
            search or "all": {
                "p50": round(statistics.median(took), 1),
                "max": round(max(took), 1),
            }
            for search, took in found.items()
        },
    }


def _fill(url: str) -> tuple[int, str]:
    with database.connect(url) as db:
        now = database.database_now(db)
        migrations.migrate(db, now)
        workspace = workspaces.ensure_default(db, now).id
        app = apps.ensure(db, "tiktok", "70", 50)
        connection = connections.ensure(
            db, workspace, app, "TikTok", people_per_request_max=1_000, keys_per_request_max=1_000
        )
        account = connections.ensure_ad_account(db, workspace, connection, PartnerRef("73"), "Shop")
        lines = [
            Line(
                PartnerRef(str(7_000_000_000_000_000_000 + number)),
                f"{'Winback' if number % 2 else 'Spring buyers'} {number}",
                "Partner" if number % 3 else "Lookalike Audience",
                number % 3 > 0,
                True,
                False,
                number * 100,
                number > 10,
                False,
                now + seconds(300 * 86_400),
            )
            for number in range(AUDIENCES)
        ]
        audience_listings.replace(db, workspace, account, lines, now)
        return account, api_keys.create(db, workspace, "bench", (Scope.CANVASES_READ,), now)[1]


if __name__ == "__main__":
    main()
