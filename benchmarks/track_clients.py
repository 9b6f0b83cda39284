"""The callers of the track bench: so many at once, each sends its next call when it has its answer.

Bodies are made before the clock starts: 70 % events and 30 % attributes of people who are known,
drawn at random. Prints when it is ready, then what was answered, as one JSON object.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from random import Random

import aiohttp
import uvloop
from benchmarks.measure import own_cpu_s

EVENTS, ATTRIBUTES = 0.7, 0.3
NAMES = ("viewed product", "added to cart", "opened app", "searched", "shared", "left a review")
AT = "2026-01-{day:02}T{hour:02}:{minute:02}:00Z"
SEED = 7


def bodies(calls: int, objects: int, people: int) -> Iterator[bytes]:
    """The bodies of so many calls."""
    chance = Random(SEED)
    events = round(objects * EVENTS)
    for _ in range(calls):
        yield json.dumps(
            {
                "attributes": [_said(chance, people) for _ in range(objects - events)],
                "events": [_did(chance, people) for _ in range(events)],
            }
        ).encode()


def _did(chance: Random, people: int) -> dict[str, object]:
    return {
        "external_id": f"person-{chance.randrange(people) + 1}",
        "name": chance.choice(NAMES),
        "time": _time(chance),
        "properties": {"sku": f"A-{chance.randrange(5000)}", "price": chance.randrange(9999) / 100},
    }


def _said(chance: Random, people: int) -> dict[str, object]:
    return {
        "external_id": f"person-{chance.randrange(people) + 1}",
        "plan": chance.choice(("free", "gold", "black")),
        "points": chance.randrange(100_000),
        "last_seen": _time(chance),
    }


def _time(chance: Random) -> str:
    return AT.format(
        day=chance.randrange(1, 29), hour=chance.randrange(24), minute=chance.randrange(60)
    )


async def call_all(address: str, key: str, waiting: list[bytes], callers: int) -> list[float]:
    """Send every body once; gives the seconds each took. Raises RuntimeError on another answer."""
    took: list[float] = []
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=callers)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:

        async def go_on() -> None:
            while waiting:
                body, begun = waiting.pop(), time.perf_counter()
                async with session.post(f"{address}/users/track", data=body) as answer:
                    told = await answer.read()
                    if answer.status != 201 or b"errors" in told:
                        raise RuntimeError(f"{answer.status}: {told[:300]!r}")
                took.append(time.perf_counter() - begun)

        async with asyncio.TaskGroup() as running:
            for _ in range(callers):
                running.create_task(go_on())
    return took


def main() -> None:
    """Make the bodies, wait for the word, send them, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("key")
    for name in ("calls", "objects", "people", "callers"):
        parser.add_argument(f"--{name}", type=int, required=True)
    given = parser.parse_args()
    waiting = list(bodies(given.calls, given.objects, given.people))
    print("ready", flush=True)
    sys.stdin.readline()
    before, begun = own_cpu_s(), time.perf_counter()
    took = sorted(uvloop.run(call_all(given.address, given.key, waiting, given.callers)))
    seconds = time.perf_counter() - begun
    used = {
        "calls": len(took),
        "seconds": seconds,
        "cpu_s": own_cpu_s() - before,
        "p50_ms": 1000 * took[len(took) // 2],
        "p99_ms": 1000 * took[len(took) * 99 // 100],
    }
    print(json.dumps(used), flush=True)


if __name__ == "__main__":
    main()
