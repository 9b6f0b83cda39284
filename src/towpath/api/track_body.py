"""The body of a call of `/users/track`: read as it comes, bounded in size and in time.

JSON in UTF-8, plain or gzip. It is unpacked while it comes, never further than the limit, so a
small body that unpacks to a gigabyte costs no memory.
"""

import asyncio
import zlib

from fastapi import Request
from starlette.requests import ClientDisconnect

from towpath.api.problems import Problem
from towpath.limits import TRACK_BODY_BYTES_MAX, TRACK_BODY_S_MAX

_GZIP = 31
_CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii"})


async def read_body(request: Request) -> bytes:
    """The JSON text of the request, at most 4 MB once unpacked.

    Raises Problem: 400 broken gzip or connection, 408 too slow, 413 too large, 415 not JSON in
    UTF-8 or packed otherwise than by gzip.
    """
    _check_type(request)
    packing = request.headers.get("content-encoding", "identity").strip().lower()
    if packing not in {"identity", "gzip"}:
        raise Problem(
            415,
            "The body is packed in a way that is not read here.",
            remedy="Send it plain, or with Content-Encoding: gzip.",
            field="Content-Encoding",
        )
    try:
        async with asyncio.timeout(TRACK_BODY_S_MAX):
            return await (_unpacked(request) if packing == "gzip" else _plain(request))
    except TimeoutError:
        raise Problem(
            408,
            f"The body did not come within {TRACK_BODY_S_MAX:g} seconds.",
            remedy="Send less at once, or over a better line.",
            headers={"Connection": "close"},
        ) from None
    except ClientDisconnect:
        raise Problem(400, "The connection ended before the body did.") from None


def _check_type(request: Request) -> None:
    kind, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    if kind.strip() != "application/json":
        raise Problem(
            415,
            "The body is not said to be JSON.",
            remedy="Send Content-Type: application/json.",
            field="Content-Type",
        )
    charset = dict(
        part.strip().partition("=")[::2] for part in parameters.split(";") if "=" in part
    ).get("charset", "")
    if charset.strip("\"' ") not in _CHARSETS:
        raise Problem(
            415,
            "JSON is read in UTF-8 only.",
            remedy="Send it in UTF-8, without another charset.",
            field="Content-Type",
        )


async def _plain(request: Request) -> bytes:
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > TRACK_BODY_BYTES_MAX:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > TRACK_BODY_BYTES_MAX:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


async def _unpacked(request: Request) -> bytes:
    unpacking = zlib.decompressobj(_GZIP)
    found = bytearray()
    async for part in request.stream():
        try:
            found += unpacking.decompress(part, TRACK_BODY_BYTES_MAX + 1 - len(found))
        except zlib.error:
            raise _no_gzip() from None
        if len(found) > TRACK_BODY_BYTES_MAX:
            raise _too_large()
        if unpacking.unused_data or unpacking.unconsumed_tail:
            raise _no_gzip()
    if not unpacking.eof:
        raise _no_gzip()
    return bytes(found)


def _too_large() -> Problem:
    return Problem(
        413,
        f"The body is larger than {TRACK_BODY_BYTES_MAX:,} bytes, unpacked.",
        remedy="Send it in several calls.",
        headers={"Connection": "close"},
    )


def _no_gzip() -> Problem:
    return Problem(400, "The body is no gzip.", remedy="Send one whole gzip member.", field="body")
