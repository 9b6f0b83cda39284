"""One call to TikTok: where it goes, and its outcome as a value, lost or not.

Every path ends with a slash, or TikTok answers 404 (D 1737172488964097); the token goes into the
header Access-Token, without "Bearer".
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from towpath.net.door import Door, HttpReply, NoAnswer
from towpath.partners.tiktok.limits import API


def url(base_url: str, path: str, query: Mapping[str, Any] | None = None) -> str:
    """The address of an endpoint; `path` without slashes around it."""
    tail = f"?{urlencode(query)}" if query else ""
    return f"{base_url.rstrip('/')}{API}{path}/{tail}"


async def post(
    door: Door, address: str, token: str, body: bytes, deadline_s: float
) -> HttpReply | NoAnswer:
    """POST a JSON body. An empty token sends no token."""
    return await post_as(door, address, token, "application/json", body, deadline_s)


async def post_as(
    door: Door, address: str, token: str, content_type: str, body: bytes, deadline_s: float
) -> HttpReply | NoAnswer:
    """POST a body of any type."""
    headers = {"Content-Type": content_type} | _token(token)
    try:
        return await door.post(address, headers, body, deadline_s)
    except NoAnswer as failure:
        return failure


async def post_json(
    door: Door, address: str, token: str, asked: Mapping[str, Any], deadline_s: float
) -> HttpReply | NoAnswer:
    """POST a small JSON object."""
    return await post(door, address, token, json.dumps(asked).encode(), deadline_s)


async def get(door: Door, address: str, token: str, deadline_s: float) -> HttpReply | NoAnswer:
    """GET an address."""
    try:
        return await door.get(address, _token(token), deadline_s)
    except NoAnswer as failure:
        return failure


def _token(token: str) -> dict[str, str]:
    return {"Access-Token": token} if token else {}
