"""The sink: a partner's stand-in that reads whatever is posted, answers success, and keeps it.

While it is filled it only keeps the bytes as they come (2.3 MB a request of 10,000 people); what
they hold is read when somebody asks: GET /received answers counts and digests, and forgets.
Nothing of ours is imported: the bodies are read with the standard library's JSON.
"""

import asyncio
import hashlib
import json
import os
import sys
from typing import cast

import numpy as np
import uvloop
from numpy.typing import NDArray

HEX = 64
NO_KEY = "-" * HEX
ANSWER = b'{"code":0,"message":"OK","request_id":"202611230000000000000000000000","data":{}}'
Bodies = list[list[bytes]]


class Receiver(asyncio.Protocol):
    """One keep-alive connection: bodies with a Content-Length, one request after another."""

    def __init__(self, kept: Bodies) -> None:
        self.kept = kept
        self.head = b""
        self.missing = 0
        self.body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        while data:
            if not self.missing:
                data = self._read_head(data)
                continue
            part, data = data[: self.missing], data[self.missing :]
            self.body.append(part)
            self.missing -= len(part)
            if not self.missing:
                self.kept.append(self.body)
                self.body = []
                self._answer(ANSWER)

    def _read_head(self, data: bytes) -> bytes:
        """Take the head off; gives what followed it."""
        head, end, rest = (self.head + data).partition(b"\r\n\r\n")
        if not end:
            self.head = head
            return b""
        self.head = b""
        if head.startswith(b"GET "):
            self._answer(json.dumps(received(self.kept)).encode())
            return rest
        lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
        self.missing = int(next(value for name, _, value in lines if name == b"content-length"))
        return rest

    def _answer(self, body: bytes) -> None:
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
        self.transport.write(f"{head}{len(body)}\r\n\r\n".encode() + body)


def received(bodies: Bodies) -> dict[str, object]:
    """What the bodies hold, which are let go: how many requests, for which audiences, and of each
    field, and of whole rows, how many there are and a digest of the sorted set."""
    requests, audiences = len(bodies), set()
    columns: dict[str, list[NDArray[np.bytes_]]] = {"rows": []}
    while bodies:
        body = json.loads(b"".join(bodies.pop()))
        assert body["action"] == "add", body["action"]
        rows = body["batch_data"]
        audiences |= {ref for row in rows for cell in row for ref in cell.get("audience_ids", ())}
        keys = [[cell.get("id", NO_KEY) for cell in column] for column in zip(*rows, strict=True)]
        for name, column in zip(body["id_schema"], keys, strict=True):
            found = np.array(column, f"S{HEX}")
            columns.setdefault(name, []).append(found[found != NO_KEY.encode()])
        whole = list(map("".join, zip(*keys, strict=True)))
        columns["rows"].append(np.array(whole, f"S{HEX * len(keys)}"))
    sets = {name: summary(np.concatenate(parts)) for name, parts in columns.items() if parts}
    return {"requests": requests, "audiences": sorted(audiences), "sets": sets}


def summary(texts: NDArray[np.bytes_]) -> dict[str, object]:
    """How many, and the sorted set's digest: sha256 over the texts, a line break after each."""
    digest = hashlib.sha256(b"".join(text + b"\n" for text in np.unique(texts).tolist()))
    return {"count": len(texts), "digest": digest.hexdigest()}


async def serve() -> None:
    """Listen on a free port of this machine, print it, serve until stdin ends."""
    kept: Bodies = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Receiver(kept), "127.0.0.1", 0, backlog=128)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    os._exit(0)


if __name__ == "__main__":
    uvloop.run(serve())
