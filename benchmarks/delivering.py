"""A process that does nothing but deliver: the engine's own sending loop, as a worker runs it.

The bench starts it, so that its CPU and memory are its own. It says "ready", begins at a line on
stdin, stops at the next, and prints what it used as one JSON object.
"""

import argparse
import asyncio
import json
import sys

import uvloop
from benchmarks.measure import own_cpu_s, own_peak_rss_mb
from benchmarks.scene import KEYS

from towpath.engine.worker import Parts, Worker
from towpath.ledger.windows import Windows
from towpath.net.door import HttpDoor
from towpath.partners.registry import PARTNERS
from towpath.store import database


async def deliver(url: str, sink: str, in_flight_max: int | None, readers: int | None) -> None:
    """Run the sending loop between two lines of stdin."""
    loop = asyncio.get_running_loop()
    given = {"in_flight_max": in_flight_max, "readers": readers}
    async with HttpDoor() as door:
        worker = Worker(
            Parts(
                connect=lambda: database.connect(url, name="towpath bench"),
                partners=PARTNERS,
                base_urls={"tiktok": sink},
                door=door,
                keys=KEYS,
                windows=Windows(),
                name="bench",
                seed=1,
                with_permits=False,
                **{name: value for name, value in given.items() if value is not None},
            )
        )
        print("ready", flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        before = own_cpu_s()
        running = asyncio.create_task(worker.run_sending())
        await loop.run_in_executor(None, sys.stdin.readline)
        worker.stop.set()
        await running
    used = {"cpu_s": own_cpu_s() - before, "peak_rss_mb": own_peak_rss_mb()}
    print(json.dumps(used), flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("sink")
    parser.add_argument("--in-flight", type=int)
    parser.add_argument("--readers", type=int)
    given = parser.parse_args()
    uvloop.run(deliver(given.url, given.sink, given.in_flight, given.readers))


if __name__ == "__main__":
    main()
