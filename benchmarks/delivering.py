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

from towpath import telemetry
from towpath.engine.worker import Parts, Worker
from towpath.ledger.windows import Windows
from towpath.net.door import HttpDoor
from towpath.partners.registry import PARTNERS
from towpath.store import database


async def deliver(url: str, sink: str) -> None:
    """Run the sending loop between two lines of stdin. What it raises ends the process."""
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with HttpDoor() as door:
        parts = Parts(
            connect=lambda: database.connect(url, name="towpath bench"),
            partners=PARTNERS,
            base_urls={"tiktok": sink},
            door=door,
            keys=KEYS,
            windows=Windows(),
            name="bench",
            seed=1,
            with_permits=False,
        )
        worker = Worker(parts)
        print("ready", flush=True)
        await lines.readline()
        before = own_cpu_s()
        sending = asyncio.create_task(worker.run_sending())
        asked_to_stop = asyncio.create_task(lines.readline())
        await asyncio.wait({sending, asked_to_stop}, return_when=asyncio.FIRST_COMPLETED)
        worker.stop.set()
        await sending
    used = {"cpu_s": own_cpu_s() - before, "peak_rss_mb": own_peak_rss_mb()}
    print(json.dumps(used), flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("sink")
    given = parser.parse_args()
    telemetry.set_up("warning")
    uvloop.run(deliver(given.url, given.sink))


if __name__ == "__main__":
    main()
