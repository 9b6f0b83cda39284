"""The measured API of the track bench: the real app under uvicorn, alone in its process.

It says its port, and when it is told to end, what it used, as one JSON object.
"""

import argparse
import json
import socket
import sys
import threading

import uvicorn
from benchmarks.measure import own_cpu_s, own_peak_rss_mb

from towpath.api.app import ApiParts, build, collect_seldom
from towpath.store import database

CONNECTIONS = 8


def main() -> None:
    """Serve until a line comes on stdin."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    given = parser.parse_args()
    collect_seldom()
    pool = database.open_pool(given.url, CONNECTIONS, name="towpath track bench")
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        build(ApiParts(pool)),
        log_level="warning",
        access_log=False,
        loop="uvloop",
        http="httptools",
    )
    server = uvicorn.Server(config)
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    serving.start()
    print(listening.getsockname()[1], flush=True)
    sys.stdin.readline()
    before = own_cpu_s()
    print("counting", flush=True)
    sys.stdin.readline()
    print(json.dumps({"cpu_s": own_cpu_s() - before, "peak_rss_mb": own_peak_rss_mb()}), flush=True)
    server.should_exit = True
    serving.join()
    pool.close()


if __name__ == "__main__":
    main()
