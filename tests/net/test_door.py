"""The real door against real sockets that misbehave: bad answers R42 to R47 and R49, made here.

Each server is a few lines on the loopback; what it does is the test.
"""

import asyncio
import gc
import ipaddress
import socket
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from towpath.limits import ANSWER_BYTES_MAX
from towpath.net.door import HttpDoor, HttpReply, NoAnswer

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEADERS = {"Access-Token": "act.canary"}


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head and the body of one request."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"),
        0,
    )
    return head, await reader.readexactly(length)


def http(body: bytes, status: str = "200 OK", extra: str = "", length: int | None = None) -> bytes:
    """An answer as it goes over the wire."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{extra}\r\n".encode() + body


@asynccontextmanager
async def serving(peer: Peer, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that treats each connection so; its base URL."""
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await peer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(one(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}/x/"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answering(*answers: bytes, gap_s: float = 0.0) -> Peer:
    """Answer every request of a connection with these pieces."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            for answer in answers:
                writer.write(answer)
                await writer.drain()
                await asyncio.sleep(gap_s)

    return peer


async def ask(peer: Peer, deadline_s: float = 5.0) -> HttpReply:
    async with serving(peer) as url, HttpDoor() as door:
        return await door.post(url, HEADERS, b"{}", deadline_s)


async def failing(peer: Peer, deadline_s: float = 0.2) -> NoAnswer:
    with pytest.raises(NoAnswer) as failure:
        await ask(peer, deadline_s)
    assert not failure.value.before_first_byte, "bytes may have left"
    return failure.value


async def test_a_request_and_its_answer() -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            seen.append(await read_request(reader))
            writer.write(http(b"done", extra="X-TT-LOGID: 7\r\n"))

    async with serving(peer) as url, HttpDoor() as door:
        posted = await door.post(url, HEADERS, b'{"a":1}', 5)
        got = await door.get(url + "?q=%5B%221%22%5D", HEADERS, 5)
    assert (posted.status, posted.body, posted.headers["x-tt-logid"]) == (200, b"done", "7")
    assert not posted.cut
    assert got.body == b"done"
    (post_head, body), (get_head, _) = seen  # one connection served both: keep-alive
    assert body == b'{"a":1}'
    assert b"Access-Token: act.canary\r\n" in post_head
    assert b"Content-Type: application/json\r\n" in post_head
    assert b"Accept-Encoding: identity\r\n" in post_head
    assert get_head.startswith(b"GET /x/?q=%5B%221%22%5D HTTP/1.1")


async def test_a_large_body_goes_without_a_warning() -> None:
    sizes = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sizes.append(len((await read_request(reader))[1]))
        writer.write(http(b"{}"))

    async with serving(peer) as url, HttpDoor() as door:
        assert (await door.post(url, HEADERS, bytes(5_000_000), 5)).status == 200
    assert sizes == [5_000_000]


def test_nothing_secret_is_shown() -> None:
    shown = repr(HttpReply(200, {"set-cookie": "canary"}, b"canary", cut=False))
    assert "canary" not in shown


async def test_a_redirect_is_an_answer_not_a_way() -> None:
    found = await ask(answering(http(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n")))
    assert found.status == 302


async def test_gzip_is_not_unpacked() -> None:
    found = await ask(answering(http(b"plain", extra="Content-Encoding: gzip\r\n")))
    assert (found.body, found.headers["content-encoding"]) == (b"plain", "gzip")


async def test_r42_a_body_without_end_is_cut_and_memory_stays_flat() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(http(b"", length=10**9))
        while True:
            writer.write(bytes(1 << 20))
            await writer.drain()

    tracemalloc.start()
    found = await ask(peer)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.cut
    assert len(found.body) == ANSWER_BYTES_MAX
    assert peak < 6 * ANSWER_BYTES_MAX


async def test_a_body_of_exactly_the_bound_is_whole() -> None:
    found = await ask(answering(http(bytes(ANSWER_BYTES_MAX))))
    assert not found.cut
    assert len(found.body) == ANSWER_BYTES_MAX


async def test_r43_a_byte_at_a_time_meets_the_deadline_in_all() -> None:
    slowly = [http(b"", length=50), *[b"x"] * 50]
    assert "deadline" in (await failing(answering(*slowly, gap_s=0.05))).why


async def test_r44_headers_and_then_silence() -> None:
    assert "deadline" in (await failing(answering(http(b"", length=9), gap_s=60))).why


async def test_r45_a_server_that_never_answers() -> None:
    assert "deadline" in (await failing(answering(b"", gap_s=60))).why


async def test_r46_reset_after_the_request() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.transport.abort()

    assert "connection lost" in (await failing(peer, 5)).why


async def test_r49_a_body_shorter_than_announced() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(http(b"{}", length=9))

    assert "connection lost" in (await failing(peer, 5)).why


async def test_no_http_at_all() -> None:
    assert "connection lost" in (await failing(answering(b"220 smtp ready\r\n"), 5)).why


async def test_a_get_is_not_repeated_behind_our_back() -> None:
    """aiohttp repeats a GET whose kept connection was closed: a second arrival on one permit."""
    requests = 0

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await read_request(reader)
        requests += 1
        if requests == 1:
            writer.write(http(b"{}"))
            await read_request(reader)
            requests += 1

    async with serving(peer) as url, HttpDoor() as door:
        await door.get(url, HEADERS, 5)
        with pytest.raises(NoAnswer) as failure:
            await door.get(url, HEADERS, 5)
    assert requests == 2
    assert not failure.value.before_first_byte


async def unsent(url: str, tls: ssl.SSLContext | None = None, deadline_s: float = 5) -> NoAnswer:
    async with HttpDoor(tls=tls) as door:
        with pytest.raises(NoAnswer) as failure:
            await door.post(url, HEADERS, b"{}", deadline_s)
    assert failure.value.before_first_byte, "nothing left"
    return failure.value


async def test_refused_and_unresolved_are_before_the_first_byte() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert "no connection" in (await unsent(f"http://127.0.0.1:{closed.getsockname()[1]}/")).why
    assert "does not resolve" in (await unsent("http://towpath.invalid/")).why
    secret = (await unsent("ftp:///?secret=canary")).why
    assert "canary" not in secret


async def test_a_connection_that_never_stands_is_before_the_first_byte() -> None:
    with socket.socket() as full:  # its backlog is full: the handshake does not end
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        failure = await unsent(f"http://127.0.0.1:{address[1]}/", deadline_s=0.3)
        for filler in fillers:
            filler.close()
    assert "deadline" in failure.why


def certificate(folder: Path, days: int) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS with a certificate of its own for 127.0.0.1, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    end = datetime.now(UTC) + timedelta(days=days)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(end - timedelta(days=30))
        .not_valid_after(end)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = built.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "pem"
    path.write_bytes(secret + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_r47_a_certificate_that_is_not_trusted_or_expired(tmp_path: Path) -> None:
    server, trusting = certificate(tmp_path, days=1)
    async with serving(answering(http(b"{}")), server) as url:
        assert "not trusted: self-signed" in (await unsent(url)).why
        async with HttpDoor(tls=trusting) as door:
            assert (await door.post(url, HEADERS, b"{}", 5)).status == 200
    server, trusting = certificate(tmp_path, days=-1)
    async with serving(answering(http(b"{}")), server) as url:
        assert "expired" in (await unsent(url, trusting)).why


async def aborted_bytes(tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None) -> int:
    """How much of a 32 MB request arrives at a peer that reads only after the deadline."""
    arrived, done, go = 0, asyncio.Event(), asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        await go.wait()
        try:
            while part := await reader.read(1 << 16):
                arrived += len(part)
        finally:
            done.set()

    server, client = tls or (None, None)
    async with serving(peer, server) as url, HttpDoor(tls=client) as door:
        with pytest.raises(NoAnswer):
            await door.post(url, HEADERS, bytes(32 << 20), 0.3)
        go.set()
        await asyncio.wait_for(done.wait(), 5)
    return arrived


async def test_after_the_deadline_unsent_bytes_never_arrive() -> None:
    assert await aborted_bytes() < 16 << 20


async def test_so_also_over_tls(tmp_path: Path) -> None:
    assert await aborted_bytes(certificate(tmp_path, days=1)) < 16 << 20


def test_so_also_on_uvloop(tmp_path: Path) -> None:
    assert uvloop.run(aborted_bytes()) < 16 << 20
    assert uvloop.run(aborted_bytes(certificate(tmp_path, days=1))) < 16 << 20


async def test_a_cancelled_call_stops_sending() -> None:
    closed = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        closed.set()

    async with serving(peer) as url, HttpDoor() as door:
        call = asyncio.ensure_future(door.post(url, HEADERS, b"{}", 60))
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(closed.wait(), 5)


async def test_many_at_once() -> None:
    async with serving(answering(http(b"{}"))) as url, HttpDoor() as door:
        calls = [door.post(url, HEADERS, bytes(1_000), 10) for _ in range(100)]
        assert {found.status for found in await asyncio.gather(*calls)} == {200}
    gc.collect()  # an unclosed connection would warn here, and a warning is an error
