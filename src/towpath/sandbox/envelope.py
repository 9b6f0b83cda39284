"""TikTok's envelope: nearly every answer is HTTP 200 with `code`, `message`, `request_id`, `data`.

Texts are TikTok's where its pages or recordings show them, else plain words of ours
(tiktok-api, sections 2, 3.2 and 8).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

MESSAGES = {
    0: "OK",
    20001: "Partial success",
    40001: "No permission to operate.",
    40002: "Invalid parameters.",
    40007: "The object does not exist.",
    40008: "This endpoint is not available in the sandbox.",
    40011: "Too many ids in one request.",
    40016: "Requests made too frequently.",
    40050: "Duplicated requests.",
    40100: "Requests made too frequently.",
    40101: "Invalid secret, app_id or auth_code.",
    40102: "Access token is expired.",
    40104: "Access token is null, you should set it in http header with key Access-Token.",
    40105: "Access token is invalid, when you call access_token or refresh_token api, "
    "old token will become invalid",
    40110: "The auth_code is canceled. Please re-authorize and try again with a new auth_code.",
    40113: "The app_id is inconsistent with the token's app information. "
    "Please retry after correcting it.",
    40118: "The app or advertiser is not in the allowlist.",
    40202: "Write conflict, please retry.",
    40300: "The advertiser doesn't exist or has been deleted.",
    40700: "Internal service validation error, please check parameters.",
    40900: "The file signature is wrong: it must be the MD5 of the file.",
    40905: "The file is missing.",
    40906: "The file is empty.",
    40907: "The file is too large.",
    40908: "The file type is wrong: it must be .csv or .txt.",
    40909: "The encryption type does not match the file.",
    40910: "The file has expired. Please upload it again.",
    40915: "The file is invalid.",
    50000: "System error.",
    50002: "Internal service error.",
    51010: "Internal service timed out.",
    51063: "Segment gateway service error.",
    51305: "Service error.",
    60001: "The service is under maintenance.",
}


class RefusalError(Exception):
    """TikTok says no: a code and a message, at HTTP 200."""

    def __init__(self, code: int, message: str = "") -> None:
        self.code = code
        self.message = message or MESSAGES.get(code, "Error.")
        super().__init__(self.message)


def request_id(seed: int, number: int, now: float) -> str:
    """An id in TikTok's look: 14 digits of time, 12 of a host, 8 hexadecimal digits.

    The last part multiplies by an odd number, so that no two of 2**32 calls share one.
    """
    moment = datetime.fromtimestamp(now, UTC)
    host = f"010{seed * 104_729 % 10**9:09d}"
    tail = (number * 2_654_435_761 + seed) % 2**32
    return f"{moment:%Y%m%d%H%M%S}{host}{tail:08X}"


def envelope(
    code: int, message: str, request: str, data: Mapping[str, Any], *, flat: bool = False
) -> bytes:
    """The JSON body; `flat` puts the data beside the code, as oauth/token/ does."""
    told = {"code": code, "message": message, "request_id": request}
    return msgspec.json.encode({**told, **data} if flat else {**told, "data": data})


def gmt(at: float) -> str:
    """A moment the way TikTok writes it, in GMT."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
